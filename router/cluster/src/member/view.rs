//! What a node has seen of the cluster, up to one revision. It only goes forward; what does not is an error.

use crate::codec::Malformed;
use crate::coordinator::{Key, Revision, Row};
use crate::error::MemberError;
use crate::map::{CHUNKS, Chunk, ChunkId};
use crate::record::{ClusterId, Control, NodeRecord, Root};
use crate::{Monotonic, NodeId, SlotMap, Term};
use std::collections::BTreeMap;

/// A node's record as it was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) revision: Revision,
    pub(super) record: NodeRecord,
    /// Since when it has had this state, by our clock.
    pub(super) since: Monotonic,
}

#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) revision: Revision,
    pub(super) root: Option<ClusterId>,
    pub(super) root_revision: Revision,
    pub(super) nodes: BTreeMap<NodeId, Seen>,
    pub(super) control: Option<Control>,
    pub(super) control_revision: Revision,
    /// When the controller last said anything, by our clock.
    pub(super) control_seen: Monotonic,
    pub(super) map: SlotMap,
    pub(super) chunk_revisions: [Revision; CHUNKS],
    /// When each part of the map was last seen to change, by our clock.
    pub(super) chunks_seen: [Monotonic; CHUNKS],
}

/// What a row turned out to be.
pub(super) enum News {
    Other,
    Chunk(Chunk),
}

impl View {
    pub(super) fn new() -> Self {
        Self {
            revision: Revision(0),
            root: None,
            root_revision: Revision(0),
            nodes: BTreeMap::new(),
            control: None,
            control_revision: Revision(0),
            control_seen: Monotonic(0),
            map: SlotMap::vacant(Term(0)),
            chunk_revisions: [Revision(0); CHUNKS],
            chunks_seen: [Monotonic(0); CHUNKS],
        }
    }

    /// Takes one row, except for a chunk, which the caller compares with the map before it replaces it there.
    pub(super) fn take(&mut self, now: Monotonic, row: Row) -> Result<News, MemberError> {
        let malformed = |fault| MemberError::Malformed(row.key, fault);
        match row.key {
            Key::Root => {
                let root = row.value.as_deref().map(Root::decode).transpose().map_err(malformed)?;
                let root = root.ok_or(MemberError::CoordinatorWiped)?;
                (self.root, self.root_revision) = (Some(root.cluster), row.revision);
            }
            Key::Control => {
                self.control = row.value.as_deref().map(Control::decode).transpose().map_err(malformed)?;
                self.control_revision = if row.value.is_some() { row.revision } else { Revision(0) };
                self.control_seen = now;
            }
            Key::Node(node) => match row.value {
                None => drop(self.nodes.remove(&node)),
                Some(value) => {
                    let record = NodeRecord::decode(&value).map_err(malformed)?;
                    let same = |old: &&Seen| {
                        (old.record.state, old.record.registration) == (record.state, record.registration)
                    };
                    let since = self.nodes.get(&node).filter(same).map_or(now, |old| old.since);
                    self.nodes.insert(node, Seen { revision: row.revision, record, since });
                }
            },
            Key::Chunk(id) => {
                let chunk = Chunk::decode(row.value.as_deref().ok_or(MemberError::CoordinatorWiped)?)
                    .map_err(malformed)?;
                if chunk.id() != id {
                    return Err(malformed(Malformed::Value));
                }
                return Ok(News::Chunk(chunk));
            }
            Key::Beat(_) => {}
        }
        Ok(News::Other)
    }

    pub(super) fn chunk_revision(&self, id: ChunkId) -> Revision {
        self.chunk_revisions[id.index()]
    }
}
