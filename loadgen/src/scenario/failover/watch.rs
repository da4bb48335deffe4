//! What the clients of a thread see and are told, brought to ledger and talkers. Thread view.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::event::{ErrorEvent, Place, Published};
use ringway_protocol::session::client::Request;
use ringway_protocol::{Epoch, ErrorCode, Lane, Offset, Position, Retry};

use super::ledger::{Ledger, Said};
use super::talker::{Pending, Talker};
use crate::body::Stamp;
use crate::engine::{Arrival, Ending, MemberId, Nanos, Observer, Schedule, Seen};
use crate::report::{Board, Pulse, Tally};

/// One client.
pub(super) struct Seat {
    /// Its number over all threads.
    pub(super) number: u32,
    pub(super) room: u32,
    pub(super) talker: Talker,
    /// It is a member of its room.
    pub(super) is_in: bool,
    /// Of its room's order, as it was told last.
    epoch: Epoch,
    ready: bool,
    /// When it heard of its room last, once the load has begun.
    heard: Option<Nanos>,
}

impl Seat {
    pub(super) fn new(number: u32, room: u32) -> Self {
        let talker = Talker::default();
        Self { number, room, talker, is_in: false, epoch: Epoch(0), ready: false, heard: None }
    }
}

pub(super) struct Watch {
    pub(super) tally: Tally,
    pub(super) seats: Vec<Seat>,
    pub(super) ledger: Ledger,
    board: Arc<Board>,
    pulse: Pulse,
    schedule: Option<Schedule>,
    every: Duration,
    anew_allowed: bool,
    sent: u64,
}

impl Watch {
    pub(super) fn new(board: Arc<Board>, seats: Vec<Seat>, every: Duration, anew_allowed: bool) -> Self {
        let (tally, ledger, pulse) = (Tally::default(), Ledger::default(), Pulse::new(board.clone()));
        Self { tally, seats, ledger, board, pulse, schedule: None, every, anew_allowed, sent: 0 }
    }

    /// The load begins.
    pub(super) fn begin(&mut self, schedule: &Schedule) {
        self.schedule = Some(*schedule);
        self.pulse.begin(schedule, self.tally.counts(self.sent));
        let first = schedule.measure.max(Nanos::now());
        self.ledger.begin(self.seats.iter().map(|seat| seat.room), first);
        for seat in &mut self.seats {
            seat.heard = Some(first);
        }
    }

    pub(super) fn show(&mut self, now: Nanos) {
        self.pulse.tell(now, self.tally.counts(self.sent));
    }

    pub(super) fn finish(&mut self) -> Tally {
        self.pulse.finish(self.tally.counts(self.sent));
        std::mem::take(&mut self.tally)
    }

    /// One more publication went out.
    pub(super) fn sent(&mut self, intended: Nanos, again: bool) {
        self.sent += 1;
        self.tally.unrest.repeated += u64::from(again);
        let measured = self.schedule.is_some_and(|schedule| schedule.measures(intended));
        self.tally.publishes += u64::from(measured && !again);
    }

    /// Publications that were due and not made, as too many wait.
    pub(super) const fn unsent(&mut self) {
        self.tally.unsent += 1;
    }

    /// The rooms' ends against what was acknowledged.
    pub(super) fn audit(&mut self) {
        let audit = self.ledger.audit();
        self.tally.unrest.acked_lost += audit.acked_lost;
        self.tally.unrest.acked_before_anew += audit.acked_before_anew;
        self.tally.duplicated += audit.duplicated;
        self.tally.reordered += audit.reordered;
        for (room, text) in audit.evidence {
            self.tally.witness(|| format!("room {room}"), || text);
        }
    }

    /// A client that is no member in the end, or whose publications were not all answered.
    pub(super) fn unsettled(&mut self, member: MemberId) {
        let Some(seat) = self.seats.get(member.0 as usize) else { return };
        let (number, waits) = (seat.number, seat.talker.len());
        if !seat.is_in {
            self.tally.unsettled += 1;
            self.tally.witness(|| client(number), || "was no member at the end of the run".to_owned());
        }
        if waits > 0 {
            self.tally.broken += 1;
            let text = || format!("{waits} publications were not acknowledged by the end of the run");
            self.tally.witness(|| client(number), text);
        }
    }

    fn message(&mut self, now: Nanos, member: MemberId, arrival: &Arrival<'_>) {
        let Some(seat) = self.seats.get_mut(member.0 as usize) else { return };
        let number = seat.number;
        self.tally.deliveries_in_all += 1;
        if arrival.lane != Lane::Reliable || arrival.phase.is_none() {
            return;
        }
        let Some(stamp) = Stamp::read(arrival.body) else {
            self.tally.corrupted += 1;
            let text = || format!("the body of offset {} is not what was sent", arrival.place);
            return self.tally.witness(|| client(number), text);
        };
        let measured = self.schedule.is_some_and(|schedule| schedule.measures(now));
        self.tally.deliveries += u64::from(measured);
        if let Some(heard) = seat.heard.replace(now).filter(|_| measured) {
            self.tally.unrest.client_stall = self.tally.unrest.client_stall.max(now.since(heard));
        }
        if measured {
            let latency = now.since(stamp.intended);
            self.tally.latency.record(latency);
            self.pulse.latency(latency);
        }
        let place = Position { epoch: seat.epoch, offset: Offset(arrival.place) };
        let said = Said { talker: stamp.publisher, sequence: stamp.sequence };
        match self.ledger.heard(now, seat.room, place, said) {
            Ok(Some(silence)) if measured => {
                let round = self.round(now);
                self.tally.unrest.stalled(round, silence);
            }
            Ok(_) => {}
            Err(other) => {
                self.tally.broken += 1;
                let text = || {
                    let Said { talker, sequence } = other;
                    format!(
                        "heard publication {} of client {} at {place:?}, where others heard {sequence} of client {talker}",
                        stamp.sequence, stamp.publisher
                    )
                };
                self.tally.witness(|| client(number), text);
            }
        }
    }

