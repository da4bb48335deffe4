//! What happened second by second. Threads fill a [`Pulse`] each, the board adds them up to [`Row`]s.
//!
//! Seconds are counted from the start of measuring; those of the warm-up are negative. A second's latencies are those of
//! messages received in it, to three percent: enough to see when something happened. The run's own percentiles come
//! from the full histograms of [`Tally`](super::Tally).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Board;
use crate::engine::{Nanos, Schedule, thread_cpu};

/// Sub-buckets of each power of two: values differ from their bucket by less than 1/32.
const SUB_BITS: u32 = 5;
const SUBS: usize = 1 << SUB_BITS;
/// Up to 2^40 ns, 18 minutes.
const BUCKETS: usize = (40 - SUB_BITS as usize + 1) * SUBS;
/// Seconds that may still grow: threads tell of one as soon as it is over.
const OPEN_MAX: usize = 16;

/// A coarse histogram of nanoseconds that is cheap to fill, to empty and to add.
#[derive(Clone, Debug)]
struct Buckets(Box<[u32; BUCKETS]>);

impl Default for Buckets {
    fn default() -> Self {
        Self(Box::new([0; BUCKETS]))
    }
}

impl Buckets {
    #[inline]
    fn record(&mut self, nanos: u64) {
        let count = &mut self.0[index_of(nanos)];
        *count = count.saturating_add(1);
    }

    /// Bucket and count of those that are not empty.
    fn drain(&mut self) -> Vec<(u16, u32)> {
        let filled = self.0.iter_mut().zip(0..).filter(|(count, _)| **count > 0);
        filled.map(|(count, index)| (index, std::mem::take(count))).collect()
    }
}

#[inline]
fn index_of(nanos: u64) -> usize {
    if nanos < SUBS as u64 {
        return nanos as usize;
    }
    let power = 63 - nanos.leading_zeros();
    let sub = (nanos >> (power - SUB_BITS)) as usize & (SUBS - 1);
    (((power - SUB_BITS + 1) as usize) * SUBS + sub).min(BUCKETS - 1)
}

/// The middle of a bucket in nanoseconds.
fn value_of(index: usize) -> f64 {
    if index < SUBS {
        return index as f64;
    }
    let (power, sub) = ((index / SUBS - 1) as i32, (index % SUBS) as f64);
    (SUBS as f64 + sub + 0.5) * 2_f64.powi(power)
}

/// Everything that a thread has counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages sent.
    pub sent: u64,
    /// Messages received.
    pub received: u64,
    /// Errors told by the server, and connections that ended unasked.
    pub errors: u64,
    /// Broken promises.
    pub violations: u64,
}

impl Counts {
    /// What was counted since `earlier`; violations may be taken back, then it is none.
    const fn since(&self, earlier: &Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(earlier.sent),
            received: self.received.saturating_sub(earlier.received),
            errors: self.errors.saturating_sub(earlier.errors),
            violations: self.violations.saturating_sub(earlier.violations),
        }
    }
}

/// One second of one thread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Second {
    /// From the start of measuring.
    t: i64,
    sent: u64,
    received: u64,
    errors: u64,
    violations: u64,
    cpu_ns: u64,
    latency: Vec<(u16, u32)>,
}

/// One second of the run, as reports show it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// From the start of measuring.
    pub t: i64,
    /// Messages sent.
    pub sent: u64,
    /// Messages received.
    pub received: u64,
    /// Errors told by the server, and connections that ended unasked.
    pub errors: u64,
    /// Broken promises.
    pub violations: u64,
    /// Median latency in µs of what was received in it and counts.
    pub p50_us: Option<f64>,
    /// The same of 99 %.
    pub p99_us: Option<f64>,
    /// The largest.
    pub max_us: Option<f64>,
    /// Cores that the clients used.
    pub client_cpu: Option<f64>,
    /// Cores that the server used.
    pub server_cpu: Option<f64>,
    /// The server's resident memory in KiB.
    pub server_rss_kib: Option<u64>,
}

