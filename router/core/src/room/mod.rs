//! One room as its owner holds it: the order, the past, the members, the keys.
//!
//! Owner view: a room lives on exactly one shard. Invariants: offsets are contiguous from 1; everything in `history`
//! is contiguous and ends at `last` or is empty; the audience counts the attached members, shard by shard.

mod dedup;
mod history;
mod keys;
mod members;

use std::sync::Arc;

use ringway_protocol::{Epoch, Format, Offset, Position, Version};

use crate::EdgeId;
use crate::message::Departure;
use crate::namespaces::NamespaceId;
use crate::small;
use crate::time::Monotonic;

pub(crate) use dedup::{Dedup, Found, Id, KEPT_MS as DEDUP_KEPT_MS, unseen};
pub(crate) use history::History;
pub(crate) use keys::{KeyName, Keys, Stored};
pub(crate) use members::{Member, MemberPlace, Members};

/// A room.
pub(crate) struct Room<F> {
    pub(crate) name: Arc<str>,
    pub(crate) namespace: NamespaceId,
    pub(crate) epoch: Epoch,
    /// The newest offset that is committed: all that anybody is told of.
    pub(crate) last: Offset,
    /// The newest offset given; those above `last` wait for the standby.
    pub(crate) given: Offset,
    /// The newest version given; it never falls, not even with a new epoch.
    pub(crate) version: Version,
    pub(crate) history: History<F>,
    pub(crate) members: Members,
    /// Which shards get the room's publications, here and elsewhere, sorted.
    pub(crate) audience: Vec<Audience>,
    pub(crate) keys: Option<Box<Keys<F>>>,
    pub(crate) dedup: Option<Box<Dedup>>,
    pub(crate) changes: Option<Box<PresenceChanges>>,
    /// When the last member went; `None` while there are members.
    pub(crate) idle_since: Option<Monotonic>,
    /// When the owner looks after the room next.
    pub(crate) tick_at: Option<Monotonic>,
}

/// Attached members on one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audience {
    pub(crate) edge: EdgeId,
    pub(crate) members: u32,
    pub(crate) json: u32,
    pub(crate) presence: u32,
}

/// Changes of presence that wait to be told together.
#[derive(Default)]
pub(crate) struct PresenceChanges {
    pub(crate) joined: Vec<Member>,
    pub(crate) left: Vec<Member>,
    pub(crate) truncated: bool,
    pub(crate) tell_at: Monotonic,
}

impl<F> Room<F> {
    /// A room whose versions are above `version`.
    pub(crate) fn new(
        name: &str,
        namespace: NamespaceId,
        epoch: Epoch,
        version: Version,
        now: Monotonic,
    ) -> Self {
        Self {
            name: name.into(),
            namespace,
            epoch,
            last: Offset(0),
            given: Offset(0),
            version,
            history: History::new(),
            members: Members::new(),
            audience: Vec::new(),
            keys: None,
            dedup: None,
            changes: None,
            idle_since: Some(now),
            tick_at: None,
        }
    }

    pub(crate) const fn position(&self) -> Position {
        Position { epoch: self.epoch, offset: self.last }
    }

    pub(crate) fn next_version(&mut self) -> Version {
        self.version.0 += 1;
        self.version
    }

    /// Whether anyone on any shard of this node reads JSON: other nodes make it themselves.
    pub(crate) fn has_json_here(&self) -> bool {
        self.audience.iter().take_while(|audience| audience.edge.peer.is_here()).any(|one| one.json > 0)
    }

    /// Counts an attached member in.
    pub(crate) fn attach(&mut self, edge: EdgeId, format: Format, presence: bool) {
        let index = match self.audience.binary_search_by_key(&edge, |audience| audience.edge) {
            Ok(index) => index,
            Err(index) => {
                small::make_room(&mut self.audience);
                self.audience.insert(index, Audience { edge, members: 0, json: 0, presence: 0 });
                index
            }
        };
        let audience = &mut self.audience[index];
        audience.members += 1;
        audience.json += u32::from(format == Format::Json);
        audience.presence += u32::from(presence);
    }

    /// Counts everybody out whose place is meant: they stay for a while, as after a broken connection. True if somebody was.
    pub(crate) fn detach_where(
        &mut self,
        leaves_at: Monotonic,
        meant: impl Fn(&MemberPlace) -> bool,
    ) -> bool {
        let mut gone = Vec::new();
        self.members.for_each_mut(|member| {
            if let Some(place) = member.place.take_if(|place| meant(place)) {
                member.leaves_at = leaves_at;
                gone.push((place, member.presence));
            }
        });
        for (place, presence) in &gone {
            self.detach(*place, *presence);
        }
        !gone.is_empty()
    }

    /// Counts an attached member out.
    pub(crate) fn detach(&mut self, place: MemberPlace, presence: bool) {
        if let Ok(index) = self.audience.binary_search_by_key(&place.edge, |audience| audience.edge) {
            let audience = &mut self.audience[index];
            audience.members -= 1;
            audience.json -= u32::from(place.format == Format::Json);
            audience.presence -= u32::from(presence);
            if audience.members == 0 {
                self.audience.remove(index);
            }
        }
    }
}

impl Departure {
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Left)
    }
}
