//! What the players of a thread share: what they found, and where the rooms end. Thread view.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ringway_protocol::Position;
use tokio::sync::Semaphore;

use super::CONNECT_BURST;
use crate::args::GameArgs;
use crate::engine::{Nanos, Schedule};
use crate::report::{Board, Pulse, Tally};
use crate::scenario::Setup;

/// What the players of a thread share.
pub(super) struct World {
    pub(super) tally: Tally,
    pub(super) board: Arc<Board>,
    schedule: Option<Schedule>,
    /// Lets a few connect at a time.
    pub(super) gate: Arc<Semaphore>,
    /// Both clocks at one moment.
    origin: (Instant, Nanos),
    pub(super) tick: Duration,
    /// By room: the furthest that was acknowledged.
    ends: BTreeMap<Box<str>, Position>,
    /// Players whose sessions live, and whether it is time to end them.
    pub(super) playing: u32,
    pub(super) over: bool,
    /// Events without an answer yet.
    pub(super) unanswered: u64,
    /// By player: its room, and how far it has seen the room's order; none while it is no member.
    seats: BTreeMap<u32, (Box<str>, Option<Position>)>,
    pub(super) pulse: Pulse,
    sent: u64,
}

impl World {
    pub(super) fn new(setup: &Setup, args: &GameArgs) -> Self {
        Self {
            tally: Tally::default(),
            board: Arc::clone(&setup.board),
            schedule: None,
            gate: Arc::new(Semaphore::new(CONNECT_BURST)),
            origin: (Instant::now(), Nanos::now()),
            tick: Duration::from_secs_f64(1.0 / args.tick_rate),
            ends: BTreeMap::new(),
            playing: 0,
            over: false,
            unanswered: 0,
            seats: BTreeMap::new(),
            pulse: Pulse::new(Arc::clone(&setup.board)),
            sent: 0,
        }
    }

    pub(super) fn begin(&mut self, schedule: &Schedule) {
        self.schedule = Some(*schedule);
        self.pulse.begin(schedule, self.tally.counts(self.sent));
    }

    pub(super) const fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_ref()
    }

    /// A moment on the clock of the run.
    pub(super) fn nanos(&self, moment: Instant) -> Nanos {
        self.origin.1 + moment.saturating_duration_since(self.origin.0)
    }

    /// A moment of the run on the runtime's clock.
    pub(super) fn instant(&self, moment: Nanos) -> Instant {
        self.origin.0 + moment.since(self.origin.1)
    }

    pub(super) fn sit(&mut self, player: u32, room: &str, position: Option<Position>) {
        match self.seats.get_mut(&player) {
            Some(seat) => seat.1 = position,
            None => {
                self.seats.insert(player, (room.into(), position));
                self.board.ready.fetch_add(1, Relaxed);
            }
        }
    }

    pub(super) fn acknowledge(&mut self, room: &str, position: Position) {
        match self.ends.get_mut(room) {
            Some(end) if end.epoch == position.epoch && end.offset >= position.offset => {}
            Some(end) => *end = position,
            None => {
                self.ends.insert(room.into(), position);
            }
        }
    }

    pub(super) const fn count_sent(&mut self) {
        self.sent += 1;
    }

    /// Brings the board up to date.
    pub(super) fn show(&mut self, now: Nanos) {
        self.pulse.tell(now, self.tally.counts(self.sent));
    }

    /// Whether every player has all events of its room.
    pub(super) fn all_arrived(&self) -> bool {
        self.unanswered == 0 && self.seats.values().all(|(room, position)| self.behind(room, *position) == 0)
    }

    /// What was found, with what never came.
    pub(super) fn finish(&mut self) -> Tally {
        for (player, (room, position)) in std::mem::take(&mut self.seats) {
            if position.is_none() {
                self.tally.unsettled += 1;
            }
            let behind = self.behind(&room, position);
            if position.is_some() && behind > 0 {
                self.tally.lost += behind;
                let text = || format!("{behind} events at the end of {room} never came");
                self.tally.witness(|| format!("player {player}"), text);
            }
        }
        self.pulse.finish(self.tally.counts(self.sent));
        std::mem::take(&mut self.tally)
    }

    fn behind(&self, room: &str, position: Option<Position>) -> u64 {
        match (self.ends.get(room), position) {
            (Some(end), Some(seen)) if seen.epoch == end.epoch => end.offset.0.saturating_sub(seen.offset.0),
            (Some(end), None) => end.offset.0,
            _ => 0,
        }
    }
}
