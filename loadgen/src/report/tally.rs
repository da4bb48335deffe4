//! What one thread counted. Thread view; tallies of threads are added up.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hdrhistogram::Histogram;
use ringway_protocol::session::client::Fault;
use serde::{Deserialize, Serialize};

use super::series::Counts;
use super::{Board, Unrest};
use crate::engine::Ending;

/// Pieces of evidence that are kept.
const EVIDENCE_MAX: usize = 20;
/// Different endings that are told apart.
const ENDINGS_MAX: usize = 32;
/// Longest latency that is told apart from longer ones.
const LATENCY_MAX: Duration = Duration::from_secs(600);

/// A latency histogram: 1 ns to 10 minutes with three digits. Serialized as its [`recorded`](Self::recorded) values.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Latency(Histogram<u64>);

impl From<Vec<(u64, u64)>> for Latency {
    fn from(recorded: Vec<(u64, u64)>) -> Self {
        let mut latency = Self::default();
        for (nanos, count) in recorded {
            latency.0.saturating_record_n(nanos, count);
        }
        latency
    }
}

impl From<Latency> for Vec<(u64, u64)> {
    fn from(latency: Latency) -> Self {
        latency.recorded().collect()
    }
}

impl Default for Latency {
    fn default() -> Self {
        let bounds = Histogram::new_with_bounds(1, LATENCY_MAX.as_nanos() as u64, 3);
        Self(bounds.expect("these bounds are valid"))
    }
}

impl Latency {
    /// One measurement.
    #[inline]
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(latency.as_nanos() as u64);
    }

    /// The value below which this share of the measurements lies, in µs; 0 without any.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.value_at_quantile(quantile) as f64 / 1e3 }
    }

    /// The largest in µs.
    #[must_use]
    pub fn max_us(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Nanoseconds and how often, rising: the upper end of each bucket that is not empty.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter_recorded().map(|value| (value.value_iterated_to(), value.count_at_value()))
    }

    /// Adds another one's measurements.
    ///
    /// # Panics
    /// Never: all have the same bounds.
    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("equal bounds");
    }
}

/// One broken promise as a person wants to read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Who saw it: thread and client.
    pub client: String,
    /// What it saw.
    pub text: String,
}

/// Everything that one thread counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Connections whose upgrade was done.
    pub connections: u64,
    /// Connections that never came to be.
    pub connect_failures: u64,
    /// Connections that ended unasked.
    pub disconnects: u64,
    /// Messages received while measuring.
    pub deliveries: u64,
    /// Messages received in all.
    pub deliveries_in_all: u64,
    /// Messages sent while measuring.
    pub publishes: u64,
    /// Publishes that were refused.
    pub refused: u64,
    /// Publishes that were due but could not be sent: no session, or the server did not read.
    pub unsent: u64,
    /// Errors that the server told, by name.
    pub errors: BTreeMap<String, u64>,
    /// Why connections ended unasked, and how often.
    pub endings: BTreeMap<String, u64>,
    /// Values from the server that a newer one of their key had overtaken on their way.
    pub overtaken: u64,
    /// Own values that a newer one replaced before they were sent.
    pub replaced: u64,
    /// Bytes received in all, where a scenario counts them.
    pub received_bytes: u64,
    /// Reliable messages that neither came nor were told as a gap.
    pub lost: u64,
    /// Messages that came again.
    pub duplicated: u64,
    /// Messages that came after a later one.
    pub reordered: u64,
    /// Bodies that are not what was sent.
    pub corrupted: u64,
    /// Other broken promises.
    pub broken: u64,
    /// Publications told as gaps.
    pub told_gaps: u64,
    /// Rooms whose order began anew.
    pub resets: u64,
    /// Subscribers that were no members any more at the end.
    pub unsettled: u64,
    /// Subscribers that were told not to read, and that the server closed.
    pub slow_closed: u64,
    /// Connections that were dropped on purpose.
    pub dropped: u64,
    /// Sessions that were resumed.
    pub resumed: u64,
    /// Joins after a reconnect that recovered everything.
    pub recovered: u64,
    /// Joins after a reconnect that did not, and said so.
    pub not_recovered: u64,
    /// Messages received as replay.
    pub replayed: u64,
    /// From a drop to the last message of the replay.
    pub caught_up: Latency,
    /// From the intended sending to the receipt.
    pub latency: Latency,
    /// Values received while measuring, where a scenario tells them from other messages.
    pub values: u64,
    /// From the intended sending of a value to its receipt, where a scenario tells them from other messages.
    pub value_latency: Latency,
    /// From the intended sending of a publication to its acknowledgement, where a scenario looks at it; not of those that
    /// were repeated.
    pub ack_latency: Latency,
    /// Age of the newest value of each key, at each millisecond.
    pub value_age: Latency,
    /// From the intended to the actual sending.
    pub send_lag: Latency,
    /// From the first packet to the end of the upgrade.
    pub handshake: Latency,
    /// CPU time of the thread while measuring.
    pub cpu: Duration,
    /// The busiest thread's share of a core.
    pub busiest: f64,
    /// What `failover` counts beside.
    pub unrest: Unrest,
    /// The first broken promises.
    pub evidence: Vec<Evidence>,
}

