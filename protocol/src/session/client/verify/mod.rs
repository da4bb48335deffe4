//! What one member of one room must see, checked as it comes in. Session view, pure.
//!
//! The promises (docs/protocol.md): reliable messages come in offset order without holes, starting where `joined` says;
//! a hole is told by `gap` or `reset`; `recovered: true` means that the replay is exactly what was missed; a message on
//! the other lanes is never older than one of its key that was seen before the same way. What comes another way than
//! `joined` may be older, or of an older membership or order: of these it is not above the floor, the version that `joined`
//! or `reset` told, and is then no news. Every broken promise is a [`Fault`] with its numbers; the verifier then goes on
//! from what it saw, so that one lost message is one fault.

mod fault;
mod keys;

pub use fault::{Fault, Violation};

use self::keys::Keys;
use super::Way;
use crate::command::{KnownVersion, Since};
use crate::event::{Joined, Message, Place};
use crate::{Epoch, Offset, Position, Version};

/// Ranges of lost offsets that are remembered, to tell late messages from duplicates.
const MISSING_MAX: usize = 32;
/// Pages under way at once that are told apart: they come one after the other on each way.
const PAGES_MAX: usize = 8;

/// Where a message belongs in what the member sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// As it happens.
    Live,
    /// Promised by `joined.replay`.
    Replay,
    /// Promised by `history`: moves no position.
    Page,
}

/// One (session, room): a position, and the versions of the keys seen.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    epoch: Epoch,
    /// The next offset due; 0 before the first `joined`.
    next: u64,
    /// Offsets up to here are replay.
    replay_end: u64,
    /// The way of `joined` and of all that is in order behind it.
    way: Way,
    /// The newest version when the membership, or the order since, began: what comes apart and is not above it is older
    /// than that.
    floor: Version,
    /// Messages of history pages still to come, by the way of their answer.
    pages: Vec<(Way, u32)>,
    /// Offsets that were skipped: seen later, they are late and not doubled.
    missing: Vec<(u64, u64)>,
    keys: Option<Box<Keys>>,
}

