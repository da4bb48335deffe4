//! What stands where in the rooms of a thread: all its clients' sights and acknowledgements together. Thread view.
//!
//! Each session machine checks the order that its client sees; here clients are compared. A place (epoch and offset) holds
//! one publication for all, a publication has one place in an epoch, a talker's publications stand in the order in which it
//! made them, and what was acknowledged stands where the acknowledgement said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ringway_protocol::{Epoch, Offset, Position};

use crate::engine::Nanos;

/// A publication: whose, and its how-manieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    pub(super) talker: u32,
    pub(super) sequence: u64,
}

/// All rooms of a thread.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rooms: BTreeMap<u32, Room>,
}

#[derive(Debug, Default)]
struct Room {
    orders: BTreeMap<u64, Order>,
    /// Orders in which they were first heard, the newest last.
    epochs: Vec<u64>,
    acked: Vec<(Position, Said)>,
    /// When something new was heard last.
    news: Option<Nanos>,
}

/// What stands at which offset, by offset.
#[derive(Debug, Default)]
struct Order(Vec<(u64, Said)>);

impl Order {
    /// Something stands at an offset; what is there already stays, and is told.
    fn insert(&mut self, offset: u64, said: Said) -> Option<Said> {
        // Nearly always it is the newest.
        if self.0.last().is_none_or(|(last, _)| *last < offset) {
            self.0.push((offset, said));
            return None;
        }
        match self.0.binary_search_by_key(&offset, |(there, _)| *there) {
            Ok(place) => Some(self.0[place].1),
            Err(place) => {
                self.0.insert(place, (offset, said));
                None
            }
        }
    }

    fn get(&self, offset: u64) -> Option<&Said> {
        let place = self.0.binary_search_by_key(&offset, |(there, _)| *there).ok()?;
        Some(&self.0[place].1)
    }
}

/// What the end of a run shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Audit {
    /// Acknowledged, and at its place stands nothing, or something else.
    pub(super) acked_lost: u64,
    /// The same in an order that was given up for a new one.
    pub(super) acked_before_anew: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
    /// Room and what is wrong there.
    pub(super) evidence: Vec<(u32, String)>,
}

impl Ledger {
    /// The load begins: from here on silence counts.
    pub(super) fn begin(&mut self, rooms: impl Iterator<Item = u32>, now: Nanos) {
        for room in rooms {
            self.rooms.entry(room).or_default().news = Some(now);
        }
    }

    /// A client heard this at its place; how long the room had been silent if it is news.
    ///
    /// # Errors
    /// What another client heard at the same place.
    pub(super) fn heard(
        &mut self,
        now: Nanos,
        room: u32,
        place: Position,
        said: Said,
    ) -> Result<Option<Duration>, Said> {
        let room = self.rooms.entry(room).or_default();
        if room.epochs.last() != Some(&place.epoch.0) && !room.epochs.contains(&place.epoch.0) {
            room.epochs.push(place.epoch.0);
        }
        let order = room.orders.entry(place.epoch.0).or_default();
        match order.insert(place.offset.0, said) {
            Some(before) if before == said => Ok(None),
            Some(before) => Err(before),
            None => Ok(room.news.replace(now).map(|news| now.since(news))),
        }
    }

    /// A talker was told that its publication stands there.
    pub(super) fn acked(&mut self, room: u32, place: Position, said: Said) {
        self.rooms.entry(room).or_default().acked.push((place, said));
    }

    /// The furthest place of a room's newest order.
    pub(super) fn end(&self, room: u32) -> Option<Position> {
        let room = self.rooms.get(&room)?;
        let epoch = *room.epochs.last()?;
        let (offset, _) = room.orders.get(&epoch)?.0.last()?;
        Some(Position { epoch: Epoch(epoch), offset: Offset(*offset) })
    }

    /// The run is over, and all have heard all that they will.
    pub(super) fn audit(&self) -> Audit {
        let mut audit = Audit::default();
        for (number, room) in &self.rooms {
            for order in room.orders.values() {
                audit_order(*number, order, &mut audit);
            }
            for (place, said) in &room.acked {
                let there = room.orders.get(&place.epoch.0).and_then(|order| order.get(place.offset.0));
                if there == Some(said) {
                    continue;
                }
                let given_up = room.epochs.last().is_some_and(|last| *last != place.epoch.0);
                if given_up && there.is_none() {
                    audit.acked_before_anew += 1;
                    continue;
                }
                audit.acked_lost += 1;
                let Said { talker, sequence } = said;
                let what = there.map_or_else(
                    || "nothing was heard there".to_owned(),
                    |there| format!("publication {} of client {} stands there", there.sequence, there.talker),
                );
                audit.evidence.push((
                    *number,
                    format!(
                        "publication {sequence} of client {talker} was acknowledged at {place:?}; {what}"
                    ),
                ));
            }
        }
        audit
    }
}

