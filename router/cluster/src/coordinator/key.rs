//! The keys of a cluster. Beats are apart, so that who only wants to know nodes and map is not told of every renewal.

use crate::NodeId;
use crate::map::ChunkId;

/// Everything that is ever stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Whose coordinator this is: [`crate::record::Root`].
    Root,
    /// Who computes the map: [`crate::record::Control`].
    Control,
    /// A part of the map: [`crate::Chunk`].
    Chunk(ChunkId),
    /// A node: [`crate::record::NodeRecord`].
    Node(NodeId),
    /// Its beat: [`crate::record::Beat`].
    Beat(NodeId),
}

/// What can be read or watched at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// All but beats.
    Cluster,
    /// All beats.
    Beats,
}

impl Prefix {
    /// Below which path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Cluster => "cluster/",
            Self::Beats => "beats/",
        }
    }

    /// Whether a key is below it.
    #[must_use]
    pub const fn holds(self, key: Key) -> bool {
        matches!(key, Key::Beat(_)) == matches!(self, Self::Beats)
    }
}

impl Key {
    /// Its name for engines that know bytes; an engine puts the name of the installation before it.
    #[must_use]
    pub fn path(self) -> String {
        match self {
            Self::Root => "cluster/root".into(),
            Self::Control => "cluster/control".into(),
            Self::Chunk(chunk) => format!("cluster/map/{:02}", chunk.number()),
            Self::Node(node) => format!("cluster/node/{node}"),
            Self::Beat(node) => format!("beats/{node}"),
        }
    }

    /// The other way round; `None` for what no build writes.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let node = |hex: &str| u64::from_str_radix(hex, 16).ok().map(NodeId);
        let key = match path {
            "cluster/root" => Self::Root,
            "cluster/control" => Self::Control,
            _ => match path.rsplit_once('/')? {
                ("cluster/map", number) => Self::Chunk(ChunkId::new(number.parse().ok()?)?),
                ("cluster/node", hex) => Self::Node(node(hex)?),
                ("beats", hex) => Self::Beat(node(hex)?),
                _ => return None,
            },
        };
        Some(key).filter(|key| key.path() == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_path() {
        let chunks = ChunkId::all().map(Key::Chunk);
        for key in [Key::Root, Key::Control, Key::Node(NodeId(255)), Key::Beat(NodeId(u64::MAX))]
            .into_iter()
            .chain(chunks)
        {
            assert_eq!(Key::parse(&key.path()), Some(key));
            let prefix = if matches!(key, Key::Beat(_)) { Prefix::Beats } else { Prefix::Cluster };
            assert!(prefix.holds(key) && key.path().starts_with(prefix.path()));
        }
        for path in
            ["", "cluster/map/16", "cluster/map/1", "beats/ff", "cluster/node/+00000000000000f", "x/y"]
        {
            assert_eq!(Key::parse(path), None, "{path}");
        }
    }
}
