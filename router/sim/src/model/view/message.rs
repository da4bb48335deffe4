//! What is said in the room: the reliable order without holes, and per key of the other lanes the newest value.
//!
//! Where a transport has several ways, values overtake each other, the stream and the membership's ends. Then the client
//! does what a client must: it holds values that come before the answer to a join, and drops those that are not newer than
//! what it has, or not above the version that the last `joined` or `reset` told. That this divides old from new exactly is
//! checked by the numbers of the frames, which no client sees.

use ringway_protocol::event::Place;

use super::{LEFT_OVER, OVERTAKEN, Stage, TOO_OLD, View};
use crate::encoder::{Record, Said};
use crate::model::{Ledger, Way};

/// What a client makes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is for the application.
    Told,
    /// It is dropped, for this reason.
    Dropped(&'static str),
    /// It waits for the answer to a join.
    Held,
}

impl View {
    /// `message` on any lane.
    ///
    /// # Errors
    /// When it is not what must come now.
    pub fn message(
        &mut self,
        ledger: &Ledger,
        room: usize,
        record: &Record,
        said: &Said,
        way: Way,
        several: bool,
    ) -> Result<Verdict, String> {
        match said.place {
            Place::Offset(offset) => self.reliable(ledger, room, record.serial, offset.0, way),
            Place::Version(_) if several => self.value_of_several(ledger, room, record, said, way),
            Place::Version(version) => {
                if self.stage != Stage::In {
                    return Err(format!("a value comes to who is no member: {said:?}"));
                }
                if let Some((key, number)) = ledger.rooms[room].told_removals.get(&record.serial) {
                    self.keys.removed(key.clone(), *number);
                    return Ok(Verdict::Told);
                }
                match ledger.version(room, self.epoch, version.0) {
                    Some(known) if known.serial == record.serial => {
                        self.keys.deliver(version.0, known, record.serial)?;
                        Ok(Verdict::Told)
                    }
                    known => Err(format!(
                        "frame {} claims version {version} of epoch {}, which is {known:?}",
                        record.serial, self.epoch
                    )),
                }
            }
        }
    }

    /// A value on a transport with several ways, on which it may have overtaken and been overtaken: the newest counts.
    fn value_of_several(
        &mut self,
        ledger: &Ledger,
        room: usize,
        record: &Record,
        said: &Said,
        way: Way,
    ) -> Result<Verdict, String> {
        let number = said.place.number();
        let in_order = self.stage == Stage::In && way == self.way;
        if !in_order && !self.joins.is_empty() {
            return Ok(Verdict::Held);
        }
        if self.stage != Stage::In {
            return Ok(Verdict::Dropped("value dropped, no member"));
        }
        if let Some((key, number)) = ledger.rooms[room].told_removals.get(&record.serial) {
            return Ok(if !in_order {
                // Told to a joiner, on the way of its `joined`.
                Verdict::Dropped(LEFT_OVER)
            } else if self.keys.removed(key.clone(), *number) {
                Verdict::Told
            } else {
                Verdict::Dropped(OVERTAKEN)
            });
        }
        let Some((epoch, known)) = ledger.version_of(room, number, record.serial) else {
            return Err(format!("nobody published {said:?}, frame {}", record.serial));
        };
        if in_order && epoch != self.epoch {
            return Err(format!("a value of order {epoch} comes among those of {}", self.epoch));
        }
        let old = record.serial < self.order_serial;
        if !in_order && old != (number <= self.floor.0) {
            return Err(format!(
                "frame {} is {} than the order or membership of frame {}, whose floor is {}: {said:?}",
                record.serial,
                if old { "older" } else { "newer" },
                self.order_serial,
                self.floor
            ));
        }
        if !in_order && old {
            return Ok(Verdict::Dropped(TOO_OLD));
        }
        if self.keys.is_past(number, known) {
            return Ok(Verdict::Dropped(OVERTAKEN));
        }
        self.keys.deliver(number, known, record.serial)?;
        Ok(Verdict::Told)
    }

    fn reliable(
        &mut self,
        ledger: &Ledger,
        room: usize,
        serial: u64,
        offset: u64,
        way: Way,
    ) -> Result<Verdict, String> {
        if let Some(mut page) = self.pages.remove(&way) {
            if offset != page.next || ledger.at(room, page.epoch, offset) != Some(serial) {
                return Err(format!(
                    "{offset} (frame {serial}) comes in a page that is due to go on at {page:?}"
                ));
            }
            page.next += 1;
            page.left -= 1;
            if page.left > 0 {
                self.pages.insert(way, page);
            }
            return Ok(Verdict::Told);
        }
        if !self.hears(way)? {
            return Ok(Verdict::Dropped(LEFT_OVER));
        }
        if self.stage != Stage::In {
            return Err(format!("{offset} comes to who is no member"));
        }
        if let Some((from, to)) = self.owed {
            return Err(format!("{offset} comes before the gap {from} to {to} was told"));
        }
        if offset != self.next {
            return Err(format!("{offset} comes where {} is due", self.next));
        }
        match ledger.at(room, self.epoch, offset) {
            Some(known) if known == serial => {}
            known => {
                return Err(format!(
                    "frame {serial} claims {offset} of epoch {}, which is {known:?}",
                    self.epoch
                ));
            }
        }
        if offset > self.joined_at && self.own.contains(&(self.epoch, offset)) {
            return Err(format!("{offset} is the session's own and was not to be echoed"));
        }
        self.next += 1;
        Ok(Verdict::Told)
    }
}
