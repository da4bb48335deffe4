//! What all scenarios share: the target, the threads with their shares, the phases and the clock they go by.
//!
//! Threads connect and get ready on their own; the coordinating thread then fixes one [`Schedule`] for all, and from
//! there on everybody goes by the clock: nobody waits for anybody while measuring.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use super::RunFault;
use crate::args::{Common, TransportChoice};
use crate::engine::{Nanos, Target, pin_to_core, raise_open_files, sharpen_timers, thread_cpu};
use crate::proc_stat::{self, Usage};
use crate::report::{Board, Progress, Tally};

/// From the schedule's making to its start: every thread has seen it by then.
const HEAD_START: Duration = Duration::from_millis(50);
/// How often the coordinating thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// When what happens, on the host's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Load begins.
    pub start: Nanos,
    /// Measuring begins.
    pub measure: Nanos,
    /// Load and measuring end.
    pub end: Nanos,
}

impl Schedule {
    /// Whether this moment is measured.
    #[must_use]
    pub fn measures(&self, moment: Nanos) -> bool {
        (self.measure..self.end).contains(&moment)
    }
}

/// What every thread of a run knows.
#[derive(Clone)]
pub struct Setup {
    /// Where to.
    pub target: Arc<Target>,
    /// The shared flags.
    pub common: Arc<Common>,
    /// Counters to show.
    pub board: Arc<Board>,
    /// Set when all are ready.
    pub schedule: Arc<OnceLock<Schedule>>,
    /// Set when the run is over, whatever the state.
    pub stop: Arc<AtomicBool>,
    /// The server's process.
    pub server: Option<u32>,
}

/// What was measured around the threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) before: Option<Usage>,
    pub(super) after: Option<Usage>,
    pub(super) over: Duration,
}

impl Setup {
    /// Resolves the target for so many connections.
    pub(super) fn new(common: &Common, connections: u32, path: Option<&str>) -> Result<Self, RunFault> {
        let mut target = Target::new(&common.url, common.transport, common.insecure)?;
        if let Some(path) = path {
            path.clone_into(&mut target.path);
        }
        target.sources = common.sources.unwrap_or_else(|| target.sources_for(connections));
        let files = raise_open_files();
        let is_websocket = target.transport == TransportChoice::Ws;
        if !is_websocket && target.config(None).trust.is_none() {
            let text = "QUIC and WebTransport believe a server elsewhere only with --insecure";
            return Err(RunFault::Asked(text.to_owned()));
        }
        if is_websocket && u64::from(connections) + 64 > files {
            return Err(RunFault::Asked(format!(
                "{connections} connections need more open files than the {files} allowed: raise `ulimit -n`"
            )));
        }
        let server = common.server_pid.or_else(|| proc_stat::listener(target.address.port()));
        Ok(Self {
            target: Arc::new(target),
            common: Arc::new(common.clone()),
            board: Arc::default(),
            schedule: Arc::default(),
            stop: Arc::default(),
            server,
        })
    }

    /// Refuses what only WebSocket can do.
    pub(super) fn want_websocket(&self, what: &str) -> Result<(), RunFault> {
        match self.target.transport {
            TransportChoice::Ws => Ok(()),
            _ => Err(RunFault::Asked(format!(
                "{what}: over WebSocket only, this is {}",
                self.target.transport_name()
            ))),
        }
    }

    /// The part of `total` that falls to a thread, and the number of its first.
    pub(super) fn share(&self, total: u32, thread: u16) -> (u32, u32) {
        let threads = u32::from(self.common.threads);
        let thread = u32::from(thread);
        let each = total / threads;
        let more = total % threads;
        (thread * each + thread.min(more), each + u32::from(thread < more))
    }

    /// Starts the threads, each pinned if so asked, with its number.
    pub(super) fn spawn<R: Send + 'static>(
        &self,
        work: impl Fn(&Self, u16) -> std::io::Result<R> + Clone + Send + 'static,
    ) -> Result<Vec<JoinHandle<std::io::Result<R>>>, RunFault> {
        (0..self.common.threads)
            .map(|thread| {
                let (setup, work) = (self.clone(), work.clone());
                let name = format!("load-{thread}");
                let handle = std::thread::Builder::new().name(name).spawn(move || {
                    if let Some(core) = setup.common.client_core {
                        pin_to_core(core + usize::from(thread))?;
                    }
                    sharpen_timers();
                    work(&setup, thread)
                })?;
                Ok(handle)
            })
            .collect()
    }

    /// Waits until so many are ready; false when that can't be any more, or nothing moved for half a minute.
    pub(super) fn wait_ready<R>(
        &self,
        wanted: u64,
        threads: &[JoinHandle<R>],
        progress: &mut Progress,
        what: &str,
    ) -> bool {
        let state = || (self.board.connected.load(Relaxed), self.board.ready.load(Relaxed));
        let (mut seen, mut since) = (state(), Nanos::now());
        while self.board.ready.load(Relaxed) < wanted {
            if threads.iter().any(JoinHandle::is_finished)
                || Nanos::now().since(since) > Duration::from_secs(30)
            {
                return false;
            }
            let ended = self.board.ended.load(Relaxed);
            if ended > 0 && ended + self.board.ready.load(Relaxed) >= wanted {
                return false;
            }
            if state() != seen {
                (seen, since) = (state(), Nanos::now());
            }
            progress.show(what, &self.board);
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// Fixes the schedule, waits through it, and looks at the server at both ends of the measuring.
    pub(super) fn measure(&self, progress: &mut Progress) -> Measured {
        let start = Nanos::now() + HEAD_START;
        let measure = start + self.common.warmup;
        let schedule = Schedule { start, measure, end: measure + self.common.duration };
        let _ = self.schedule.set(schedule);
        let look = || self.server.and_then(proc_stat::usage);
        self.wait_until(schedule.measure, progress, "warm-up");
        let (began, before) = (Nanos::now(), look());
        self.wait_until(schedule.end, progress, "measuring");
        let (ended, after) = (Nanos::now(), look());
        Measured { before, after, over: ended.since(began) }
    }

    fn wait_until(&self, moment: Nanos, progress: &mut Progress, what: &str) {
        while Nanos::now() < moment && !self.stop.load(Relaxed) {
            progress.show(what, &self.board);
            std::thread::sleep(LOOK_EVERY.min(moment.since(Nanos::now())));
        }
    }
}

/// Measures the calling thread's CPU between the schedule's marks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CpuMeter {
    began: Option<(Duration, Nanos)>,
    done: bool,
}

impl CpuMeter {
    /// Looks at the clock; cheap enough for every pass of a loop.
    pub(super) fn tick(&mut self, now: Nanos, schedule: &Schedule, tally: &mut Tally) {
        match self.began {
            None if now >= schedule.measure => self.began = Some((thread_cpu(), now)),
            Some((cpu, began)) if now >= schedule.end && !self.done => {
                self.done = true;
                tally.cpu = thread_cpu().saturating_sub(cpu);
                tally.busiest = tally.cpu.as_secs_f64() / now.since(began).as_secs_f64().max(1e-9);
            }
            _ => {}
        }
    }
}

/// Adds up what the threads counted.
pub(super) fn gather(threads: Vec<JoinHandle<std::io::Result<Tally>>>) -> Result<Tally, RunFault> {
    let mut sum = Tally::default();
    for thread in threads {
        match thread.join() {
            Ok(tally) => sum.add(&tally?),
            Err(_) => return Err(RunFault::Asked("a thread of the load generator panicked".to_owned())),
        }
    }
    Ok(sum)
}
