//! The names in certificates: `node-3.game.ringway.internal` is node 3 of the cluster `game`. Pure.

use std::fmt;

use rustls::pki_types::{DnsName, ServerName};

/// What every name ends with; `internal` is the top-level domain that ICANN keeps out of the public DNS for such use.
const DOMAIN: &str = "ringway.internal";

/// Bytes of a cluster's name, at most: one label of the DNS.
pub const CLUSTER_BYTES_MAX: usize = 63;

/// The name of a cluster: 1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cluster(String);

impl Cluster {
    /// Takes a name that is one.
    ///
    /// # Errors
    /// What a name must look like.
    pub fn new(text: &str) -> Result<Self, String> {
        let alphabet =
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let ends = !text.starts_with('-') && !text.ends_with('-');
        if text.is_empty() || text.len() > CLUSTER_BYTES_MAX || !alphabet || !ends {
            return Err(format!(
                "{text:?} is no name of a cluster: write 1 to {CLUSTER_BYTES_MAX} lower-case letters, digits and \
                 hyphens, with a letter or digit at both ends"
            ));
        }
        Ok(Self(text.into()))
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain below which all of its nodes' names are.
    #[must_use]
    pub fn domain(&self) -> String {
        format!("{self}.{DOMAIN}")
    }

    /// The other way.
    #[must_use]
    pub(super) fn of_domain(domain: &str) -> Option<Self> {
        let name = domain.strip_suffix(DOMAIN)?.strip_suffix('.')?;
        Self::new(name).ok()
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The number of a node in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeNumber(pub u64);

impl fmt::Display for NodeNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A node as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its cluster.
    pub cluster: Cluster,
    /// Its number there.
    pub node: NodeNumber,
}

impl Peer {
    /// The DNS name of its certificate. Nothing resolves it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("node-{}.{}", self.node, self.cluster.domain())
    }

    /// The name as what a client of TLS asks for.
    #[must_use]
    pub fn server_name(&self) -> ServerName<'static> {
        // 106 bytes at most, labels of 63: names of clusters are made so.
        ServerName::DnsName(DnsName::try_from(self.name()).expect("a name of ours is a name of the DNS"))
    }

    /// Reads a name; only the one way to write it counts (no capitals, no leading zeros).
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (label, domain) = name.strip_prefix("node-")?.split_once('.')?;
        let peer = Self { cluster: Cluster::of_domain(domain)?, node: NodeNumber(label.parse().ok()?) };
        (peer.name() == name).then_some(peer)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "node {} of cluster {}", self.node, self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_a_name_of_one_label() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "game", "eu-west-1", &longest] {
            assert_eq!(Cluster::new(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(64);
        for bad in ["", "-", "-a", "a-", "A", "a.b", "a_b", "ü", "a b", "a\n", "*", &too_long] {
            let told = Cluster::new(bad).unwrap_err();
            assert!(told.contains("is no name of a cluster: write 1 to 63 lower-case letters"), "{told}");
        }
    }

    #[test]
    fn a_name_reads_back_and_there_is_one_way_to_write_it() {
        for node in [0, 3, u64::MAX] {
            for cluster in ["game", "0", &"a".repeat(63)] {
                let peer = Peer { cluster: Cluster::new(cluster).unwrap(), node: NodeNumber(node) };
                assert_eq!(Peer::of_name(&peer.name()), Some(peer.clone()));
                assert_eq!(peer.server_name().to_str(), peer.name());
            }
        }
        for bad in [
            "",
            "node-3",
            "node-03.game.ringway.internal",
            "node-+3.game.ringway.internal",
            "node--3.game.ringway.internal",
            "node-.game.ringway.internal",
            "Node-3.game.ringway.internal",
            "node-3.Game.ringway.internal",
            "node-3.a.b.ringway.internal",
            "node-3..ringway.internal",
            "node-3.ringway.internal",
            "node-3.game.ringway.internal.",
            "node-3.game.ringway.example",
            "node-18446744073709551616.game.ringway.internal",
            "*.game.ringway.internal",
        ] {
            assert_eq!(Peer::of_name(bad), None, "{bad}");
        }
    }
}