fn audit_order(room: u32, order: &Order, audit: &mut Audit) {
    let mut seen = BTreeSet::new();
    let mut last: BTreeMap<u32, u64> = BTreeMap::new();
    for (offset, said) in &order.0 {
        let Said { talker, sequence } = said;
        if !seen.insert(*said) {
            audit.duplicated += 1;
            let text = format!("publication {sequence} of client {talker} came again at offset {offset}");
            audit.evidence.push((room, text));
            continue;
        }
        let before = last.entry(*talker).or_default();
        if *sequence < *before {
            audit.reordered += 1;
            let text = format!(
                "publication {sequence} of client {talker} stands at offset {offset}, after {before}"
            );
            audit.evidence.push((room, text));
        }
        *before = (*before).max(*sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(epoch: u64, offset: u64) -> Position {
        Position { epoch: Epoch(epoch), offset: Offset(offset) }
    }

    const fn said(talker: u32, sequence: u64) -> Said {
        Said { talker, sequence }
    }

    fn ms(ms: u64) -> Nanos {
        Nanos(ms * 1_000_000)
    }

    #[test]
    fn news_end_a_silence_and_what_others_heard_before_does_not() {
        let mut ledger = Ledger::default();
        ledger.begin([4].into_iter(), ms(10));
        assert_eq!(ledger.heard(ms(30), 4, at(1, 1), said(0, 1)), Ok(Some(Duration::from_millis(20))));
        assert_eq!(ledger.heard(ms(31), 4, at(1, 1), said(0, 1)), Ok(None));
        assert_eq!(ledger.heard(ms(35), 4, at(1, 2), said(0, 2)), Ok(Some(Duration::from_millis(5))));
        assert_eq!(ledger.end(4), Some(at(1, 2)));
        assert_eq!(ledger.audit(), Audit::default());
    }

    #[test]
    fn one_place_holds_one_publication() {
        let mut ledger = Ledger::default();
        ledger.heard(ms(1), 0, at(1, 1), said(0, 1)).unwrap();
        assert_eq!(ledger.heard(ms(2), 0, at(1, 1), said(1, 1)), Err(said(0, 1)));
    }

    #[test]
    fn who_catches_up_is_heard_after_who_did_not_miss_anything() {
        let mut ledger = Ledger::default();
        for offset in [5, 2, 4, 1, 3, 2] {
            ledger.heard(ms(1), 0, at(1, offset), said(7, offset)).unwrap();
        }
        assert_eq!(ledger.heard(ms(1), 0, at(1, 3), said(7, 9)), Err(said(7, 3)));
        assert_eq!(ledger.end(0), Some(at(1, 5)));
        (1..=5).for_each(|offset| ledger.acked(0, at(1, offset), said(7, offset)));
        assert_eq!(ledger.audit(), Audit::default());
    }

    #[test]
    fn what_was_acknowledged_must_stand_there() {
        let mut ledger = Ledger::default();
        ledger.heard(ms(1), 0, at(1, 1), said(0, 1)).unwrap();
        ledger.acked(0, at(1, 1), said(0, 1));
        ledger.acked(0, at(1, 2), said(0, 2));
        ledger.acked(0, at(1, 1), said(1, 1));
        let audit = ledger.audit();
        assert_eq!((audit.acked_lost, audit.acked_before_anew, audit.evidence.len()), (2, 0, 2));
        // Unless a new order began.
        ledger.heard(ms(2), 0, at(9, 1), said(0, 3)).unwrap();
        let audit = ledger.audit();
        assert_eq!((audit.acked_lost, audit.acked_before_anew), (1, 1));
    }

    #[test]
    fn what_stands_twice_or_out_of_order_is_found() {
        let mut ledger = Ledger::default();
        for (offset, sequence) in [(1, 1), (2, 3), (3, 2), (4, 3), (5, 4)] {
            ledger.heard(ms(1), 0, at(1, offset), said(7, sequence)).unwrap();
        }
        // A repetition in a new order is none.
        ledger.heard(ms(1), 0, at(2, 1), said(7, 4)).unwrap();
        let audit = ledger.audit();
        assert_eq!((audit.duplicated, audit.reordered), (1, 1));
    }
}
