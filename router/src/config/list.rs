//! Values with a grammar of their own: addresses, cores, shards, lists of text, paths.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::node::Network;

use super::raw::Raw;
use super::value::{Span, Value, quoted};

/// Addresses to listen on: one `"ip:port"` or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Addresses(pub Vec<SocketAddr>);

impl Value for Addresses {
    fn read(raw: &Raw) -> Result<Self, String> {
        let mut out = Vec::new();
        for text in texts(raw).ok_or("must be an address like \"0.0.0.0:7400\", or a list of them")? {
            let address = text.parse().map_err(|_| {
                format!(
                    "{text:?} is no IP address with a port: write it like \"0.0.0.0:7400\" or \"[::]:7400\""
                )
            })?;
            if out.contains(&address) {
                return Err(format!("{address} is there twice"));
            }
            out.push(address);
        }
        Ok(Self(out))
    }

    fn show(&self) -> String {
        show_list(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>())
    }
}

/// Texts: one, or a list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Texts(pub Vec<String>);

impl Value for Texts {
    fn read(raw: &Raw) -> Result<Self, String> {
        texts(raw).map(Self).ok_or_else(|| "must be text in quotes, or a list of texts".into())
    }

    fn show(&self) -> String {
        show_list(&self.0)
    }
}

/// Files: one, or a list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Paths(pub Vec<PathBuf>);

impl Value for Paths {
    fn read(raw: &Raw) -> Result<Self, String> {
        let texts = texts(raw).ok_or("must be a path in quotes, or a list of paths")?;
        Ok(Self(texts.into_iter().map(PathBuf::from).collect()))
    }

    fn show(&self) -> String {
        show_list(&self.0.iter().map(|path| path.display().to_string()).collect::<Vec<_>>())
    }
}

/// Networks, as `address/bits` or one address.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Networks(pub Vec<Network>);

impl Value for Networks {
    fn read(raw: &Raw) -> Result<Self, String> {
        let texts = texts(raw).ok_or("must be a network like \"10.0.0.0/8\", or a list of them")?;
        let network = |text: &String| {
            let (address, bits) =
                text.split_once('/').map_or((text.as_str(), None), |(left, bits)| (left, Some(bits)));
            let address: IpAddr = address.parse().ok()?;
            let width = if address.is_ipv4() { 32 } else { 128 };
            let prefix =
                bits.map_or(Some(width), |bits| bits.parse().ok()).filter(|prefix| *prefix <= width)?;
            Some(Network { address, prefix })
        };
        let mend =
            |text: &String| format!("{text:?} is no network: write it like \"10.0.0.0/8\" or \"fd00::/8\"");
        texts.iter().map(|text| network(text).ok_or_else(|| mend(text))).collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> String {
        let networks = self.0.iter().map(|network| format!("{}/{}", network.address, network.prefix));
        show_list(&networks.collect::<Vec<_>>())
    }
}

/// A file, or none (`""`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MaybePath(pub Option<PathBuf>);

impl Value for MaybePath {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = String::read(raw).map_err(|_| "must be a path in quotes".to_string())?;
        Ok(Self((!text.is_empty()).then(|| PathBuf::from(text))))
    }

    fn show(&self) -> String {
        quoted(&self.0.as_ref().map(|path| path.display().to_string()).unwrap_or_default())
    }
}

/// How many shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Shards {
    /// As the cores at hand suggest.
    #[default]
    Auto,
    /// So many.
    Count(u16),
}

/// The most shards of one node.
pub const SHARDS_MAX: u16 = 256;

impl Value for Shards {
    fn read(raw: &Raw) -> Result<Self, String> {
        let mend = || format!("must be \"auto\" or a number from 1 to {SHARDS_MAX}");
        match raw {
            Raw::Text(text) | Raw::Loose(text) if text == "auto" => Ok(Self::Auto),
            Raw::Text(text) => Self::read(&Raw::Loose(text.clone())),
            _ => match u16::read(raw) {
                Ok(count) if (1..=SHARDS_MAX).contains(&count) => Ok(Self::Count(count)),
                _ => Err(mend()),
            },
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => quoted("auto"),
            Self::Count(count) => count.to_string(),
        }
    }
}

