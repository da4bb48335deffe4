//! Slots, terms and who owns what: the cluster's view, one entry of the stored map.
//!
//! The functions that make a new entry out of an old one are the only ones that do: the member writes what they give,
//! and the model in `tests/model` checks them. Each is meant for one compare-and-swap on the entry that it was given.
//!
//! * A term never goes back, and rises exactly when the owner changes.
//! * `in_sync` stands only beside a standby, and never survives a change of owner or standby.
//! * `continues` says how the term began; nobody infers it from what it remembers.

use crate::NodeId;
use core::fmt;
use ringway_protocol::RoomHandle;

/// How many slots a cluster has, for ever.
pub const SLOTS: usize = 1 << RoomHandle::SLOT_BITS;

/// One of 4,096 units of placement: the top 12 bits of a room's handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// `None` from 4,096 on.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if (number as usize) < SLOTS { Some(Self(number)) } else { None }
    }

    /// The slot of a room.
    #[must_use]
    pub const fn of(room: RoomHandle) -> Self {
        Self(room.slot())
    }

    /// All, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SLOTS as u16).map(Self)
    }

    /// 0 to 4,095.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The same, to index with.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// Incarnation of a slot's ownership: the higher one wins. At most 2²⁴ − 1, because versions carry it in 24 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

impl Term {
    /// The last one that versions can carry.
    pub const MAX: Self = Self((1 << 24) - 1);

    /// The next higher one; `None` after [`Term::MAX`].
    #[must_use]
    pub const fn raised(self) -> Option<Self> {
        if self.0 < Self::MAX.0 { Some(Self(self.0 + 1)) } else { None }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// One entry of the map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SlotOwner {
    /// Who orders the slot's rooms; `None` while nobody does.
    pub owner: Option<NodeId>,
    /// Incarnation of this ownership.
    pub term: Term,
    /// Who is to have everything that the owner has.
    pub standby: Option<NodeId>,
    /// Whether the standby has every committed publication, and the owner commits nothing without it.
    pub in_sync: bool,
    /// Whether this term began with the order of the one before: by the in-sync standby or by a handover. Otherwise
    /// the owner starts a new epoch in every room.
    pub continues: bool,
    /// Whether it is by a handover that this term continues.
    pub given: bool,
    /// To whom the owner shall hand the slot over.
    pub next: Option<NodeId>,
}

impl SlotOwner {
    /// Nobody's slot, with the term of its last owner.
    #[must_use]
    pub const fn vacant(term: Term) -> Self {
        Self { owner: None, term, standby: None, in_sync: false, continues: false, given: false, next: None }
    }

    /// Whether the entry names a node in any role that needs what it keeps in memory.
    #[must_use]
    pub fn names(&self, node: NodeId) -> bool {
        self.owner == Some(node) || self.standby == Some(node)
    }

    /// The slot of an owner that was declared dead (or of nobody): the in-sync standby goes on, if it is alive;
    /// otherwise `other` begins anew, or nobody. `None` when terms are used up.
    ///
    /// `standby_lives`: the standby's record says that it is up, at the revision that the transaction compares.
    #[must_use]
    pub fn taken_over(&self, standby_lives: bool, other: Option<NodeId>) -> Option<Self> {
        let term = self.term.raised()?;
        let heir = self.standby.filter(|_| self.in_sync && standby_lives);
        let owner = heir.or(other);
        let continues = heir.is_some();
        Some(Self { owner, term, standby: None, in_sync: false, continues, given: false, next: None })
    }

    /// The slot given by its living owner to `to`, which has everything and was told so. The old standby stays,
    /// to be synchronised again; if it is the new owner itself, `standby` takes its place.
    #[must_use]
    pub fn handed_over(&self, to: NodeId, standby: Option<NodeId>) -> Option<Self> {
        let term = self.term.raised()?;
        let standby = self.standby.filter(|old| *old != to).or(standby).filter(|standby| *standby != to);
        Some(Self {
            owner: Some(to),
            term,
            standby,
            in_sync: false,
            continues: true,
            given: true,
            next: None,
        })
    }

    /// With another standby, which has nothing yet.
    #[must_use]
    pub fn with_standby(&self, standby: Option<NodeId>) -> Self {
        Self { standby: standby.filter(|standby| self.owner != Some(*standby)), in_sync: false, ..*self }
    }

    /// The standby has everything, and from now on the owner waits for it. `None` if there is none.
    #[must_use]
    pub fn in_sync_set(&self) -> Option<Self> {
        self.standby.map(|_| Self { in_sync: true, ..*self })
    }

    /// The owner goes on alone.
    #[must_use]
    pub const fn in_sync_cleared(&self) -> Self {
        Self { in_sync: false, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned() -> SlotOwner {
        SlotOwner {
            owner: Some(NodeId(1)),
            term: Term(7),
            standby: Some(NodeId(2)),
            in_sync: true,
            ..SlotOwner::default()
        }
    }

    #[test]
    fn a_room_s_slot_is_the_top_of_its_handle() {
        assert_eq!(Slot::of(RoomHandle(u64::MAX)).number(), 4_095);
        assert_eq!(Slot::of(RoomHandle(1 << 52)).number(), 1);
        assert_eq!(Slot::new(4_096), None);
        assert_eq!(Slot::all().count(), SLOTS);
    }

    #[test]
    fn only_a_living_in_sync_standby_continues() {
        let heir = owned().taken_over(true, Some(NodeId(3))).unwrap();
        assert_eq!(
            (heir.owner, heir.continues, heir.term, heir.in_sync),
            (Some(NodeId(2)), true, Term(8), false)
        );
        let dead = owned().taken_over(false, Some(NodeId(3))).unwrap();
        assert_eq!((dead.owner, dead.continues, dead.term), (Some(NodeId(3)), false, Term(8)));
        let behind = owned().in_sync_cleared().taken_over(true, Some(NodeId(3))).unwrap();
        assert_eq!((behind.owner, behind.continues), (Some(NodeId(3)), false));
        assert_eq!(owned().taken_over(false, None).unwrap(), SlotOwner::vacant(Term(8)));
    }

    #[test]
    fn a_handover_continues_and_raises_the_term() {
        let given = owned().handed_over(NodeId(2), Some(NodeId(1))).unwrap();
        assert_eq!((given.owner, given.standby, given.continues), (Some(NodeId(2)), Some(NodeId(1)), true));
        assert!(!given.in_sync && given.term == Term(8));
        let kept = owned().handed_over(NodeId(3), Some(NodeId(1))).unwrap();
        assert_eq!(kept.standby, Some(NodeId(2)));
    }

    #[test]
    fn nobody_is_its_own_standby() {
        assert_eq!(owned().with_standby(Some(NodeId(1))).standby, None);
        assert_eq!(owned().with_standby(None).in_sync_set(), None);
    }

    #[test]
    fn terms_end_where_versions_end() {
        let last = SlotOwner { term: Term::MAX, ..owned() };
        assert_eq!(last.taken_over(true, None), None);
        assert_eq!(last.handed_over(NodeId(2), None), None);
    }
}
