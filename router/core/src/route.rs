//! Who owns which slot, as a shard knows it; and how edges and owners of several nodes name each other.
//!
//! Shard view: a copy of the cluster's map, one entry for each slot. A node that is alone owns all of them for ever.

use ringway_cluster::{Slot, Term, slot::SLOTS};
use ringway_protocol::RoomHandle;

use crate::ShardId;

/// Another node, by a number that this process gave it and never gives again; 0 is this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u16);

impl PeerId {
    /// This node.
    pub const HERE: Self = Self(0);

    /// Whether it is this node.
    #[must_use]
    pub const fn is_here(self) -> bool {
        self.0 == 0
    }
}

/// A shard that holds sessions, here or on another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeId {
    /// On which node.
    pub peer: PeerId,
    /// Which of its shards.
    pub shard: ShardId,
}

impl EdgeId {
    /// A shard of this node.
    #[must_use]
    pub const fn here(shard: ShardId) -> Self {
        Self { peer: PeerId::HERE, shard }
    }
}

/// Who asked, and under which number of its own: the answer carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Where the answer goes.
    pub edge: EdgeId,
    /// The edge's number of the request; 0 if it does not keep count.
    pub number: u32,
}

/// The way to an owner or an edge: a ring, or the link to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Another shard of this node.
    Shard(ShardId),
    /// Another node; its slots say which of its shards is meant.
    Peer(PeerId),
}

/// Which shards of the receiving node a delivery is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// One.
    One(ShardId),
    /// Those whose number modulo 64 is a set bit; who is not interested drops it.
    Many(u64),
    /// The one that would own the slot there.
    Home,
}

impl Edges {
    /// Whether a shard is meant that is not the slot's home.
    #[must_use]
    pub const fn holds(self, shard: ShardId) -> bool {
        match self {
            Self::One(one) => one.0 == shard.0,
            Self::Many(bits) => bits >> (shard.0 % 64) & 1 == 1,
            Self::Home => false,
        }
    }

    /// The bit of a shard.
    #[must_use]
    pub const fn bit(shard: ShardId) -> u64 {
        1 << (shard.0 % 64)
    }
}

/// Who owns a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// This node.
    Here,
    /// Another.
    Peer(PeerId),
    /// Nobody that this node knows.
    Nobody,
}

/// A slot's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who owns it.
    pub holder: Holder,
    /// Under what.
    pub term: Term,
}

/// All entries, in eight bytes each.
pub(crate) struct Routes(Box<[Packed]>);

#[derive(Clone, Copy)]
struct Packed {
    term: u32,
    /// 0 here, `u16::MAX` nobody, otherwise the peer.
    holder: u16,
    /// The owner or the edge has more to think of than the plain way.
    watched: bool,
}

const NOBODY: u16 = u16::MAX;

impl Routes {
    /// All slots with this route.
    pub(crate) fn new(route: Route) -> Self {
        Self(vec![Packed::of(route); SLOTS].into())
    }

    pub(crate) fn get(&self, slot: u16) -> Route {
        self.0[usize::from(slot)].route()
    }

    pub(crate) fn set(&mut self, slot: Slot, route: Route) {
        let entry = &mut self.0[slot.index()];
        *entry = Packed { watched: entry.watched, ..Packed::of(route) };
    }

    /// Whether a slot is this node's, under this term, with nothing to think of: the hot question.
    pub(crate) fn is_plain(&self, slot: u16, term: Term) -> bool {
        let entry = self.0[usize::from(slot)];
        entry.holder == 0 && !entry.watched && u64::from(entry.term) == term.0
    }

    pub(crate) fn is_watched(&self, slot: u16) -> bool {
        self.0[usize::from(slot)].watched
    }

    pub(crate) fn watch(&mut self, slot: u16, watched: bool) {
        self.0[usize::from(slot)].watched = watched;
    }

    pub(crate) fn term(&self, slot: u16) -> Term {
        Term(u64::from(self.0[usize::from(slot)].term))
    }
}

impl Packed {
    fn of(route: Route) -> Self {
        let holder = match route.holder {
            Holder::Here => 0,
            Holder::Peer(peer) => peer.0,
            Holder::Nobody => NOBODY,
        };
        // Terms end at 2^24 - 1.
        Self { term: route.term.0 as u32, holder, watched: false }
    }

    const fn route(self) -> Route {
        let holder = match self.holder {
            0 => Holder::Here,
            NOBODY => Holder::Nobody,
            peer => Holder::Peer(PeerId(peer)),
        };
        Route { holder, term: Term(self.term as u64) }
    }
}

/// The slot of a room.
pub(crate) const fn slot_of(handle: RoomHandle) -> u16 {
    handle.slot()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_and_a_mark_stays() {
        let mut routes = Routes::new(Route { holder: Holder::Here, term: Term(1) });
        let slot = Slot::new(7).unwrap();
        assert!(routes.is_plain(7, Term(1)) && !routes.is_plain(7, Term(2)));
        routes.watch(7, true);
        for holder in [Holder::Peer(PeerId(3)), Holder::Nobody, Holder::Here] {
            let route = Route { holder, term: Term::MAX };
            routes.set(slot, route);
            assert_eq!(routes.get(7), route);
            assert!(routes.is_watched(7) && !routes.is_plain(7, Term::MAX));
        }
        routes.watch(7, false);
        assert!(routes.is_plain(7, Term::MAX));
        assert_eq!(routes.get(8), Route { holder: Holder::Here, term: Term(1) });
    }

    #[test]
    fn shards_that_share_a_bit_are_both_meant() {
        let edges = Edges::Many(Edges::bit(ShardId(65)));
        assert!(edges.holds(ShardId(1)) && edges.holds(ShardId(65)) && !edges.holds(ShardId(2)));
        assert!(!Edges::Home.holds(ShardId(0)));
    }
}