/// All seconds of all threads, and of the server.
#[derive(Debug, Default)]
pub struct Series {
    done: Vec<Row>,
    open: BTreeMap<i64, Open>,
}

#[derive(Debug, Default)]
struct Open {
    row: Row,
    latency: BTreeMap<u16, u64>,
    cpu_ns: Option<u64>,
}

impl Series {
    /// Adds one thread's second; one that is long over counts to the oldest that is open.
    pub fn add(&mut self, second: &Second) {
        let open = self.open(second.t);
        open.row.sent += second.sent;
        open.row.received += second.received;
        open.row.errors += second.errors;
        open.row.violations += second.violations;
        open.cpu_ns = Some(open.cpu_ns.unwrap_or(0) + second.cpu_ns);
        for (bucket, count) in &second.latency {
            *open.latency.entry(*bucket).or_default() += u64::from(*count);
        }
    }

    /// What the server's process used in a second, and held at its end.
    pub fn server(&mut self, t: i64, cores: f64, rss_kib: u64) {
        let row = &mut self.open(t).row;
        (row.server_cpu, row.server_rss_kib) = (Some(rounded(cores)), Some(rss_kib));
    }

    /// The newest second that all threads should have told of.
    #[must_use]
    pub fn newest_whole(&self) -> Option<Row> {
        self.open.values().rev().nth(1).map(Open::row).or_else(|| self.done.last().cloned())
    }

    /// All seconds, oldest first.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.done.iter().cloned().chain(self.open.values().map(Open::row)).collect()
    }

    fn open(&mut self, t: i64) -> &mut Open {
        let t = self.done.last().map_or(t, |last| t.max(last.t + 1));
        if !self.open.contains_key(&t)
            && self.open.len() >= OPEN_MAX
            && let Some((_, oldest)) = self.open.pop_first()
        {
            self.done.push(oldest.row());
        }
        let t = self.done.last().map_or(t, |last| t.max(last.t + 1));
        let open = self.open.entry(t).or_default();
        open.row.t = t;
        open
    }
}

