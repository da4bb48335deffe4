//! What threads show while they run, and the line made of it. Process view.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::series::{Counts, Second, Series};
use super::summary::grouped;

/// Counters of all threads together; each thread adds what it did since it last looked.
#[derive(Debug, Default)]
pub struct Board {
    /// Connections whose upgrade is done.
    pub connected: AtomicU64,
    /// Clients that are where the scenario wants them before it begins.
    pub ready: AtomicU64,
    /// Connections that failed or ended unasked.
    pub ended: AtomicU64,
    /// Messages received.
    pub deliveries: AtomicU64,
    /// Messages sent.
    pub publishes: AtomicU64,
    /// Errors that the server told, and connections that ended unasked.
    pub errors: AtomicU64,
    /// Broken promises.
    pub violations: AtomicU64,
    seconds: Mutex<Seconds>,
}

#[derive(Debug, Default)]
struct Seconds {
    series: Series,
    /// Where this process is one of several: what the first one has not been told yet.
    untold: Option<Vec<Second>>,
}

impl Board {
    /// The same, for a process that passes its seconds on instead of keeping them.
    #[must_use]
    pub fn of_worker() -> Self {
        let seconds = Mutex::new(Seconds { untold: Some(Vec::new()), ..Seconds::default() });
        Self { seconds, ..Self::default() }
    }

    /// Adds what a thread did.
    pub fn count(&self, news: &Counts) {
        self.deliveries.fetch_add(news.received, Relaxed);
        self.publishes.fetch_add(news.sent, Relaxed);
        self.errors.fetch_add(news.errors, Relaxed);
        self.violations.fetch_add(news.violations, Relaxed);
    }

    /// Adds one thread's second.
    pub fn add_second(&self, second: Second) {
        let mut seconds = self.seconds();
        match &mut seconds.untold {
            Some(untold) => untold.push(second),
            None => seconds.series.add(&second),
        }
    }

    /// What a worker has to pass on.
    #[must_use]
    pub fn take_seconds(&self) -> Vec<Second> {
        self.seconds().untold.as_mut().map_or_else(Vec::new, std::mem::take)
    }

    /// Looks at the seconds so far, or adds to them.
    pub fn series<R>(&self, look: impl FnOnce(&mut Series) -> R) -> R {
        look(&mut self.seconds().series)
    }

    fn seconds(&self) -> MutexGuard<'_, Seconds> {
        self.seconds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prints a line a second, in place on a terminal.
#[derive(Debug)]
pub struct Progress {
    quiet: bool,
    terminal: bool,
    began: Instant,
    last: Instant,
    deliveries: u64,
    publishes: u64,
}

impl Progress {
    /// The clock starts now.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let now = Instant::now();
        let terminal = std::io::stderr().is_terminal();
        Self { quiet, terminal, began: now, last: now, deliveries: 0, publishes: 0 }
    }

    /// Shows the board if a second has gone by since it was last shown.
    pub fn show(&mut self, what: &str, board: &Board) {
        let now = Instant::now();
        let past = now - self.last;
        if self.quiet || past < Duration::from_secs(1) {
            return;
        }
        self.last = now;
        let rate = |total: u64, before: &mut u64| {
            let rate = (total - std::mem::replace(before, total)) as f64 / past.as_secs_f64();
            grouped(rate.round() as u64)
        };
        let deliveries = rate(board.deliveries.load(Relaxed), &mut self.deliveries);
        let publishes = rate(board.publishes.load(Relaxed), &mut self.publishes);
        let latency = board.series(|series| series.newest_whole()).map_or_else(String::new, |row| {
            match (row.p50_us, row.p99_us) {
                (Some(p50), Some(p99)) => format!("  p50 {} p99 {}", time(p50), time(p99)),
                _ => String::new(),
            }
        });
        let line = format!(
            "{:>4} s  {what:<10} {} connected, {} ready  {publishes} sent/s  {deliveries} received/s{latency}  \
             {} errors  {} violations",
            (now - self.began).as_secs(),
            grouped(board.connected.load(Relaxed)),
            grouped(board.ready.load(Relaxed)),
            grouped(board.errors.load(Relaxed)),
            grouped(board.violations.load(Relaxed)),
        );
        let mut stderr = std::io::stderr().lock();
        let _ = if self.terminal { write!(stderr, "\r\x1b[K{line}") } else { writeln!(stderr, "{line}") };
    }

    /// Leaves the terminal at the start of a line.
    pub fn finish(&self) {
        if self.terminal && !self.quiet {
            eprintln!();
        }
    }
}

/// Microseconds as people say them.
fn time(micros: f64) -> String {
    match micros {
        10_000.0.. => format!("{:.0} ms", micros / 1e3),
        1_000.0.. => format!("{:.1} ms", micros / 1e3),
        _ => format!("{micros:.0} µs"),
    }
}
