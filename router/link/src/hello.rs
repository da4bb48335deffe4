//! The first words of a link: both ends say [`Hello`] on stream 0 and answer the other's with the version that both
//! speak, or with why not.
//!
//! The head, the magic and these frames are the same in all versions. A link joins versions that are neighbours: a
//! rolling update goes one version at a time.

use core::fmt;

use ringway_protocol::NodeId;

use crate::field::Field;
use crate::limit::CLUSTER_BYTES_MAX;
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault};

/// The version of this release.
pub const VERSION: u16 = 1;
/// The oldest version that this release speaks.
pub const VERSION_OLDEST: u16 = 1;
/// The application protocol of the connection (ALPN).
pub const ALPN: &[u8] = b"ringway-link/1";
/// What a hello begins with.
const MAGIC: [u8; 8] = *b"ringlink";

/// The versions that a node speaks: its own and back to the oldest, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// The oldest that it understands.
    pub oldest: u16,
    /// Its own.
    pub own: u16,
}

impl VersionRange {
    /// Those of this release.
    pub const OURS: Self = Self { oldest: VERSION_OLDEST, own: VERSION };

    /// The version that both speak: the older of their own.
    ///
    /// # Errors
    /// The two are more than one version apart, or the newer no longer speaks the older.
    pub fn settle(self, peer: Self) -> Result<u16, HelloError> {
        let version = self.own.min(peer.own);
        let near = self.own.abs_diff(peer.own) <= 1;
        if near && version >= self.oldest.max(peer.oldest) {
            Ok(version)
        } else if self.own > peer.own {
            Err(HelloError::VersionTooOld)
        } else {
            Err(HelloError::VersionTooNew)
        }
    }
}

/// Who a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// What it speaks.
    pub versions: VersionRange,
    /// Which cluster it belongs to: 1 to 128 bytes.
    pub cluster: &'a str,
    /// Which node.
    pub node: NodeId,
    /// Which start of it: higher is later.
    pub incarnation: u64,
    /// How many shards it has, at least 1.
    pub shards: u16,
    /// Optional things that it can do, a bit each. None is given out yet.
    pub features: u64,
}

impl Hello<'_> {
    /// Whether this node, which says `self`, links with the peer: the version and the features of both.
    ///
    /// # Errors
    /// What the peer is told with [`Word::Refusal`](crate::Word::Refusal).
    pub fn settle(&self, peer: &Hello<'_>) -> Result<(u16, u64), HelloError> {
        let version = self.versions.settle(peer.versions)?;
        if self.cluster != peer.cluster {
            return Err(HelloError::OtherCluster);
        }
        if self.node == peer.node {
            return Err(HelloError::SameNode);
        }
        Ok((version, self.features & peer.features))
    }
}

/// Why a node does not link with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum HelloError {
    /// The peer's version is too old for this node.
    VersionTooOld = 200,
    /// The peer's version is too new for this node.
    VersionTooNew = 201,
    /// The peer belongs to another cluster.
    OtherCluster = 202,
    /// The peer says that it is this very node.
    SameNode = 203,
    /// The certificate is not that of the node that the peer says it is.
    WrongCertificate = 204,
    /// A later incarnation of that node is known.
    StaleIncarnation = 205,
    /// The cluster's map does not know that node.
    UnknownNode = 206,
}

impl HelloError {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::VersionTooOld,
        Self::VersionTooNew,
        Self::OtherCluster,
        Self::SameNode,
        Self::WrongCertificate,
        Self::StaleIncarnation,
        Self::UnknownNode,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The name, for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VersionTooOld => "version_too_old",
            Self::VersionTooNew => "version_too_new",
            Self::OtherCluster => "other_cluster",
            Self::SameNode => "same_node",
            Self::WrongCertificate => "wrong_certificate",
            Self::StaleIncarnation => "stale_incarnation",
            Self::UnknownNode => "unknown_node",
        }
    }

    /// What to do about it, said to the peer that is refused.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::VersionTooOld => {
                "Your version is too old for this node: update one version at a time, all nodes before the next."
            }
            Self::VersionTooNew => {
                "Your version is too new for this node: update this node first, one version at a time."
            }
            Self::OtherCluster => {
                "This node belongs to another cluster: check the cluster id and the addresses."
            }
            Self::SameNode => "This node has your id: give each node an id of its own.",
            Self::WrongCertificate => {
                "Your certificate is of another node: check the node id and the certificate."
            }
            Self::StaleIncarnation => "A later start of your node is known: stop one of the two processes.",
            Self::UnknownNode => "This node does not know yours: join the cluster first.",
        }
    }
}

impl fmt::Display for HelloError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.number(), self.name(), self.text())
    }
}

impl core::error::Error for HelloError {}

impl Field<'_> for VersionRange {
    fn put(self, sink: &mut Sink<'_>) {
        if self.oldest == 0 || self.oldest > self.own {
            sink.refuse(Fault::BadValue, "versions");
        }
        sink.field(self.oldest);
        sink.field(self.own);
    }

    fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
        let (oldest, own) = Field::take(source)?;
        if oldest == 0 || oldest > own {
            return Err(source.error(Fault::BadValue));
        }
        Ok(Self { oldest, own })
    }
}

impl<'a> Hello<'a> {
    pub(crate) fn put(&self, sink: &mut Sink<'_>) {
        if self.cluster.is_empty() {
            sink.refuse(Fault::BadValue, "cluster");
        }
        if self.shards == 0 {
            sink.refuse(Fault::BadValue, "shards");
        }
        sink.bytes(&MAGIC);
        sink.field(self.versions);
        sink.field(self.shards);
        sink.field(self.node);
        sink.field(self.incarnation);
        sink.field(self.features);
        sink.text("cluster", CLUSTER_BYTES_MAX, self.cluster);
    }

    pub(crate) fn take(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        if source.field::<u64>("magic")? != u64::from_le_bytes(MAGIC) {
            return Err(source.error(Fault::BadMagic));
        }
        let versions = source.field("versions")?;
        let shards = source.field("shards")?;
        if shards == 0 {
            return Err(source.error(Fault::BadValue));
        }
        let node = source.field("node")?;
        let incarnation = source.field("incarnation")?;
        let features = source.field("features")?;
        let cluster = source.text("cluster", CLUSTER_BYTES_MAX)?;
        if cluster.is_empty() {
            return Err(source.error(Fault::BadValue));
        }
        Ok(Self { versions, cluster, node, incarnation, shards, features })
    }
}
