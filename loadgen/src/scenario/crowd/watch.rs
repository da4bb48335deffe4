//! What the clients of a thread see, counted and checked. Thread view.
//!
//! Order, gaps and recovery are the session machine's business; here stamps are compared: a body must be what was sent,
//! and with one publisher in a room its sequence must rise. Of servers that know no positions, all is told from the
//! stamps ([`Sequences`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ringway_protocol::event::{ErrorEvent, Place, Published};
use ringway_protocol::session::client::{Phase, Request};
use ringway_protocol::{Lane, Position, Retry};

use super::sequences::{Disorder, Sequences};
use crate::args::{Protocol, PublishArgs};
use crate::body::Stamp;
use crate::engine::{Arrival, Breach, Ending, MemberId, Nanos, Observer, Schedule, Seen, Target};
use crate::report::{Board, Pulse, Tally};
use crate::scenario::Setup;

/// Of so many messages one has its checksum verified (a power of two).
const CHECK_ONE_OF: u64 = 64;

/// The observer of a crowd. Members from 0 up are subscribers, the rest publishers.
pub(in crate::scenario) struct Watch {
    pub(in crate::scenario) tally: Tally,
    board: Arc<Board>,
    schedule: Option<Schedule>,
    subscribers: u32,
    members: Vec<Seat>,
    lane: Lane,
    /// Each room has one publisher, and each publisher one key.
    one_voice: bool,
    /// Where the server numbers nothing.
    sequences: Option<Sequences>,
    /// Last acknowledged position by room.
    acked: BTreeMap<Box<str>, Position>,
    pulse: Pulse,
    publishes_in_all: u64,
}

/// What is known of one client.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    ready: bool,
    ignored: bool,
    /// Stamp of the last message.
    sequence: u64,
    /// Dropped on purpose at this time and not caught up since.
    dropped: Option<Nanos>,
}

impl Watch {
    pub(super) fn new(
        setup: &Setup,
        target: &Target,
        first: u32,
        subscribers: u32,
        publishers: u32,
        args: &PublishArgs,
        rooms: u32,
    ) -> Self {
        let sequences = (target.protocol != Protocol::Ringway)
            .then(|| Sequences::new(first, subscribers, args.publishers, rooms, target.qos > 0));
        Self {
            tally: Tally::default(),
            board: setup.board.clone(),
            schedule: None,
            subscribers,
            members: vec![Seat::default(); (subscribers + publishers) as usize],
            lane: args.lane,
            one_voice: sequences.is_none() && args.publishers <= rooms && args.keys == 1,
            sequences,
            acked: BTreeMap::new(),
            pulse: Pulse::new(setup.board.clone()),
            publishes_in_all: 0,
        }
    }

    /// Whether order and completeness are told from the stamps alone.
    pub(super) const fn goes_by_stamps(&self) -> bool {
        self.sequences.is_some()
    }

    pub(super) fn begin(&mut self, schedule: &Schedule) {
        self.schedule = Some(*schedule);
        self.pulse.begin(schedule, self.tally.counts(self.publishes_in_all));
    }

    pub(super) fn finish(&mut self) -> Tally {
        self.pulse.finish(self.tally.counts(self.publishes_in_all));
        std::mem::take(&mut self.tally)
    }

    /// From here on nothing is asked of this subscriber.
    pub(in crate::scenario) fn ignore(&mut self, member: MemberId) {
        if let Some(seat) = self.members.get_mut(member.0 as usize) {
            seat.ignored = true;
        }
    }

    pub(super) fn is_ignored(&self, member: MemberId) -> bool {
        self.members.get(member.0 as usize).is_some_and(|seat| seat.ignored)
    }

    /// Whether this subscriber may be dropped on purpose now: not while it still catches up after the last drop.
    pub(in crate::scenario) fn dropped(&mut self, member: MemberId, now: Nanos) -> bool {
        let seat = self.members.get_mut(member.0 as usize).filter(|seat| seat.dropped.is_none());
        self.tally.dropped += u64::from(seat.is_some());
        seat.map(|seat| seat.dropped = Some(now)).is_some()
    }

    pub(super) fn acked(&self) -> &BTreeMap<Box<str>, Position> {
        &self.acked
    }

    pub(super) const fn sent(&mut self, sent: u32, unsent: u32, measured: bool) {
        self.publishes_in_all += sent as u64;
        if measured {
            self.tally.publishes += sent as u64;
            self.tally.unsent += unsent as u64;
        }
    }