impl Verifier {
    /// The last position seen; `None` before the first `joined`.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self.next {
            0 => None,
            next => Some(Position { epoch: self.epoch, offset: Offset(next - 1) }),
        }
    }

    /// Whether messages promised by `joined` are still to come.
    #[must_use]
    pub const fn replaying(&self) -> bool {
        self.next != 0 && self.next <= self.replay_end
    }

    /// Values of the latest lane held, for `join.versions`.
    pub fn versions(&self) -> impl Iterator<Item = KnownVersion<'_>> {
        self.keys.iter().flat_map(|keys| keys.known())
    }

    /// `joined`, in answer to a join with this `since`; the room's order follows the same way.
    ///
    /// # Errors
    /// When `recovered` or `replay` claims what the positions contradict, or when the order went back.
    pub fn handle_joined(
        &mut self,
        since: Option<Since>,
        joined: &Joined<'_>,
        way: Way,
    ) -> Result<(), Fault> {
        let position = joined.position;
        let newest = position.offset.0;
        let replay = u64::from(joined.replay);
        let live = newest.saturating_add(1);
        let same_epoch = self.next != 0 && self.epoch == position.epoch;
        let mut result =
            if replay > newest { Err(Fault::replay_impossible(position, joined.replay)) } else { Ok(()) };
        let mut next = live.saturating_sub(replay).max(1);
        match since {
            Some(Since::Position(since)) if since.epoch == position.epoch => {
                let missed = newest.checked_sub(since.offset.0);
                if missed.is_none() {
                    result = Err(Fault::WentBack { held: since, told: position });
                } else if joined.recovered && missed != Some(replay) {
                    result = Err(Fault::InexactRecovery { since, position, replay: joined.replay });
                }
                // Whatever is not replayed must be told by a gap first.
                next = since.offset.0.saturating_add(1).min(live);
            }
            Some(Since::Position(since)) if joined.recovered => {
                result = Err(Fault::InexactRecovery { since, position, replay: joined.replay });
            }
            Some(Since::Last(wanted)) if replay > u64::from(wanted) => {
                result = Err(Fault::replay_impossible(position, joined.replay));
            }
            None if replay > 0 => result = Err(Fault::replay_impossible(position, joined.replay)),
            _ => {}
        }
        self.begin(position.epoch, joined.version);
        if same_epoch {
            self.keys.iter_mut().for_each(|keys| keys.handle_rejoin());
        } else {
            self.keys = None;
        }
        self.way = way;
        // A page goes on undisturbed, so none is left on a way on which a membership begins.
        self.pages.retain(|(other, _)| *other != way);
        self.next = next;
        self.replay_end = newest;
        result
    }

    /// `message`, by this way; `None`: it is not newer than its key's last and one of both came apart, or it is of an older
    /// membership or order.
    ///
    /// # Errors
    /// When a reliable message is not the next one (all of a room's reliable order takes one way), or another lane's that
    /// is in order is not newer than its key's last.
    pub fn handle_message(&mut self, message: &Message<'_>, way: Way) -> Result<Option<Phase>, Fault> {
        match message.place {
            Place::Offset(offset) => self.handle_offset(offset, way).map(Some),
            Place::Version(version) => {
                let apart = way != self.way;
                if apart && version <= self.floor {
                    return Ok(None);
                }
                let news = self.keys.get_or_insert_default().handle_version(message, version, apart)?;
                Ok(news.then_some(Phase::Live))
            }
        }
    }

    /// The offset of a reliable message.
    ///
    /// # Errors
    /// When it is not the next one.
    #[inline]
    pub fn handle_offset(&mut self, offset: Offset, way: Way) -> Result<Phase, Fault> {
        if !self.pages.is_empty() && self.takes_for_page(way) {
            return Ok(Phase::Page);
        }
        if offset.0 == self.next {
            self.next += 1;
            return Ok(if offset.0 <= self.replay_end { Phase::Replay } else { Phase::Live });
        }
        Err(self.misplaced(offset))
    }

    /// Takes the offset if it is the next live one, else changes nothing.
    #[inline]
    pub const fn handle_due(&mut self, offset: Offset) -> bool {
        let due =
            offset.0 == self.next && self.next > self.replay_end && self.pages.is_empty() && offset.0 != 0;
        self.next += due as u64;
        due
    }

    /// `published` of a publish with `echo: false`: stands where the message would have stood.
    ///
    /// # Errors
    /// When lower offsets have not been seen.
    pub fn handle_published(&mut self, epoch: Epoch, offset: Offset, duplicate: bool) -> Result<(), Fault> {
        if epoch != self.epoch || self.next == 0 || (duplicate && offset.0 < self.next) {
            return Ok(());
        }
        // Published before the membership: its answer may come on another stream than `joined`, and stands in no order.
        if offset.0 <= self.replay_end {
            return Ok(());
        }
        if offset.0 == self.next {
            self.next += 1;
            return Ok(());
        }
        Err(self.misplaced(offset))
    }

    /// `gap`: the offsets up to `to` will not come.
    ///
    /// # Errors
    /// When offsets before the gap are missing too, and were not told.
    pub fn handle_gap(&mut self, from: Offset, to: Offset) -> Result<u64, Fault> {
        if to < from {
            return Err(Fault::EmptyGap { from, to });
        }
        let told = to.0.saturating_add(1).saturating_sub(from.0.max(self.next));
        let untold = self.next;
        self.next = self.next.max(to.0.saturating_add(1));
        if from.0 > untold {
            self.miss(untold, from.0 - 1);
            return Err(Fault::Lost { from: Offset(untold), to: Offset(from.0 - 1) });
        }
        Ok(told)
    }

    /// `reset`: a new order, of which nothing before `position` is owed and all versions are above `floor` (0: not told).
    ///
    /// # Errors
    /// When the epoch is the old one.
    pub fn handle_reset(&mut self, position: Position, floor: Version) -> Result<(), Fault> {
        let same = position.epoch == self.epoch;
        self.begin(position.epoch, floor);
        match &mut self.keys {
            // Values of the new order may have overtaken it.
            Some(keys) if floor.0 > 0 => keys.handle_reset(floor),
            keys => *keys = None,
        }
        self.next = position.offset.0.saturating_add(1);
        self.replay_end = 0;
        if same { Err(Fault::SameEpoch { position }) } else { Ok(()) }
    }

    /// `history`: the next messages of this room that come this way are a page.
    pub fn handle_page(&mut self, messages: u32, way: Way) {
        self.pages.retain(|(other, _)| *other != way);
        if messages > 0 {
            self.pages.truncate(PAGES_MAX - 1);
            self.pages.insert(0, (way, messages));
        }
    }

    /// `left`: nothing is owed any more but pages that were asked for.
    pub fn handle_left(&mut self) {
        *self = Self { pages: core::mem::take(&mut self.pages), ..Self::default() };
    }

    /// The connection ended: its pages won't go on. The position and the versions stay for the next.
    pub fn handle_closed(&mut self) {
        self.pages.clear();
    }

    /// The end of a run: everything up to `position` must have been seen.
    ///
    /// # Errors
    /// When the end of the order is missing.
    pub fn handle_end(&mut self, position: Position) -> Result<(), Fault> {
        let (from, to) = (Offset(self.next), position.offset);
        if position.epoch != self.epoch || self.next == 0 || to < from {
            return Ok(());
        }
        self.next = to.0.saturating_add(1);
        Err(Fault::Lost { from, to })
    }

    /// Whether it is a message of a page that comes this way.
    #[cold]
    fn takes_for_page(&mut self, way: Way) -> bool {
        let Some(index) = self.pages.iter().position(|(other, _)| *other == way) else { return false };
        let (_, left) = &mut self.pages[index];
        *left -= 1;
        if *left == 0 {
            self.pages.swap_remove(index);
        }
        true
    }

    fn begin(&mut self, epoch: Epoch, floor: Version) {
        self.epoch = epoch;
        self.floor = floor;
        self.missing.clear();
    }

    #[cold]
    fn misplaced(&mut self, offset: Offset) -> Fault {
        let expected = Offset(self.next);
        if offset > expected {
            self.miss(expected.0, offset.0 - 1);
            self.next = offset.0.saturating_add(1);
            return Fault::Lost { from: expected, to: Offset(offset.0 - 1) };
        }
        let late = self.missing.iter().position(|&(from, to)| (from..=to).contains(&offset.0));
        let Some(late) = late else {
            return Fault::Duplicated { offset, expected };
        };
        let (from, to) = self.missing.swap_remove(late);
        if from < offset.0 {
            self.missing.push((from, offset.0 - 1));
        }
        if offset.0 < to {
            self.missing.push((offset.0 + 1, to));
        }
        Fault::Reordered { offset, expected }
    }

    fn miss(&mut self, from: u64, to: u64) {
        if self.missing.len() < MISSING_MAX {
            self.missing.push((from, to));
        }
    }
}

#[cfg(test)]
mod tests;