impl Tally {
    /// Counts a broken promise and keeps the first ones as evidence.
    pub fn fault(&mut self, client: impl FnOnce() -> String, fault: &Fault) {
        match fault {
            Fault::Lost { .. } => self.lost += fault.lost(),
            Fault::Duplicated { .. } => self.duplicated += 1,
            Fault::Reordered { .. } => {
                self.reordered += 1;
                self.lost = self.lost.saturating_sub(1);
            }
            Fault::WentBack { .. } => {
                self.broken += 1;
                self.lost += fault.lost();
            }
            _ => self.broken += 1,
        }
        self.witness(client, || fault.to_string());
    }

    /// Counts a connection whose upgrade is done; `first`: its client had none before.
    pub fn opened(&mut self, took: Duration, first: bool, board: &Board) {
        self.handshake.record(took);
        if first {
            self.connections += 1;
            board.connected.fetch_add(1, Relaxed);
        }
    }

    /// Counts an error that the server told.
    pub fn error(&mut self, name: &str) {
        match self.errors.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.errors.insert(name.to_owned(), 1);
            }
        }
    }

    /// What progress and the series are made of.
    #[must_use]
    pub fn counts(&self, sent: u64) -> Counts {
        Counts {
            sent,
            received: self.deliveries_in_all,
            errors: self.errors.values().sum::<u64>() + self.disconnects + self.connect_failures,
            violations: self.violations(),
        }
    }

    /// Keeps a piece of evidence while there is room.
    pub fn witness(&mut self, client: impl FnOnce() -> String, text: impl FnOnce() -> String) {
        if self.evidence.len() < EVIDENCE_MAX {
            self.evidence.push(Evidence { client: client(), text: text() });
        }
    }

    /// Counts a connection that ended, with its reason; false where this side ended it.
    pub fn ended(&mut self, ending: &Ending) -> bool {
        match ending {
            Ending::Ended => return false,
            Ending::NotOpened(_) => self.connect_failures += 1,
            Ending::Closed { .. } | Ending::Broken(_) => self.disconnects += 1,
        }
        self.ending(ending);
        true
    }

    /// Counts why a connection ended; reasons are bounded, since servers write them.
    pub fn ending(&mut self, ending: &Ending) {
        let text = match ending {
            Ending::NotOpened(text) => format!("not opened: {text}"),
            Ending::Closed { code: Some(code), reason } => format!("closed by the server: {code} {reason}"),
            Ending::Closed { code: None, .. } => "closed by the server without a code".to_owned(),
            Ending::Broken(text) => format!("broken: {text}"),
            Ending::Ended => return,
        };
        if self.endings.len() < ENDINGS_MAX || self.endings.contains_key(&text) {
            *self.endings.entry(text).or_default() += 1;
        }
    }

    /// Broken promises of every kind.
    #[must_use]
    pub const fn violations(&self) -> u64 {
        self.lost + self.duplicated + self.reordered + self.corrupted + self.broken
    }

    /// Adds another thread's.
    pub fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.connect_failures += other.connect_failures;
        self.disconnects += other.disconnects;
        self.deliveries += other.deliveries;
        self.deliveries_in_all += other.deliveries_in_all;
        self.publishes += other.publishes;
        self.refused += other.refused;
        self.unsent += other.unsent;
        for (name, count) in &other.errors {
            *self.errors.entry(name.clone()).or_default() += count;
        }
        for (name, count) in &other.endings {
            *self.endings.entry(name.clone()).or_default() += count;
        }
        self.overtaken += other.overtaken;
        self.replaced += other.replaced;
        self.received_bytes += other.received_bytes;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.corrupted += other.corrupted;
        self.broken += other.broken;
        self.told_gaps += other.told_gaps;
        self.resets += other.resets;
        self.unsettled += other.unsettled;
        self.slow_closed += other.slow_closed;
        self.dropped += other.dropped;
        self.resumed += other.resumed;
        self.recovered += other.recovered;
        self.not_recovered += other.not_recovered;
        self.replayed += other.replayed;
        self.caught_up.add(&other.caught_up);
        self.latency.add(&other.latency);
        self.values += other.values;
        self.value_latency.add(&other.value_latency);
        self.ack_latency.add(&other.ack_latency);
        self.value_age.add(&other.value_age);
        self.send_lag.add(&other.send_lag);
        self.handshake.add(&other.handshake);
        self.cpu += other.cpu;
        self.busiest = self.busiest.max(other.busiest);
        self.unrest.add(&other.unrest);
        let room = EVIDENCE_MAX.saturating_sub(self.evidence.len());
        self.evidence.extend(other.evidence.iter().take(room).cloned());
    }
}
