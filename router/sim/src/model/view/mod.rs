//! One session's sight of one room, checked frame by frame against the ledger.
//!
//! Session view. A view begins with a connection; what an earlier connection saw enters it only as the `since` and the
//! `versions` of a join. Everything that `docs/protocol.md` promises a member is asserted here.

use std::collections::{BTreeMap, BTreeSet};

use ringway_core::audit::Span;
use ringway_core::settings::Overflow;
use ringway_protocol::command::{HistoryFrom, Since};
use ringway_protocol::event::Place;
use ringway_protocol::{Epoch, Offset, Position, SessionId, limit};

use super::{Keys, Ledger, Presence};
use crate::encoder::{Changed, Joined, Page, Published, Record, Said};

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
    /// How far the order was when it asked.
    pub stood: Option<Position>,
    /// A leave without answer follows it.
    pub doomed: bool,
}

/// A page of history that is coming.
#[derive(Clone, Copy, Debug)]
struct Coming {
    epoch: Epoch,
    next: u64,
    left: u32,
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
    page: Option<Coming>,
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

    const fn is_leaving(&self) -> bool {
        self.leaves > 0 || self.left_silently
    }

    /// `joined`, in answer to a join.
    ///
    /// # Errors
    /// When it claims what is not so.
    pub fn joined(
        &mut self,
        ledger: &Ledger,
        room: usize,
        record: &Record,
        joined: &Joined,
        me: SessionId,
    ) -> Result<(), String> {
        let id = joined.id.unwrap_or(0);
        let Some(asked) = self.joins.remove(&id) else {
            return Err(format!("joined without a join: {joined:?}"));
        };
        if self.stage == Stage::In && !self.left_silently {
            return Err("joined again without having left".into());
        }
        let position = joined.position;
        let told = ledger.rooms[room].order(position.epoch).map_or(0, |order| order.said.len() as u64);
        let newest = position.offset.0;
        if newest > told {
            return Err(format!("joined at {newest}, but only {told} were published"));
        }
        if let Some(stood) = asked.stood
            && stood.epoch == position.epoch
            && stood.offset > position.offset
        {
            return Err(format!("joined at {newest}, though the order stood at {} before", stood.offset));
        }
        let span = ledger.spans.get(&record.serial).copied().flatten();
        let replay = u64::from(joined.replay);
        let mut kept_from = span.filter(|span| span.epoch == position.epoch).map_or(1, |span| span.first.0);
        if ledger.pressed && replay <= newest {
            // Another room of the same request may have cost this one its past after the answer was made.
            kept_from = kept_from.min(newest + 1 - replay);
        }
        let (next, owed, expected, recovered) = match asked.since {
            None => (newest + 1, None, 0, true),
            Some(Since::Last(count)) => {
                let wanted = (newest + 1).saturating_sub(u64::from(count)).max(1).max(kept_from);
                (wanted, None, newest + 1 - wanted, true)
            }
            Some(Since::Position(since)) if since.epoch != position.epoch => (newest + 1, None, 0, false),
            Some(Since::Position(since)) if since.offset.0 > newest => (newest + 1, None, 0, false),
            Some(Since::Position(since)) => {
                let from = (since.offset.0 + 1).max(kept_from);
                let lost = from > since.offset.0 + 1;
                let owed = lost.then(|| (since.offset.0 + 1, from - 1));
                (since.offset.0 + 1, owed, newest + 1 - from, !lost)
            }
        };
        if joined.recovered != recovered || replay != expected {
            return Err(format!(
                "asked {:?}, told recovered {} and replay {replay}, but history begins at {kept_from} and the order \
                 stands at {newest}",
                asked.since, joined.recovered
            ));
        }
        let same_order = matches!(asked.since, Some(Since::Position(since)) if since.epoch == position.epoch);
        match &asked.listed {
            Some(listed) if same_order => self.keys.rejoin(listed),
            _ if self.epoch == position.epoch => self.keys.forget(),
            _ => self.keys.void(),
        }
        self.stage = Stage::In;
        self.left_silently = asked.doomed;
        self.epoch = position.epoch;
        self.next = next;
        self.joined_serial = record.serial;
        self.joined_at = newest;
        self.owed = owed;
        self.replayed = replay > 0;
        self.presence = (asked.presence && joined.count > 0).then(|| Presence::new(joined));
        if self.presence.as_ref().is_some_and(|presence| presence.complete && !presence.members.contains(&me))
        {
            return Err(format!("{me} is not in its own list: {:?}", joined.members));
        }
        Ok(())
    }

