//! Order and completeness by the stamps in the bodies, for servers that number nothing themselves. Thread view.
//!
//! Of each publisher of its room a subscriber must see every publication once, in order, from the first to the last:
//! that is what one TCP connection from the publisher to the server, and one from there to the subscriber, allow. A
//! hole is lost whatever the reason, be it a server that drops for slow consumers or a connection that ended meanwhile;
//! what comes again is a duplicate, but for a repetition right after a reconnect where at-least-once (`repeats`)
//! excuses it.

use std::fmt;

/// Holes that are kept, to tell late from duplicate; beyond that a late one counts as a duplicate.
const HOLES_MAX: usize = 1_024;
/// Beyond what any publisher sends.
const SEQUENCE_MAX: u64 = 1 << 40;
/// Marks a sequence after a reconnect, until the order has gone on.
const RETURNED: u64 = 1 << 63;

/// What all subscribers of a thread saw of their rooms' publishers.
#[derive(Debug)]
pub(super) struct Sequences {
    /// Number of the first subscriber over all threads.
    first: u32,
    rooms: u32,
    publishers: u32,
    /// Publishers of the room that has most.
    slots: u32,
    repeats: bool,
    /// Last sequence by subscriber and its room's publisher.
    last: Vec<u64>,
    holes: Vec<Hole>,
}

/// Publications that were passed over.
#[derive(Clone, Copy, Debug)]
struct Hole {
    at: usize,
    from: u64,
    to: u64,
}

/// What a publication, or the end of a run, says about those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disorder {
    /// These did not come.
    Lost { publisher: u32, from: u64, to: u64 },
    /// It came again.
    Duplicated { publisher: u32, sequence: u64, last: u64 },
    /// It came after later ones, and was counted as lost before.
    Reordered { publisher: u32, sequence: u64, last: u64 },
    /// It was published in another room, or by nobody.
    Astray { publisher: u32 },
}

impl Sequences {
    /// `first` and `subscribers` are this thread's, `publishers` and `rooms` those of the run.
    pub(super) fn new(first: u32, subscribers: u32, publishers: u32, rooms: u32, repeats: bool) -> Self {
        let slots = publishers.div_ceil(rooms);
        let last = vec![0; subscribers as usize * slots as usize];
        Self { first, rooms, publishers, slots, repeats, last, holes: Vec::new() }
    }

    /// A publication came to a subscriber of this thread; what is wrong about it.
    #[inline]
    pub(super) fn handle(&mut self, subscriber: u32, publisher: u32, sequence: u64) -> Option<Disorder> {
        let Some(at) = self.at(subscriber, publisher).filter(|_| sequence <= SEQUENCE_MAX) else {
            return Some(Disorder::Astray { publisher });
        };
        let last = self.last[at] & !RETURNED;
        if sequence == last + 1 {
            self.last[at] = sequence;
            return None;
        }
        self.out_of_turn(at, publisher, sequence)
    }

    /// A subscriber's connection came back.
    pub(super) fn handle_return(&mut self, subscriber: u32) {
        if self.repeats {
            let at = subscriber as usize * self.slots as usize;
            for last in self.last.iter_mut().skip(at).take(self.slots as usize) {
                *last |= RETURNED;
            }
        }
    }

    /// Whether a subscriber saw a publisher's last publication.
    pub(super) fn has(&self, subscriber: u32, publisher: u32, sequence: u64) -> bool {
        self.at(subscriber, publisher).is_none_or(|at| self.last[at] & !RETURNED >= sequence)
    }

    /// A publisher's last publication was this one; what did not come up to there.
    pub(super) fn handle_end(&self, subscriber: u32, publisher: u32, sequence: u64) -> Option<Disorder> {
        let last = self.last[self.at(subscriber, publisher)?] & !RETURNED;
        (last < sequence).then_some(Disorder::Lost { publisher, from: last + 1, to: sequence })
    }

    /// None when this publisher does not publish in this subscriber's room.
    fn at(&self, subscriber: u32, publisher: u32) -> Option<usize> {
        let meet = (self.first + subscriber) % self.rooms == publisher % self.rooms;
        let slot = (publisher / self.rooms) as usize;
        (meet && publisher < self.publishers).then_some(subscriber as usize * self.slots as usize + slot)
    }

