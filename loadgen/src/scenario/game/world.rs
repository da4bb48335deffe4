//! What the players of a thread share: what they found, and where the rooms end. Thread view.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ringway_protocol::Position;
use tokio::sync::Semaphore;

use super::{CONNECT_BURST, Found};
use crate::args::GameArgs;
use crate::engine::Nanos;
use crate::report::Board;
use crate::scenario::{Schedule, Setup};

/// What the players of a thread share.
pub(super) struct World {
    pub(super) found: Found,
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
    shown: (u64, u64, u64),
    sent: u64,
    received: u64,
}

impl World {
    pub(super) fn new(setup: &Setup, args: &GameArgs) -> Self {
        Self {
            found: Found::default(),
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
            shown: (0, 0, 0),
            sent: 0,
            received: 0,
        }
    }

    pub(super) fn begin(&mut self, schedule: Schedule) {
        self.schedule = Some(schedule);
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

    pub(super) const fn count_received(&mut self) {
        self.received += 1;
        self.found.tally.deliveries_in_all += 1;
    }

    /// Brings the board up to date.
    pub(super) fn show(&mut self) {
        let now = (self.received, self.sent, self.found.tally.violations());
        self.board.deliveries.fetch_add(now.0 - self.shown.0, Relaxed);
        self.board.publishes.fetch_add(now.1 - self.shown.1, Relaxed);
        self.board.violations.fetch_add(now.2.saturating_sub(self.shown.2), Relaxed);
        self.shown = now;
    }

    /// Whether every player has all events of its room.
    pub(super) fn all_arrived(&self) -> bool {
        self.unanswered == 0 && self.seats.values().all(|(room, position)| self.behind(room, *position) == 0)
    }

    /// What was found, with what never came.
    pub(super) fn finish(&mut self) -> Found {
        for (player, (room, position)) in std::mem::take(&mut self.seats) {
            if position.is_none() {
                self.found.tally.unsettled += 1;
            }
            let behind = self.behind(&room, position);
            if position.is_some() && behind > 0 {
                self.found.tally.lost += behind;
                let text = || format!("{behind} events at the end of {room} never came");
                self.found.tally.witness(|| format!("player {player}"), text);
            }
        }
        self.show();
        std::mem::take(&mut self.found)
    }

    fn behind(&self, room: &str, position: Option<Position>) -> u64 {
        match (self.ends.get(room), position) {
            (Some(end), Some(seen)) if seen.epoch == end.epoch => end.offset.0.saturating_sub(seen.offset.0),
            (Some(end), None) => end.offset.0,
            _ => 0,
        }
    }
}