    /// `left`.
    ///
    /// # Errors
    /// When nobody asked to leave.
    pub fn left(&mut self, answered: bool) -> Result<(), String> {
        if self.stage == Stage::Out && !answered {
            return Err("left, but was no member".into());
        }
        self.stage = Stage::Out;
        self.presence = None;
        Ok(())
    }

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
    ) -> Result<(), String> {
        match said.place {
            Place::Offset(offset) => self.reliable(ledger, room, record.serial, offset.0),
            Place::Version(version) => {
                if self.stage != Stage::In {
                    return Err(format!("a value comes to who is no member: {said:?}"));
                }
                if let Some((key, number)) = ledger.rooms[room].told_removals.get(&record.serial) {
                    self.keys.removed(key.clone(), *number);
                    return Ok(());
                }
                match ledger.version(room, self.epoch, version.0) {
                    Some(known) if known.serial == record.serial => {
                        self.keys.deliver(version.0, known, record.serial)
                    }
                    known => Err(format!(
                        "frame {} claims version {version} of epoch {}, which is {known:?}",
                        record.serial, self.epoch
                    )),
                }
            }
        }
    }

    fn reliable(&mut self, ledger: &Ledger, room: usize, serial: u64, offset: u64) -> Result<(), String> {
        if let Some(mut page) = self.page.take() {
            if offset != page.next || ledger.at(room, page.epoch, offset) != Some(serial) {
                return Err(format!(
                    "{offset} (frame {serial}) comes in a page that is due to go on at {page:?}"
                ));
            }
            page.next += 1;
            page.left -= 1;
            self.page = Some(page).filter(|page| page.left > 0);
            return Ok(());
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
        Ok(())
    }

    /// `published` of a publish that was not to be echoed: it stands where the message would have stood.
    ///
    /// # Errors
    /// When it overtakes, or its offset was passed.
    pub fn published_in_place(&mut self, published: &Published) -> Result<(), String> {
        let Place::Offset(offset) = published.place else { return Ok(()) };
        self.own.insert((published.epoch, offset.0));
        if self.stage != Stage::In || published.epoch != self.epoch {
            return Ok(());
        }
        if self.is_leaving() && offset.0 != self.next {
            // The edge has taken the leave already: what the session would have seen before is not coming.
            return Ok(());
        }
        if self.page.is_some() {
            return Err(format!("published {offset} comes in the middle of a page"));
        }
        if offset.0 <= self.joined_at && offset.0 < self.next {
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
        if self.page.is_some() {
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
    pub fn reset(&mut self, ledger: &Ledger, room: usize, position: Position) -> Result<(), String> {
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
        self.keys.void();
        Ok(())
    }

    /// `history`: a page begins.
    ///
    /// # Errors
    /// When it is not the page that was asked for.
    pub fn begin_page(
        &mut self,
        ledger: &Ledger,
        record: &Record,
        page: &Page,
        from: HistoryFrom,
        asked: u32,
    ) -> Result<(), String> {
        let most = u64::from(asked.clamp(1, limit::HISTORY_PAGE_MAX));
        let replay = u64::from(page.replay);
        let Some(span) = ledger.spans.get(&record.serial).copied().flatten() else {
            return if replay == 0 && !page.more {
                Ok(())
            } else {
                Err(format!("a page of no room: {page:?}"))
            };
        };
        let end = span.last.0 + 1;
        // First offset of the page, offsets there are that way, whether there are more than told.
        let (next, there, more) = match from {
            HistoryFrom::After(after) => {
                let start = after.0.saturating_add(1).max(span.first.0);
                (start, end.saturating_sub(start), start + replay < end)
            }
            HistoryFrom::Before(before) => {
                let end = before.0.min(end);
                let start = end.saturating_sub(replay);
                (start, end.saturating_sub(span.first.0), replay > 0 && start > span.first.0)
            }
        };
        let fits = replay == there.min(most) || (replay > 0 && replay < there.min(most));
        if page.epoch != span.epoch || !fits || (page.more != more && replay > 0) {
            return Err(format!("{page:?} answers {from:?} at most {most}, where history is {span:?}"));
        }
        self.page = (replay > 0).then_some(Coming { epoch: page.epoch, next, left: page.replay });
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
        if let Some(page) = self.page {
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
