//! What every thread of a run knows: targets, shared flags, the board, its share of the clients.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use super::{Finals, Work};
use crate::args::{Common, Protocol, TransportChoice};
use crate::engine::{Pace, Schedule, Target, pin_to_core, raise_open_files, sharpen_timers};
use crate::proc_stat;
use crate::report::{Board, Summary, Tally};
use crate::scenario::{RunFault, run::Part};

/// What every thread of a run knows.
#[derive(Clone)]
pub struct Setup {
    /// Where to; threads take them in turn.
    targets: Arc<[Arc<Target>]>,
    /// The shared flags.
    pub common: Arc<Common>,
    /// Counters to show.
    pub board: Arc<Board>,
    /// Set when all are ready.
    pub schedule: Arc<OnceLock<Schedule>>,
    /// Set when the run is over, whatever the state.
    pub stop: Arc<AtomicBool>,
    /// Where the rooms ended.
    pub(in crate::scenario) finals: Finals,
    /// The server's process.
    pub server: Option<u32>,
    part: Part,
}

impl Setup {
    /// Resolves the targets for so many connections, of which this process has its part.
    pub(in crate::scenario) fn new(
        common: &Common,
        connections: u32,
        path: Option<&str>,
        part: Part,
    ) -> Result<Self, RunFault> {
        let mut common = common.clone();
        let transports: Vec<_> = match common.transport.as_slice() {
            [] => vec![None],
            several => several.iter().copied().map(Some).collect(),
        };
        // Each transport needs a thread.
        common.threads = common.threads.max(transports.len().div_ceil(part.of.into()) as u16);
        let mut targets = Vec::new();
        for transport in transports {
            let mut doors = Vec::new();
            for url in common.url.split(',') {
                let mut door = Target::new(url, transport, common.insecure)?;
                door = door.speaking(common.protocol(), common.qos)?;
                if let Some(path) = path {
                    path.clone_into(&mut door.path);
                }
                doors.push(door);
            }
            if doors.len() > 1 && common.protocol() != Protocol::Ringway {
                let text = "--url: several are the nodes of a Ringway cluster; another server has one";
                return Err(RunFault::Asked(text.to_owned()));
            }
            let others = doors.split_off(1);
            let Some(target) = doors.pop() else { continue };
            let mut target = target.with_others(others)?;
            target.sources = common.sources.unwrap_or_else(|| target.sources_for(connections));
            if !is_stream(&target) && target.config(None).trust.is_none() {
                let text = "QUIC and WebTransport believe a server elsewhere only with --insecure";
                return Err(RunFault::Asked(text.to_owned()));
            }
            targets.push(Arc::new(target));
        }
        let files = raise_open_files();
        let here = u64::from(connections.div_ceil(part.of.into()));
        if targets.iter().any(|target| is_stream(target)) && here + 64 > files {
            return Err(RunFault::Asked(format!(
                "{here} connections of one process need more open files than the {files} allowed: raise \
                 `ulimit -n`, or spread them over more --processes"
            )));
        }
        // Of several nodes each may end without the run being over.
        let found = || {
            let target = targets.first().filter(|target| target.doors() == 1)?;
            proc_stat::listener(target.address.port())
        };
        let server = common.server_pid.or_else(found);
        let board = if part.is_worker { Board::of_worker() } else { Board::default() };
        let tellers = if part.is_worker || part.of == 1 { common.threads } else { part.of };
        Ok(Self {
            targets: targets.into(),
            common: Arc::new(common),
            board: Arc::new(board),
            schedule: Arc::default(),
            stop: Arc::default(),
            finals: Finals::new(tellers, part.is_worker),
            server,
            part,
        })
    }

    /// Where a thread's clients connect to.
    pub(in crate::scenario) fn target(&self, thread: u16) -> &Arc<Target> {
        let thread = usize::from(self.part.number) * usize::from(self.common.threads) + usize::from(thread);
        &self.targets[thread % self.targets.len()]
    }

    /// All of them.
    pub(in crate::scenario) fn targets(&self) -> &[Arc<Target>] {
        &self.targets
    }

    /// What the clients speak, and what carries it.
    pub(in crate::scenario) fn describe(&self, summary: &mut Summary) {
        let names: Vec<_> = self.targets.iter().map(|target| target.transport_name()).collect();
        let protocol = self.common.protocol();
        summary.text("protocol", protocol.name());
        summary.text("transport", &names.join(" and "));
        if protocol == Protocol::Mqtt {
            summary.count("qos", self.common.qos.into());
        }
    }

    /// Refuses what only WebSocket, or another protocol straight on TCP, can do.
    pub(in crate::scenario) fn want_websocket(&self, what: &str) -> Result<(), RunFault> {
        match self.targets.iter().find(|target| !is_stream(target)) {
            None => Ok(()),
            Some(other) => {
                let name = other.transport_name();
                Err(RunFault::Asked(format!("{what}: over WebSocket only, this is {name}")))
            }
        }
    }

    /// Refuses what can't be split over processes.
    pub(in crate::scenario) fn want_one_process(&self, what: &str) -> Result<(), RunFault> {
        match self.part.of {
            1 => Ok(()),
            _ => Err(RunFault::Asked(format!("{what} runs in one process: leave out --processes"))),
        }
    }

    /// Threads of all processes.
    pub(in crate::scenario) fn threads(&self) -> u32 {
        u32::from(self.common.threads) * u32::from(self.part.of)
    }

    /// How fast each thread connects.
    pub(in crate::scenario) fn pace(&self) -> Pace {
        Pace {
            rate: self.common.connect_rate.div_ceil(self.threads()),
            concurrency: self.common.connect_concurrency,
        }
    }

    /// A thread's number over all processes.
    pub(in crate::scenario) fn number_of(&self, thread: u16) -> u32 {
        u32::from(self.part.number) * u32::from(self.common.threads) + u32::from(thread)
    }

    /// The part of `total` that falls to a thread, and the number of its first.
    pub(in crate::scenario) fn share(&self, total: u32, thread: u16) -> (u32, u32) {
        let (threads, thread) = (self.threads(), self.number_of(thread));
        let each = total / threads;
        let more = total % threads;
        (thread * each + thread.min(more), each + u32::from(thread < more))
    }

    /// Starts the threads, each pinned if so asked, with its number.
    pub(super) fn spawn(&self, work: &Work) -> std::io::Result<Vec<JoinHandle<std::io::Result<Tally>>>> {
        (0..self.common.threads)
            .map(|thread| {
                let (setup, work) = (self.clone(), Arc::clone(work));
                std::thread::Builder::new().name(format!("load-{thread}")).spawn(move || {
                    if let Some(core) = setup.common.client_core {
                        pin_to_core(core + setup.number_of(thread) as usize)?;
                    }
                    sharpen_timers();
                    work(&setup, thread)
                })
            })
            .collect()
    }
}

/// A TCP connection for each client.
fn is_stream(target: &Target) -> bool {
    matches!(target.transport, TransportChoice::Ws | TransportChoice::Tcp)
}
