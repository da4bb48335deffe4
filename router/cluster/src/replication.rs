//! When an owner's publication is committed, and whose acks count (the owner's view of one slot).
//!
//! Committed is what the owner applied and, while it waits, the standby too; only then is it acked *and* fanned out. Whether it
//! waits follows the map, with one asymmetry: it begins to wait *before* the transaction that sets `in_sync` is handed over, and
//! stops only when it has seen the map without it. Every newly seen revision of the chunk decides anew, because a transaction of
//! ours that compared an older one can't be committed any more; nothing else does: neither an answer that did not come nor
//! one that says "refused".

use crate::NodeId;
use crate::slot::{SlotOwner, Term};

/// A registration of a node: rises each time it joins, so that what an earlier one acked is not taken for the later one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registration(pub u64);

/// Whose frame it is, by its term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Of the owner that we know.
    Current,
    /// Of an owner that was: refused.
    Old,
    /// Of an owner that we don't know yet: the map first.
    Ahead,
}

/// What to do with a frame of `theirs`, where the map says `known`.
#[must_use]
pub fn fence(known: Term, theirs: Term) -> Fence {
    match theirs.cmp(&known) {
        core::cmp::Ordering::Equal => Fence::Current,
        core::cmp::Ordering::Less => Fence::Old,
        core::cmp::Ordering::Greater => Fence::Ahead,
    }
}

/// The commit rule of one owned slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Replication {
    term: Term,
    standby: Option<(NodeId, Registration)>,
    waits: bool,
}

impl Replication {
    /// Of an entry that names us as owner; `registration` is the standby's. An entry that is new to us and says `in_sync`
    /// makes us wait, whoever set it.
    #[must_use]
    pub fn new(entry: &SlotOwner, registration: Option<Registration>) -> Self {
        Self { term: entry.term, standby: entry.standby.zip(registration), waits: entry.in_sync }
    }

    /// A newer revision of the chunk was seen, or our own transaction was committed: still our term.
    pub fn handle_entry(&mut self, entry: &SlotOwner, registration: Option<Registration>) {
        debug_assert!(entry.term == self.term, "another term is another replication");
        *self = Self::new(entry, registration);
    }

    /// The standby has every committed publication: from now on wait for it. Hand over the transaction that sets `in_sync`
    /// after this. `false` if there is no standby.
    pub fn begin_set(&mut self) -> bool {
        self.waits |= self.standby.is_some();
        self.standby.is_some()
    }

    /// Whether publications need the standby.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.waits
    }

    /// Whether a publication that the owner applied is committed; `standby_has`: the standby acked it.
    #[must_use]
    pub const fn may_commit(&self, standby_has: bool) -> bool {
        standby_has || !self.waits
    }

    /// Whether an ack counts: of this term, of the standby, and of its registration that we know.
    #[must_use]
    pub fn counts(&self, from: NodeId, registration: Registration, term: Term) -> bool {
        fence(self.term, term) == Fence::Current && self.standby == Some((from, registration))
    }

    /// Of which ownership it is.
    #[must_use]
    pub const fn term(&self) -> Term {
        self.term
    }

    /// Whom publications go to.
    #[must_use]
    pub const fn standby(&self) -> Option<(NodeId, Registration)> {
        self.standby
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(in_sync: bool) -> SlotOwner {
        SlotOwner {
            owner: Some(NodeId(1)),
            term: Term(3),
            standby: Some(NodeId(2)),
            in_sync,
            ..SlotOwner::default()
        }
    }

    #[test]
    fn waiting_begins_before_the_transaction_and_ends_after_it() {
        let mut replication = Replication::new(&entry(false), Some(Registration(1)));
        assert!(replication.may_commit(false));
        assert!(replication.begin_set());
        assert!(!replication.may_commit(false) && replication.may_commit(true));
        replication.handle_entry(&entry(true), Some(Registration(1)));
        assert!(!replication.may_commit(false));
        replication.handle_entry(&entry(false), Some(Registration(1)));
        assert!(replication.may_commit(false));
    }

    #[test]
    fn without_a_standby_nothing_is_set() {
        let mut replication = Replication::new(&entry(false).with_standby(None), None);
        assert!(!replication.begin_set() && replication.may_commit(false));
    }

    #[test]
    fn only_acks_of_the_standby_that_is_count() {
        let replication = Replication::new(&entry(false), Some(Registration(4)));
        assert!(replication.counts(NodeId(2), Registration(4), Term(3)));
        assert!(!replication.counts(NodeId(2), Registration(3), Term(3)));
        assert!(!replication.counts(NodeId(3), Registration(4), Term(3)));
        assert!(!replication.counts(NodeId(2), Registration(4), Term(2)));
        assert_eq!(fence(Term(3), Term(4)), Fence::Ahead);
    }
}