    fn out_of_turn(&mut self, at: usize, publisher: u32, sequence: u64) -> Option<Disorder> {
        let last = self.last[at] & !RETURNED;
        if sequence > last {
            let hole = Hole { at, from: last + 1, to: sequence - 1 };
            if self.holes.len() < HOLES_MAX {
                self.holes.push(hole);
            }
            self.last[at] = sequence;
            return Some(Disorder::Lost { publisher, from: hole.from, to: hole.to });
        }
        let within = |hole: &Hole| hole.at == at && (hole.from..=hole.to).contains(&sequence);
        if let Some(index) = self.holes.iter().position(within) {
            let hole = self.holes.swap_remove(index);
            let rest = [Hole { to: sequence - 1, ..hole }, Hole { from: sequence + 1, ..hole }];
            self.holes.extend(rest.into_iter().filter(|hole| hole.from <= hole.to));
            return Some(Disorder::Reordered { publisher, sequence, last });
        }
        let excused = self.last[at] & RETURNED != 0;
        (!excused).then_some(Disorder::Duplicated { publisher, sequence, last })
    }
}

impl fmt::Display for Disorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { publisher, from, to } => {
                write!(formatter, "publications {from} to {to} of publisher {publisher} did not come")
            }
            Self::Duplicated { publisher, sequence, last } => {
                write!(formatter, "publication {sequence} of publisher {publisher} came again after {last}")
            }
            Self::Reordered { publisher, sequence, last } => {
                write!(formatter, "publication {sequence} of publisher {publisher} came late, after {last}")
            }
            Self::Astray { publisher } => {
                write!(
                    formatter,
                    "a publication came that publisher {publisher} did not publish in this room"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three rooms, publishers 0 to 6; this thread has subscribers 4 to 6 of the run.
    fn sequences() -> Sequences {
        Sequences::new(4, 3, 7, 3, true)
    }

    #[test]
    fn every_publisher_of_the_room_has_its_own_order() {
        let mut seen = sequences();
        for (publisher, sequence) in [(1, 1), (4, 1), (1, 2), (1, 3), (4, 2)] {
            assert_eq!(seen.handle(0, publisher, sequence), None);
        }
        assert!(seen.has(0, 1, 3) && !seen.has(0, 4, 3));
        assert!(seen.has(0, 2, 9), "who publishes elsewhere is not waited for");
    }

    #[test]
    fn holes_are_lost_until_what_is_missing_comes_late() {
        let mut seen = sequences();
        assert_eq!(seen.handle(0, 1, 4), Some(Disorder::Lost { publisher: 1, from: 1, to: 3 }));
        let late = |sequence| Some(Disorder::Reordered { publisher: 1, sequence, last: 4 });
        assert_eq!(seen.handle(0, 1, 2), late(2));
        let again = Some(Disorder::Duplicated { publisher: 1, sequence: 2, last: 4 });
        assert_eq!(seen.handle(0, 1, 2), again);
        assert_eq!((seen.handle(0, 1, 1), seen.handle(0, 1, 3)), (late(1), late(3)));
        assert_eq!(seen.handle(0, 1, 5), None);
    }

    #[test]
    fn what_is_missing_at_the_end_is_lost() {
        let mut seen = sequences();
        assert_eq!(seen.handle(2, 0, 1), None);
        assert_eq!(seen.handle_end(2, 0, 1), None);
        let lost = Disorder::Lost { publisher: 3, from: 1, to: 2 };
        assert_eq!(seen.handle_end(2, 3, 2), Some(lost));
        assert_eq!(lost.to_string(), "publications 1 to 2 of publisher 3 did not come");
    }

    #[test]
    fn a_repetition_is_excused_right_after_a_reconnect_only() {
        let mut seen = sequences();
        assert_eq!((seen.handle(1, 2, 1), seen.handle(1, 2, 2)), (None, None));
        seen.handle_return(1);
        assert_eq!((seen.handle(1, 2, 2), seen.handle(1, 2, 3)), (None, None));
        assert!(matches!(seen.handle(1, 2, 3), Some(Disorder::Duplicated { .. })));
        let mut strict = Sequences::new(0, 1, 1, 1, false);
        assert_eq!(strict.handle(0, 0, 1), None);
        strict.handle_return(0);
        assert!(matches!(strict.handle(0, 0, 1), Some(Disorder::Duplicated { .. })));
    }

    #[test]
    fn what_nobody_published_here_is_astray() {
        let mut seen = sequences();
        assert_eq!(seen.handle(0, 2, 1), Some(Disorder::Astray { publisher: 2 }));
        assert_eq!(seen.handle(0, 7, 1), Some(Disorder::Astray { publisher: 7 }));
        assert_eq!(seen.handle(0, 1, u64::MAX), Some(Disorder::Astray { publisher: 1 }));
    }
}
