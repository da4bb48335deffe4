//! Counters that threads show while they run, and the line made of them. Process view.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

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
    /// Broken promises.
    pub violations: AtomicU64,
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
            super::summary::grouped(rate.round() as u64)
        };
        let deliveries = rate(board.deliveries.load(Relaxed), &mut self.deliveries);
        let publishes = rate(board.publishes.load(Relaxed), &mut self.publishes);
        let line = format!(
            "{:>4} s  {what:<10} {:>7} connected {:>7} ready {publishes:>9} sent/s {deliveries:>11} received/s  \
             {} ended  {} violations",
            (now - self.began).as_secs(),
            board.connected.load(Relaxed),
            board.ready.load(Relaxed),
            board.ended.load(Relaxed),
            board.violations.load(Relaxed),
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