    /// One that counted as sent was not.
    fn unsent(&mut self, now: Nanos) {
        self.publishes_in_all -= 1;
        if self.schedule.is_some_and(|schedule| schedule.measures(now)) {
            self.tally.unsent += 1;
            self.tally.publishes = self.tally.publishes.saturating_sub(1);
        }
    }

    pub(super) fn has_newest(&self, member: MemberId, sequence: u64) -> bool {
        sequence == 0 || self.members.get(member.0 as usize).is_some_and(|seat| seat.sequence >= sequence)
    }

    /// A subscriber's run is over: it must be a member still, and hold the newest value.
    pub(super) fn end_of(&mut self, member: MemberId, stands: bool, sequence: u64) {
        if !stands {
            self.tally.unsettled += 1;
            self.tally.witness(|| subscriber(member), || "was no member at the end of the run".to_owned());
        } else if !self.has_newest(member, sequence) {
            self.tally.lost += 1;
            let seen = self.members.get(member.0 as usize).map_or(0, |seat| seat.sequence);
            let text = || format!("its newest value is {seen}, but {sequence} was published");
            self.tally.witness(|| subscriber(member), text);
        }
    }

    /// Whether this subscriber saw the last publication of each of these publishers.
    pub(super) fn has_all(&self, member: MemberId, publishers: &BTreeMap<u32, u64>) -> bool {
        let Some(sequences) = &self.sequences else { return true };
        publishers.iter().all(|(publisher, last)| sequences.has(member.0, *publisher, *last))
    }

    /// A subscriber's run is over: it must have seen these publishers to their last publications.
    pub(super) fn end_of_publishers(&mut self, member: MemberId, publishers: &BTreeMap<u32, u64>) {
        for (publisher, last) in publishers {
            let end = |sequences: &Sequences| sequences.handle_end(member.0, *publisher, *last);
            if let Some(disorder) = self.sequences.as_ref().and_then(end) {
                self.disorder(member, disorder);
            }
        }
    }

    /// The run is over, and a publisher still waits for acknowledgements.
    pub(super) fn unanswered(&mut self, member: MemberId, count: u32) {
        self.tally.broken += u64::from(count);
        self.tally.witness(|| subscriber(member), || format!("{count} publications were not acknowledged"));
    }

    fn disorder(&mut self, member: MemberId, disorder: Disorder) {
        match disorder {
            Disorder::Lost { from, to, .. } => self.tally.lost += to - from + 1,
            Disorder::Duplicated { .. } => self.tally.duplicated += 1,
            Disorder::Reordered { .. } => {
                self.tally.reordered += 1;
                self.tally.lost = self.tally.lost.saturating_sub(1);
            }
            Disorder::Astray { .. } => self.tally.broken += 1,
        }
        self.tally.witness(|| subscriber(member), || disorder.to_string());
    }

    /// Brings the board up to date.
    pub(super) fn show(&mut self, now: Nanos) {
        self.pulse.tell(now, self.tally.counts(self.publishes_in_all));
    }

    fn ready(&mut self, member: MemberId) {
        if let Some(seat) = self.members.get_mut(member.0 as usize).filter(|seat| !seat.ready) {
            seat.ready = true;
            self.board.ready.fetch_add(1, Relaxed);
        }
    }

    #[inline]
    fn message(&mut self, now: Nanos, member: MemberId, arrival: &Arrival<'_>) {
        if member.0 >= self.subscribers {
            return;
        }
        self.tally.deliveries_in_all += 1;
        // Where stamps are all there is, each must be right.
        let checked = arrival.place & (CHECK_ONE_OF - 1) == 0 || self.sequences.is_some();
        let stamp = if checked { Stamp::read(arrival.body) } else { Stamp::read_unchecked(arrival.body) };
        let Some(stamp) = stamp else {
            self.tally.corrupted += 1;
            let text =
                || format!("the body of {} {} is not what was sent", arrival.lane.name(), arrival.place);
            return self.tally.witness(|| subscriber(member), text);
        };
        let seen = |sequences: &mut Sequences| sequences.handle(member.0, stamp.publisher, stamp.sequence);
        if let Some(disorder) = self.sequences.as_mut().and_then(seen) {
            self.disorder(member, disorder);
        }
        let Some(seat) = self.members.get_mut(member.0 as usize) else { return };
        if self.one_voice && arrival.phase.is_some() {
            // Values of the latest lane are told again at a join.
            let again = stamp.sequence == seat.sequence && arrival.lane == Lane::Latest;
            if stamp.sequence <= seat.sequence && !again {
                let before = seat.sequence;
                self.tally.broken += 1;
                let text = || format!("publication {} came after {before} of its publisher", stamp.sequence);
                self.tally.witness(|| subscriber(member), text);
            }
            seat.sequence = stamp.sequence;
        }
        if arrival.phase == Some(Phase::Replay) {
            self.tally.replayed += 1;
            if let Some(dropped) = seat.dropped.filter(|_| arrival.ends_replay) {
                seat.dropped = None;
                self.tally.caught_up.record(now.since(dropped));
            }
        }
        if seat.ignored {
            return;
        }
        let Some(schedule) = &self.schedule else { return };
        self.tally.deliveries += u64::from(schedule.measures(now));
        if arrival.phase == Some(Phase::Live) && schedule.measures(stamp.intended) {
            let latency = now.since(stamp.intended);
            self.tally.latency.record(latency);
            self.pulse.latency(latency);
        }
    }

