//! The coordinating thread: starts the clients, fixes the schedule, watches the server, and ends the run. Process view.

use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Setup, Work, interrupt, processes};
use crate::engine::{Nanos, Schedule};
use crate::proc_stat::{self, Usage};
use crate::report::{Measured, Progress, Tally, second_of};
use crate::scenario::{Plan, RunFault};

/// From the schedule's making to its start at least, where it goes to other processes.
const HEAD_START_OF_PROCESSES: Duration = Duration::from_millis(300);
/// How often the coordinating thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often it looks whether the server is there.
const LIVES_EVERY: Duration = Duration::from_millis(200);
/// Without any movement for so long, clients that are not ready never will be.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// How a run went, beside what the clients counted.
#[derive(Clone, Debug, Default)]
pub(in crate::scenario) struct Course {
    /// All clients were where the scenario wanted them.
    pub(in crate::scenario) ready: bool,
    pub(in crate::scenario) measured: Measured,
    /// Why it ended before its time.
    pub(in crate::scenario) cut_short: Option<String>,
    pub(in crate::scenario) memory: Memory,
}

/// KiB before there were clients, and while all of them were there.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::scenario) struct Memory {
    /// Resident in the server's process.
    pub(in crate::scenario) server: Option<(u64, u64)>,
    /// In the kernel's slabs, of the whole host.
    pub(in crate::scenario) kernel: Option<(u64, u64)>,
}

