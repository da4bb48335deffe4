//! Which pages may connect: the operator's allow-list against a request's `Origin` (RFC 6455 §10.2).
//!
//! Browsers always send `Origin` and let no page change it; other clients send none and are not what this protects
//! against (a page that uses its visitor's place in the network or cookies).

use core::fmt;

/// The origins whose pages may connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    any: bool,
    exact: Vec<String>,
    /// Scheme with `://`, and what the host must end with, the dot included.
    below: Vec<(String, String)>,
    /// Scheme and host, to which any port may follow.
    any_port: Vec<String>,
}

/// An entry of the allow-list that is no origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadOrigin(
    /// The entry.
    pub String,
);

impl fmt::Display for BadOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} is no origin: write \"https://example.org\", \"https://*.example.org\" or \"*\"",
            self.0
        )
    }
}

impl core::error::Error for BadOrigin {}

impl OriginPolicy {
    /// Pages of any origin.
    #[must_use]
    pub const fn any() -> Self {
        Self { any: true, exact: Vec::new(), below: Vec::new(), any_port: Vec::new() }
    }

    /// From the allow-list: `https://example.org` with the port unless it is the scheme's own,
    /// `https://*.example.org` for everything below a name, `http://localhost:*` for any port (or none), `*` for any.
    ///
    /// # Errors
    /// The first entry that is none of these.
    pub fn new<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, BadOrigin> {
        let mut policy = Self::default();
        for entry in entries {
            let entry = entry.as_ref().to_ascii_lowercase();
            if entry == "*" {
                policy.any = true;
                continue;
            }
            let bad = || BadOrigin(entry.clone());
            let (scheme, host) = entry.split_once("://").ok_or_else(bad)?;
            let valid = |text: &str| !text.is_empty() && !text.contains(['/', '*', '?', '#', '@', ' ', ',']);
            if let Some(name) = host.strip_suffix(":*") {
                if !valid(scheme) || !valid(name) {
                    return Err(bad());
                }
                policy.any_port.push(format!("{scheme}://{name}"));
                continue;
            }
            match host.strip_prefix("*.") {
                Some(name) if valid(scheme) && valid(name) => {
                    policy.below.push((format!("{scheme}://"), format!(".{name}")));
                }
                None if valid(scheme) && valid(host) => policy.exact.push(entry),
                _ => return Err(bad()),
            }
        }
        Ok(policy)
    }

    /// Whether a request with this `Origin` may connect. Without one it is no page's.
    #[must_use]
    pub fn allows(&self, origin: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        if self.any {
            return true;
        }
        let origin = origin.to_ascii_lowercase();
        self.exact.contains(&origin)
            || self.any_port.iter().any(|host| {
                origin.strip_prefix(host.as_str()).is_some_and(|rest| match rest.strip_prefix(':') {
                    Some(port) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
                    None => rest.is_empty(),
                })
            })
            || self.below.iter().any(|(scheme, suffix)| {
                origin.strip_prefix(scheme.as_str()).is_some_and(|host| {
                    !host.contains(['/', '@', ' ', ','])
                        && host.strip_suffix(suffix.as_str()).is_some_and(|name| !name.is_empty())
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_pass() {
        let policy = OriginPolicy::new(["https://Example.org", "https://*.game.example:8443"]).unwrap();
        for origin in ["https://example.org", "HTTPS://EXAMPLE.ORG", "https://eu.game.example:8443"] {
            assert!(policy.allows(Some(origin)), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://example.org",
            "https://example.org:444",
            "https://example.org.evil.test",
            "https://evil.test/https://example.org",
            "https://game.example:8443",
            "https://.game.example:8443",
            "https://evilgame.example:8443",
            "https://evil.test/.game.example:8443",
            "https://user@a.game.example:8443",
            "http://a.game.example:8443",
        ] {
            assert!(!policy.allows(Some(origin)), "{origin}");
        }
    }

    #[test]
    fn a_star_for_the_port_stands_for_digits_alone() {
        let policy = OriginPolicy::new(["http://localhost:*"]).unwrap();
        for origin in ["http://localhost", "http://localhost:3000"] {
            assert!(policy.allows(Some(origin)), "{origin}");
        }
        for origin in [
            "http://localhost:",
            "http://localhost.evil.test",
            "http://localhost:3000.evil.test",
            "http://localhost:x@evil.test",
            "https://localhost:3000",
        ] {
            assert!(!policy.allows(Some(origin)), "{origin}");
        }
        assert!(OriginPolicy::new(["http://*.a:*"]).is_err());
    }

    #[test]
    fn clients_that_are_no_pages_pass_and_an_empty_list_lets_no_page_in() {
        let policy = OriginPolicy::default();
        assert!(policy.allows(None));
        assert!(!policy.allows(Some("https://example.org")));
        assert!(OriginPolicy::new(["*"]).unwrap().allows(Some("null")));
        assert!(OriginPolicy::any().allows(Some("https://example.org")));
    }

    #[test]
    fn entries_that_are_no_origins_are_named() {
        for entry in
            ["example.org", "https://", "https://*", "https://a.*.b", "https://a/", "://a", "https://*."]
        {
            assert_eq!(OriginPolicy::new([entry]), Err(BadOrigin(entry.to_owned())), "{entry}");
        }
    }
}