    /// The round of a moment while measuring.
    fn round(&self, now: Nanos) -> usize {
        let begun = self.schedule.map_or(now, |schedule| schedule.measure);
        (now.since(begun).as_nanos() / self.every.as_nanos().max(1)) as usize
    }

    fn joined(&mut self, now: Nanos, member: MemberId, epoch: Epoch, recovered: bool) {
        let Some(seat) = self.seats.get_mut(member.0 as usize) else { return };
        (seat.is_in, seat.epoch) = (true, epoch);
        if std::mem::replace(&mut seat.ready, true) {
            let count = if recovered { &mut self.tally.recovered } else { &mut self.tally.not_recovered };
            *count += 1;
        } else {
            self.board.ready.fetch_add(1, Relaxed);
            seat.heard = self.schedule.map(|_| now);
        }
    }

    fn published(&mut self, now: Nanos, member: MemberId, published: &Published<'_>) {
        let Some(seat) = self.seats.get_mut(member.0 as usize) else { return };
        let Some(Pending { sequence, intended, repeated, .. }) = seat.talker.acked(published.id) else {
            return;
        };
        self.tally.unrest.acked += 1;
        if let Some(schedule) = self.schedule {
            self.tally.unrest.acked_measured += u64::from(schedule.measures(now));
            if schedule.measures(intended) && !repeated {
                self.tally.ack_latency.record(now.since(intended));
            }
        }
        if let Place::Offset(offset) = published.place {
            let said = Said { talker: seat.number, sequence };
            self.ledger.acked(seat.room, Position { epoch: published.epoch, offset }, said);
        }
    }

    fn error(&mut self, now: Nanos, member: MemberId, request: Option<Request>, error: &ErrorEvent<'_>) {
        self.tally.error(error.code.name());
        let Some(seat) = self.seats.get_mut(member.0 as usize) else { return };
        let number = seat.number;
        let for_good = error.code.retry() == Retry::Never;
        match (request, error.id) {
            // It was sent first in an order that was given up.
            (Some(Request::Publish { .. }), Some(id))
                if self.anew_allowed && error.code == ErrorCode::OutcomeUnknown =>
            {
                seat.talker.gave_up(id);
            }
            (Some(Request::Publish { .. }), Some(id)) if for_good => {
                self.tally.refused += 1;
                seat.talker.gave_up(id);
                let text = || format!("a publication was refused for good: {}", error.code.name());
                self.tally.witness(|| client(number), text);
            }
            (Some(Request::Publish { .. }), Some(id)) => {
                let after = error.retry_after_ms.map(|ms| Duration::from_millis(ms.into()));
                seat.talker.refused(now, id, after);
            }
            (Some(Request::Hello | Request::Join(_)), _) if for_good => {
                self.board.ended.fetch_add(1, Relaxed);
                self.tally
                    .witness(|| client(number), || format!("{} ({})", error.message, error.code.name()));
            }
            _ => {}
        }
    }

    fn ended(&mut self, member: MemberId, ending: &Ending) {
        let Some(seat) = self.seats.get_mut(member.0 as usize) else { return };
        seat.is_in = false;
        seat.talker.cut_off();
        self.tally.ended(ending);
    }
}

fn client(number: u32) -> String {
    format!("client {number}")
}

impl Observer for Watch {
    fn observe(&mut self, now: Nanos, member: MemberId, seen: Seen<'_>) {
        match seen {
            Seen::Message(arrival) => self.message(now, member, &arrival),
            Seen::Opened { took, first } => self.tally.opened(took, first, &self.board),
            Seen::Welcomed { resumed } => self.tally.resumed += u64::from(resumed),
            Seen::Joined { recovered, epoch, .. } => self.joined(now, member, epoch, recovered),
            Seen::Published(published) => self.published(now, member, published),
            Seen::Refused(request, error) => self.error(now, member, Some(request), error),
            Seen::Faulted(error) => self.error(now, member, None, error),
            Seen::Gap { missed } => self.tally.told_gaps += missed,
            Seen::Reset { epoch } => {
                self.tally.resets += 1;
                if let Some(seat) = self.seats.get_mut(member.0 as usize) {
                    seat.epoch = epoch;
                }
            }
            Seen::Violation(breach) => {
                let number = self.seats.get(member.0 as usize).map_or(u32::MAX, |seat| seat.number);
                let who = || format!("client {number} (session {}, room {})", breach.session, breach.room);
                self.tally.fault(who, breach.fault);
            }
            Seen::Undecodable(text) => {
                self.tally.broken += 1;
                self.tally.witness(|| client(member.0), || format!("undecodable: {text}"));
            }
            Seen::Ended(ending, _) => self.ended(member, ending),
            Seen::Left | Seen::Presence { .. } | Seen::Unsent => {}
        }
    }
}