    fn joined(&mut self, now: Nanos, member: MemberId, recovered: bool, replay: u32) {
        let Some(seat) = self.members.get_mut(member.0 as usize) else { return };
        if seat.ready {
            let count = if recovered { &mut self.tally.recovered } else { &mut self.tally.not_recovered };
            *count += 1;
            if let Some(sequences) = self.sequences.as_mut().filter(|_| member.0 < self.subscribers) {
                sequences.handle_return(member.0);
            }
        }
        if let Some(dropped) = seat.dropped.filter(|_| replay == 0) {
            seat.dropped = None;
            self.tally.caught_up.record(now.since(dropped));
        }
        self.ready(member);
    }

    fn published(&mut self, published: &Published<'_>) {
        if let Place::Offset(offset) = published.place {
            let position = Position { epoch: published.epoch, offset };
            match self.acked.get_mut(published.room) {
                Some(last) if last.epoch == position.epoch && last.offset >= offset => {}
                Some(last) => *last = position,
                None => {
                    self.acked.insert(published.room.into(), position);
                }
            }
        }
    }

    fn error(&mut self, member: MemberId, request: Option<Request>, error: &ErrorEvent<'_>) {
        self.tally.error(error.code.name());
        match request {
            Some(Request::Publish { .. }) => self.tally.refused += 1,
            Some(Request::Hello | Request::Join(_)) if error.code.retry() == Retry::Never => {
                self.board.ended.fetch_add(1, Relaxed);
                let text = || format!("{} ({})", error.message, error.code.name());
                self.tally.witness(|| subscriber(member), text);
            }
            _ => {}
        }
    }

    fn ended(&mut self, member: MemberId, ending: &Ending) {
        let Some(seat) = self.members.get(member.0 as usize) else { return };
        match ending {
            Ending::Ended => return,
            Ending::NotOpened(_) => self.tally.connect_failures += 1,
            _ if seat.ignored => return self.tally.slow_closed += 1,
            _ => self.tally.disconnects += 1,
        }
        self.board.ended.fetch_add(1, Relaxed);
        self.tally.ending(ending);
    }
}

fn subscriber(member: MemberId) -> String {
    format!("client {}", member.0)
}

impl Observer for Watch {
    #[inline]
    fn observe(&mut self, now: Nanos, member: MemberId, seen: Seen<'_>) {
        match seen {
            Seen::Message(arrival) => self.message(now, member, &arrival),
            Seen::Opened { took, first } => self.tally.opened(took, first, &self.board),
            Seen::Welcomed { resumed } => {
                self.tally.resumed += u64::from(resumed);
                if member.0 >= self.subscribers && self.lane != Lane::Latest {
                    self.ready(member);
                }
            }
            Seen::Joined { recovered, replay, .. } => self.joined(now, member, recovered, replay),
            Seen::Published(published) => self.published(published),
            Seen::Unsent => self.unsent(now),
            Seen::Refused(request, error) => self.error(member, Some(request), error),
            Seen::Faulted(error) => self.error(member, None, error),
            Seen::Gap { missed } => self.tally.told_gaps += missed,
            Seen::Reset { .. } => self.tally.resets += 1,
            Seen::Left | Seen::Presence { .. } => {}
            Seen::Violation(Breach { fault, session, room }) => {
                self.tally.fault(|| format!("client {} (session {session}, room {room})", member.0), fault);
            }
            Seen::Undecodable(text) => {
                self.tally.broken += 1;
                self.tally.witness(|| subscriber(member), || format!("undecodable: {text}"));
            }
            Seen::Ended(ending, _) => self.ended(member, ending),
        }
    }
}
