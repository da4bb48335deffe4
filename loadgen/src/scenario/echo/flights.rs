//! Messages that are on their way there and back, when the next ones are due, and whether what comes back is right.
//! Thread view, the same for every way of echoing.

use std::collections::VecDeque;
use std::time::Duration;

use crate::args::EchoArgs;
use crate::engine::{Ending, Nanos, Schedule};
use crate::report::{Pulse, Tally};
use crate::scenario::Setup;

/// Digits of the number at the front of each message.
const NUMBER_BYTES: usize = 8;
/// Longest sleep of a thread: stop flags and schedules are seen after it.
const SLEEP_MAX: Duration = Duration::from_millis(5);
/// Messages due are not sent on a connection that owes so many.
const OWED_MAX: usize = 65_536;

/// One thread's connections, by their numbers in it.
pub(super) struct Flights {
    /// The next message: its number is written into the front.
    message: Vec<u8>,
    flights: Vec<Flight>,
    in_flight: u32,
    /// Between two messages of this thread; none: the loop is closed.
    every: Option<Duration>,
    /// When the next message is due, and on which connection.
    due: Option<(Nanos, u32)>,
    schedule: Option<Schedule>,
    sent: u64,
    pub(super) tally: Tally,
    pulse: Pulse,
}

/// Messages of a connection that are not back yet.
#[derive(Clone, Default)]
struct Flight {
    number: u64,
    owed: VecDeque<(u64, Nanos)>,
}

impl Flights {
    pub(super) fn new(args: &EchoArgs, setup: &Setup, count: u32) -> Self {
        let share = args.rate * f64::from(count) / f64::from(args.connections);
        Self {
            message: (0..args.size).map(|index| b'a' + (index % 26) as u8).collect(),
            flights: vec![Flight::default(); count as usize],
            in_flight: args.in_flight,
            every: (share > 0.0).then(|| Duration::from_secs_f64(1.0 / share)),
            due: None,
            schedule: None,
            sent: 0,
            tally: Tally::default(),
            pulse: Pulse::new(setup.board.clone()),
        }
    }

    /// Whether what comes back goes out again at once.
    pub(super) const fn is_closed_loop(&self) -> bool {
        self.every.is_none()
    }

    /// Until the next message is due.
    pub(super) fn pause(&self, spin: bool) -> Duration {
        if spin {
            return Duration::ZERO;
        }
        self.due.map_or(SLEEP_MAX, |(due, _)| due.since(Nanos::now()).min(SLEEP_MAX))
    }

    /// The load begins: how many messages each connection sends at once, the first time that this is called.
    pub(super) fn begin(&mut self, schedule: &Schedule) -> u32 {
        if self.schedule.replace(*schedule).is_some() {
            return 0;
        }
        self.pulse.begin(schedule, self.tally.counts(self.sent));
        if self.every.is_some() {
            self.due = Some((schedule.start, 0));
            return 0;
        }
        self.in_flight
    }

    /// A message that is due by now: when it was, and on which connection; one after the other.
    pub(super) fn due(&mut self) -> Option<(Nanos, u32)> {
        let (schedule, every, (intended, connection)) = (self.schedule?, self.every?, self.due?);
        if intended > Nanos::now() || intended >= schedule.end {
            return None;
        }
        self.due = Some((intended + every, (connection + 1) % (self.flights.len() as u32).max(1)));
        Some((intended, connection))
    }

    /// Whether a connection owes no more than it may.
    pub(super) fn takes(&self, connection: u32) -> bool {
        self.flights.get(connection as usize).is_some_and(|flight| flight.owed.len() < OWED_MAX)
    }

    /// The next message of a connection; its latency counts from `since`.
    pub(super) fn next(&mut self, since: Nanos, connection: u32) -> &[u8] {
        if let Some(flight) = self.flights.get_mut(connection as usize) {
            flight.number += 1;
            flight.owed.push_back((flight.number, since));
            self.sent += 1;
            stamp(&mut self.message, flight.number);
        }
        &self.message
    }

    /// A message that was due went out, or could not.
    pub(super) fn account(&mut self, intended: Nanos, sent: bool) {
        if self.schedule.is_some_and(|schedule| schedule.measures(intended)) {
            self.tally.publishes += u64::from(sent);
            self.tally.unsent += u64::from(!sent);
            self.tally.send_lag.record(Nanos::now().since(intended));
        }
    }

    /// A message came back.
    pub(super) fn back(&mut self, now: Nanos, connection: u32, received: &[u8]) {
        let owed = self.flights.get_mut(connection as usize).and_then(|flight| flight.owed.pop_front());
        let (number, since) = owed.unwrap_or_default();
        stamp(&mut self.message, number);
        if owed.is_none() || received != self.message {
            self.tally.corrupted += 1;
            let (ours, theirs) = (self.message.len(), received.len());
            let text = || match owed {
                Some(_) => format!("message {number} of {ours} bytes came back as another of {theirs}"),
                None => format!("a message of {theirs} bytes came that was never sent"),
            };
            self.tally.witness(|| format!("connection {connection}"), text);
        }
        self.tally.deliveries_in_all += 1;
        if let Some(schedule) = self.schedule.filter(|schedule| schedule.measures(now)) {
            self.tally.deliveries += 1;
            if owed.is_some() && since >= schedule.measure {
                let latency = now.since(since);
                self.tally.latency.record(latency);
                self.pulse.latency(latency);
            }
        }
    }

    /// A connection is there.
    pub(super) fn opened(&mut self, took: Duration) {
        self.tally.connections += 1;
        self.tally.handshake.record(took);
    }

    /// A connection is gone: what it owes will not come.
    pub(super) fn ended(&mut self, connection: u32, ending: &Ending) {
        if !self.tally.ended(ending) {
            return;
        }
        if let Some(flight) = self.flights.get_mut(connection as usize) {
            flight.owed.clear();
        }
        self.tally.witness(|| format!("connection {connection}"), || format!("{ending:?}"));
    }

    /// Brings the board up to date.
    pub(super) fn show(&mut self, now: Nanos) {
        self.pulse.tell(now, self.tally.counts(self.sent));
    }

    /// The run is over.
    pub(super) fn finish(&mut self) -> Tally {
        self.pulse.finish(self.tally.counts(self.sent));
        std::mem::take(&mut self.tally)
    }
}

/// Writes a number as text, so that the message is valid in either kind.
fn stamp(message: &mut [u8], number: u64) {
    let mut rest = number;
    for byte in message.iter_mut().take(NUMBER_BYTES).rev() {
        *byte = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}