/// A run from the outside.
pub(in crate::scenario) struct Stage<'a> {
    pub(in crate::scenario) setup: Setup,
    pub(in crate::scenario) progress: Progress,
    plan: &'a Plan,
    work: Work,
    workers: Vec<JoinHandle<std::io::Result<Tally>>>,
    looked: Nanos,
    cut_short: Option<String>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(setup: Setup, plan: &'a Plan, work: Work) -> Self {
        let progress = Progress::new(setup.common.quiet);
        Self { setup, progress, plan, work, workers: Vec::new(), looked: Nanos::default(), cut_short: None }
    }

    /// Starts the clients.
    pub(in crate::scenario) fn start(&mut self) -> Result<(), RunFault> {
        interrupt::listen();
        self.workers = match self.setup.common.processes {
            1 => self.setup.spawn(&self.work)?,
            _ => processes::start(&self.setup, self.plan)?,
        };
        Ok(())
    }

    /// Waits until so many are ready; false when that can't be any more, or nothing moved for half a minute.
    pub(in crate::scenario) fn wait_ready(&mut self, wanted: u64, what: &str) -> bool {
        let board = self.setup.board.clone();
        let state = || (board.connected.load(Relaxed), board.ready.load(Relaxed));
        let (mut seen, mut since) = (state(), Nanos::now());
        while board.ready.load(Relaxed) < wanted {
            let ended = board.ended.load(Relaxed);
            let gone = ended > 0 && ended + board.ready.load(Relaxed) >= wanted;
            let still = Nanos::now().since(since) > READY_PATIENCE;
            if gone || still || self.workers.iter().any(JoinHandle::is_finished) || self.is_cut_short(what) {
                self.stop();
                return false;
            }
            if state() != seen {
                (seen, since) = (state(), Nanos::now());
            }
            self.progress.show(what, &board);
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// Fixes the schedule, waits through it, and looks at the server at both ends of the measuring and each second.
    pub(in crate::scenario) fn measure(&mut self) -> Measured {
        let mut head = self.setup.common.head_start();
        if self.setup.common.processes > 1 {
            head = head.max(HEAD_START_OF_PROCESSES);
        }
        let start = Nanos::now() + head;
        let measure = start + self.setup.common.warmup;
        let schedule = Schedule { start, measure, end: measure + self.setup.common.duration };
        let _ = self.setup.schedule.set(schedule);
        let mut before = self.look();
        self.wait_until(&schedule, schedule.start, "warm-up", &mut before);
        self.wait_until(&schedule, schedule.measure, "warm-up", &mut before);
        let (began, first) = before.clone();
        self.wait_until(&schedule, schedule.end, "measuring", &mut before);
        let (ended, after) = self.look();
        // One that is gone is as it was when it was seen last.
        Measured { before: first, after: after.or(before.1), over: ended.since(began) }
    }

    /// So long, unless something ends the run before.
    pub(in crate::scenario) fn hold(&mut self, time: Duration, what: &str) {
        let until = Nanos::now() + time;
        while Nanos::now() < until && !self.setup.stop.load(Relaxed) && !self.is_cut_short(what) {
            self.progress.show(what, &self.setup.board);
            std::thread::sleep(LOOK_EVERY.min(until.since(Nanos::now())));
        }
    }

    /// Ends the run, whatever the state.
    pub(in crate::scenario) fn stop(&self) {
        self.setup.stop.store(true, Relaxed);
    }

    /// One look at the server.
    pub(in crate::scenario) fn look(&self) -> (Nanos, Option<Usage>) {
        (Nanos::now(), self.setup.server.and_then(proc_stat::usage))
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn was_interrupted(&self) -> bool {
        interrupt::came()
    }

    /// Adds up what the clients counted, once they are done.
    pub(super) fn gather(&mut self) -> Result<(Tally, Option<String>), RunFault> {
        let mut sum = Tally::default();
        for worker in std::mem::take(&mut self.workers) {
            while !worker.is_finished() {
                self.progress.show("settling", &self.setup.board);
                if self.is_cut_short("settling") {
                    self.stop();
                }
                std::thread::sleep(LOOK_EVERY);
            }
            match worker.join() {
                Ok(tally) => sum.add(&tally?),
                Err(_) => return Err(RunFault::Asked("a thread of the load generator panicked".to_owned())),
            }
        }
        self.progress.finish();
        Ok((sum, self.cut_short.take()))
    }

    /// Looks each second, aligned with the schedule's; leaves the last look behind.
    fn wait_until(
        &mut self,
        schedule: &Schedule,
        moment: Nanos,
        what: &str,
        before: &mut (Nanos, Option<Usage>),
    ) {
        loop {
            let now = Nanos::now();
            let t = second_of(schedule, before.0);
            if second_of(schedule, now) != t || now >= moment {
                let after = self.look();
                if let (Some(earlier), Some(later)) = (&before.1, &after.1) {
                    let used = later.since(earlier, after.0.since(before.0));
                    // Before the load there is nothing to see, and a moment after the last look neither.
                    if after.0 > schedule.start && after.0.since(before.0) > LOOK_EVERY * 10 {
                        self.setup.board.series(|series| series.server(t, used.cores, later.rss_kib));
                    }
                }
                *before = (after.0, after.1.or(before.1.take()));
            }
            if now >= moment || self.setup.stop.load(Relaxed) {
                return;
            }
            if self.is_cut_short(what) {
                return self.stop();
            }
            self.progress.show(what, &self.setup.board);
            std::thread::sleep(LOOK_EVERY.min(moment.since(now)));
        }
    }

    /// Whether Ctrl-C was pressed, or the server's process is gone; said in words once.
    fn is_cut_short(&mut self, what: &str) -> bool {
        let now = Nanos::now();
        if self.cut_short.is_none() {
            let gone = now.since(self.looked) > LIVES_EVERY && {
                self.looked = now;
                self.setup.server.is_some_and(|server| !proc_stat::lives(server))
            };
            let why = match () {
                () if interrupt::came() => Some("interrupted"),
                () if gone => Some("the server's process ended"),
                () => None,
            };
            let at = self.setup.schedule.get().filter(|schedule| now > schedule.measure).map_or_else(
                || format!("while {what}"),
                |schedule| format!("{:.1} s into measuring", now.since(schedule.measure).as_secs_f64()),
            );
            self.cut_short = why.map(|why| format!("{why} {at}"));
        }
        self.cut_short.is_some()
    }
}