impl Open {
    fn row(&self) -> Row {
        let total: u64 = self.latency.values().sum();
        let quantile = |share: f64| {
            let wanted = ((total as f64 * share).ceil() as u64).max(1);
            let mut seen = 0;
            let bucket = self.latency.iter().find(|(_, count)| {
                seen += **count;
                seen >= wanted
            });
            bucket.map(|(bucket, _)| rounded(value_of((*bucket).into()) / 1e3))
        };
        let mut row = self.row.clone();
        row.client_cpu = self.cpu_ns.map(|cpu| rounded(cpu as f64 / 1e9));
        if total > 0 {
            (row.p50_us, row.p99_us, row.max_us) = (quantile(0.5), quantile(0.99), quantile(1.0));
        }
        row
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// One thread's seconds as they go by; told to the board when each is over.
#[derive(Debug)]
pub struct Pulse {
    board: Arc<Board>,
    schedule: Option<Schedule>,
    t: i64,
    told: Counts,
    shown: Counts,
    cpu: Duration,
    latency: Buckets,
}

impl Pulse {
    /// Nothing so far.
    #[must_use]
    pub fn new(board: Arc<Board>) -> Self {
        let (told, shown) = (Counts::default(), Counts::default());
        Self { board, schedule: None, t: 0, told, shown, cpu: Duration::ZERO, latency: Buckets::default() }
    }

    /// The schedule is known: seconds begin. Later calls change nothing.
    pub fn begin(&mut self, schedule: &Schedule, counts: Counts) {
        if self.schedule.is_none() {
            self.schedule = Some(*schedule);
            // What little happens before the load begins counts to its first second.
            self.t = second_of(schedule, Nanos::now().max(schedule.start));
            (self.told, self.cpu) = (counts, thread_cpu());
        }
    }

    /// One latency of a message that counts.
    #[inline]
    pub fn latency(&mut self, latency: Duration) {
        self.latency.record(latency.as_nanos() as u64);
    }

    /// Brings the board up to date, and tells of the second if it is over.
    pub fn tell(&mut self, now: Nanos, counts: Counts) {
        let news = counts.since(&self.shown);
        if news != Counts::default() {
            self.board.count(&news);
        }
        self.shown = counts;
        if self.schedule.is_some_and(|schedule| second_of(&schedule, now) != self.t) {
            self.close(now, counts);
        }
    }

    /// Tells of the last, unfinished second, if anything happened in it.
    pub fn finish(&mut self, counts: Counts) {
        self.tell(Nanos::now(), counts);
        if counts.since(&self.told) != Counts::default() {
            self.close(Nanos::now(), counts);
        }
    }

    fn close(&mut self, now: Nanos, counts: Counts) {
        let Some(schedule) = &self.schedule else { return };
        let (news, cpu) = (counts.since(&self.told), thread_cpu());
        self.board.add_second(Second {
            t: self.t,
            sent: news.sent,
            received: news.received,
            errors: news.errors,
            violations: news.violations,
            cpu_ns: cpu.saturating_sub(self.cpu).as_nanos() as u64,
            // What was measured while the last of the warm-up's passes went on belongs to the first second.
            latency: if self.t < 0 { Vec::new() } else { self.latency.drain() },
        });
        self.t = second_of(schedule, now);
        (self.told, self.cpu) = (counts, cpu);
    }
}

/// The second in which a moment lies, from the start of measuring.
#[must_use]
pub fn second_of(schedule: &Schedule, moment: Nanos) -> i64 {
    (moment.0 as i64 - schedule.measure.0 as i64).div_euclid(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_three_percent_wide_at_most() {
        for nanos in [0, 1, 31, 32, 33, 1_000, 123_456, 1_000_000_007, 1 << 39] {
            let middle = value_of(index_of(nanos));
            assert!((middle - nanos as f64).abs() <= nanos as f64 / 32.0 + 0.5, "{nanos}: {middle}");
        }
        assert_eq!(index_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn threads_add_up_to_one_row_a_second() {
        let mut series = Series::default();
        let second = |t, received, latency: &[u64]| {
            let mut buckets = Buckets::default();
            latency.iter().for_each(|nanos| buckets.record(*nanos));
            Second { t, received, cpu_ns: 500_000_000, latency: buckets.drain(), ..Second::default() }
        };
        series.add(&second(-1, 5, &[]));
        series.add(&second(0, 10, &[1_000; 99]));
        series.add(&second(0, 20, &[1_000_000]));
        series.server(0, 0.25, 4_096);
        let rows = series.rows();
        assert_eq!(rows.iter().map(|row| (row.t, row.received)).collect::<Vec<_>>(), [(-1, 5), (0, 30)]);
        assert_eq!((rows[0].p50_us, rows[0].client_cpu), (None, Some(0.5)));
        assert_eq!((rows[1].client_cpu, rows[1].server_rss_kib), (Some(1.0), Some(4_096)));
        assert!((rows[1].p50_us.unwrap() - 1.0).abs() < 0.04);
        assert!((rows[1].p99_us.unwrap() - 1.0).abs() < 0.04);
        assert!((rows[1].max_us.unwrap() - 1_000.0).abs() < 32.0);
    }

    #[test]
    fn what_is_told_late_is_neither_lost_nor_out_of_order() {
        let mut series = Series::default();
        for t in 0..100 {
            series.add(&Second { t, received: 1, ..Second::default() });
        }
        series.add(&Second { t: 3, received: 7, ..Second::default() });
        let rows = series.rows();
        assert!(rows.is_sorted_by(|a, b| a.t < b.t));
        assert_eq!(rows.iter().map(|row| row.received).sum::<u64>(), 107);
    }
}
