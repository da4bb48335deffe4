//! One session's sight of one room, checked frame by frame against the ledger.
//!
//! Session view. A view begins with a connection; what an earlier connection saw enters it only as the `since` and the
//! `versions` of a join. Everything that `docs/protocol.md` promises a member is asserted here.

mod joined;
mod message;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use ringway_core::audit::Span;
use ringway_core::settings::Overflow;
use ringway_protocol::command::Since;
use ringway_protocol::event::Place;
use ringway_protocol::{Epoch, Offset, Position, Version};

use super::{Keys, Ledger, Presence, Way};
use crate::encoder::{Changed, Published};

pub use message::Verdict;
use page::Coming;

/// Why a frame of a membership that ended without a word is dropped.
pub const LEFT_OVER: &str = "frame dropped, of a membership left silently";

/// Why a value is dropped when a newer one of its key came before.
pub const OVERTAKEN: &str = "value dropped, older than what it holds";

/// Why a value that comes apart is dropped when it is not above the floor.
pub(super) const TOO_OLD: &str = "value dropped, of an older order or membership";

/// Whether the session is a member, as it was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It is not.
    #[default]
    Out,
    /// It is.
    In,
}

/// A join that waits for its answer.
#[derive(Clone, Debug)]
pub struct JoinAsked {
    /// What it asked for.
    pub since: Option<Since>,
    /// The values it listed, if it did.
    pub listed: Option<Keys>,
    /// Whether it wants presence.
    pub presence: bool,
    /// Whether it wants a stream for the room.
    pub stream: bool,
    /// How far the order was when it asked.
    pub stood: Option<Position>,
    /// A leave without answer follows it.
    pub doomed: bool,
}

/// A room as one session sees it.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Member or not.
    pub stage: Stage,
    /// Joins without an answer, by request.
    pub joins: BTreeMap<u32, JoinAsked>,
    /// Leaves without an answer: from the first on, what comes may end anywhere.
    pub leaves: u32,
    /// A leave was sent that will not be answered.
    pub left_silently: bool,
    /// Own offsets told by `published` because they were not to be echoed.
    pub own: BTreeSet<(Epoch, u64)>,
    /// The order.
    pub epoch: Epoch,
    /// The next offset due.
    pub next: u64,
    /// The frame of the `joined`.
    joined_serial: u64,
    /// Where the order stood at `joined`.
    joined_at: u64,
    /// What `joined` left out: told by a gap before anything else.
    owed: Option<(u64, u64)>,
    /// Whether the membership began with a replay.
    replayed: bool,
    /// The way of the membership's order.
    pub way: Way,
    /// Ways of earlier memberships that ended without a word: what comes there is nobody's.
    pub abandoned: BTreeSet<Way>,
    /// The version that the last `joined` or `reset` told: of what comes apart, all that is above it is of this order and
    /// membership.
    pub floor: Version,
    /// The frame that told it: values made before are older. No client knows this; it is what the floor is checked by.
    order_serial: u64,
    pages: BTreeMap<Way, Coming>,
    /// Values of the other lanes.
    pub keys: Keys,
    /// Who is there, if the session asked.
    pub presence: Option<Presence>,
}