/// How long an idle shard looks for work before it sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Spin {
    /// As the number of CPUs suggests.
    #[default]
    Auto,
    /// So long.
    For(Span),
}

/// The longest spin: beyond, a sleeping shard costs less than it wins.
const SPIN_MAX: Span = Span::ms(10);

impl Value for Spin {
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) | Raw::Loose(text) if text == "auto" => Ok(Self::Auto),
            _ => match Span::read(raw) {
                Ok(span) if span <= SPIN_MAX => Ok(Self::For(span)),
                _ => Err(format!("must be \"auto\" or a time up to {}, like \"50us\"", SPIN_MAX.show())),
            },
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => quoted("auto"),
            Self::For(span) => span.show(),
        }
    }
}

/// Cores to pin shards to, in order; empty: as the affinity mask gives them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Cores(pub Vec<u16>);

impl Value for Cores {
    fn read(raw: &Raw) -> Result<Self, String> {
        let mend =
            || "must be \"auto\" or cores like \"0,2-3\", each at most 1023 and named once".to_string();
        let text = match raw {
            Raw::Text(text) | Raw::Loose(text) => text.clone(),
            Raw::Integer(core) => core.to_string(),
            _ => return Err(mend()),
        };
        if text == "auto" {
            return Ok(Self(Vec::new()));
        }
        let mut out: Vec<u16> = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
            let (first, last): (u16, u16) =
                (first.trim().parse().map_err(|_| mend())?, last.trim().parse().map_err(|_| mend())?);
            if first > last || last > 1023 {
                return Err(mend());
            }
            for core in first..=last {
                if out.contains(&core) {
                    return Err(mend());
                }
                out.push(core);
            }
        }
        Ok(Self(out))
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return quoted("auto");
        }
        let mut parts: Vec<String> = Vec::new();
        let mut rest = self.0.as_slice();
        while let [first, ..] = rest {
            let run = rest.windows(2).take_while(|pair| pair[1] == pair[0] + 1).count();
            parts.push(if run == 0 { first.to_string() } else { format!("{first}-{}", rest[run]) });
            rest = &rest[run + 1..];
        }
        quoted(&parts.join(","))
    }
}

/// One text, a list, or (in flags and the environment) texts with commas between them.
fn texts(raw: &Raw) -> Option<Vec<String>> {
    match raw {
        Raw::Text(text) => Some(vec![text.clone()]),
        Raw::Loose(text) => {
            Some(text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(String::from).collect())
        }
        Raw::List(items) => items
            .iter()
            .map(|item| match item {
                Raw::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn show_list(texts: &[String]) -> String {
    match texts {
        [one] => quoted(one),
        _ => format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(text: &str) -> Raw {
        Raw::Loose(text.into())
    }

    #[test]
    fn cores_are_lists_of_ranges_and_are_written_back_so() {
        let cores = Cores::read(&loose("0, 2-4,7")).unwrap();
        assert_eq!(cores.0, [0, 2, 3, 4, 7]);
        assert_eq!(cores.show(), "\"0,2-4,7\"");
        for wrong in ["", "3-1", "1,1", "0-2,1", "x", "0-70000", "5000"] {
            assert!(Cores::read(&loose(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shards_are_auto_or_a_number_in_bounds() {
        assert_eq!(Shards::read(&loose("auto")), Ok(Shards::Auto));
        assert_eq!(Shards::read(&Raw::Integer(4)), Ok(Shards::Count(4)));
        assert_eq!(Shards::read(&Raw::Text("4".into())), Ok(Shards::Count(4)));
        assert!(Shards::read(&Raw::Integer(0)).is_err());
        assert!(Shards::read(&Raw::Integer(257)).is_err());
    }

    #[test]
    fn an_address_needs_a_port_and_is_named_once() {
        assert!(Addresses::read(&loose("127.0.0.1")).unwrap_err().contains("\"127.0.0.1\" is no IP address"));
        assert!(Addresses::read(&loose("[::1]:7400, [::1]:7400")).unwrap_err().contains("twice"));
        assert_eq!(Addresses::read(&loose("[::1]:7400")).unwrap().show(), "\"[::1]:7400\"");
    }
}