impl View {
    /// The position a resume would give.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self.next {
            0 => None,
            next => Some(Position { epoch: self.epoch, offset: Offset(next - 1) }),
        }
    }

    /// A leave that will not be answered is on its way: it ends the membership and all that are asked for.
    pub fn leave_silently(&mut self) {
        self.left_silently = true;
        for join in self.joins.values_mut() {
            join.doomed = true;
        }
    }

    /// Whether the membership is older than this frame and nobody thinks of ending it.
    #[must_use]
    pub fn holds_since(&self, serial: u64) -> bool {
        self.stage == Stage::In && !self.is_leaving() && self.joined_serial < serial
    }

    /// Whether what comes on this way is of the room's present order. False: it is left over of a membership that ended
    /// without a word.
    ///
    /// # Errors
    /// When nothing of the room may come there.
    pub fn hears(&self, way: Way) -> Result<bool, String> {
        if way == self.way {
            Ok(true)
        } else if self.abandoned.contains(&way) {
            Ok(false)
        } else {
            Err(format!("a frame of a room on {:?} comes on {way:?}", self.way))
        }
    }

    /// Whether a leave is on its way.
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        self.leaves > 0 || self.left_silently
    }

    /// `left`.
    ///
    /// # Errors
    /// When it does not come on the room's way.
    pub fn left(&mut self, way: Way) -> Result<(), String> {
        if self.stage == Stage::In && self.left_silently && way != self.way {
            // It ends a later membership, of which nothing came but a refusal.
            self.abandoned.insert(self.way);
        } else if self.stage == Stage::In && way != self.way && !self.abandoned.contains(&way) {
            return Err(format!("left comes on {way:?}, the room is on {:?}", self.way));
        }
        self.stage = Stage::Out;
        self.presence = None;
        Ok(())
    }

    /// `published` of a publish that was not to be echoed: it stands where the message would have stood.
    ///
    /// # Errors
    /// When it overtakes, or its offset was passed.
    pub fn published_in_place(&mut self, published: &Published, way: Way) -> Result<(), String> {
        let Place::Offset(offset) = published.place else { return Ok(()) };
        self.own.insert((published.epoch, offset.0));
        if self.stage != Stage::In || published.epoch != self.epoch || way != self.way {
            // On another way it is of a time without membership.
            return Ok(());
        }
        if self.is_leaving() && offset.0 != self.next {
            // The edge has taken the leave already: what the session would have seen before is not coming.
            return Ok(());
        }
        if self.pages.contains_key(&way) {
            return Err(format!("published {offset} comes in the middle of a page"));
        }
        if offset.0 <= self.joined_at {
            // It was published before the membership, and its answer says so.
            return Ok(());
        }
        if offset.0 != self.next || self.owed.is_some() {
            return Err(format!(
                "published {offset} comes where {} is due ({:?} owed)",
                self.next, self.owed
            ));
        }
        self.next += 1;
        Ok(())
    }

    /// `gap`.
    ///
    /// # Errors
    /// When it does not start where the session is, or nothing allows it.
    pub fn gap(
        &mut self,
        from: Offset,
        to: Offset,
        span: Option<Span>,
        overflow: Overflow,
    ) -> Result<(), String> {
        if self.stage != Stage::In {
            return Err(format!("a gap {from} to {to} comes to who is no member"));
        }
        if self.pages.contains_key(&self.way) {
            return Err("a gap comes in the middle of a page".into());
        }
        if from.0 != self.next || to < from {
            return Err(format!("a gap {from} to {to} is told where {} is due", self.next));
        }
        let owed = self.owed.take();
        if let Some((_, end)) = owed
            && to.0 < end
        {
            return Err(format!("a gap {from} to {to} is told where it reaches to {end}"));
        }
        let trimmed = span.is_none_or(|span| span.epoch != self.epoch || to < span.first);
        let lost = owed.is_some_and(|(_, end)| end == to.0) || (self.replayed && trimmed);
        if !lost && overflow == Overflow::Close {
            return Err(format!("a gap {from} to {to} in a namespace that closes slow consumers"));
        }
        self.next = to.0 + 1;
        Ok(())
    }

    /// `reset`.
    ///
    /// # Errors
    /// When the order is not new, or not there.
    pub fn reset(
        &mut self,
        ledger: &Ledger,
        room: usize,
        position: Position,
        floor: Version,
        serial: u64,
    ) -> Result<(), String> {
        if self.stage != Stage::In {
            return Err("a reset comes to who is no member".into());
        }
        if position.epoch == self.epoch || ledger.rooms[room].order(position.epoch).is_none() {
            return Err(format!("reset from epoch {} to {}", self.epoch, position.epoch));
        }
        self.epoch = position.epoch;
        self.next = position.offset.0 + 1;
        self.joined_at = position.offset.0;
        self.owed = None;
        self.replayed = false;
        self.floor = floor;
        self.order_serial = serial;
        self.keys.void(floor.0);
        Ok(())
    }

    /// `presence_changed`.
    ///
    /// # Errors
    /// When the session did not ask for it, or it contradicts what was told.
    pub fn presence_changed(&mut self, changed: &Changed) -> Result<(), String> {
        match &mut self.presence {
            Some(presence) if self.stage == Stage::In => presence.change(changed),
            _ => Err(format!("presence is told to who did not ask: {changed:?}")),
        }
    }

    /// Whether everything that was promised has come.
    ///
    /// # Errors
    /// What has not.
    pub fn settled(&self) -> Result<(), String> {
        if let Some(page) = self.pages.values().next() {
            return Err(format!("a page never ended: {page:?}"));
        }
        if let Some((from, to)) = self.owed {
            return Err(format!("the gap {from} to {to} was never told"));
        }
        if !self.joins.is_empty() || self.leaves > 0 {
            return Err(format!("{} joins and {} leaves were never answered", self.joins.len(), self.leaves));
        }
        Ok(())
    }
}
