//! `connect`: many clients come, say hello, join, stay idle for a while, and go.
//!
//! The latency counted is from the first packet to `welcome` (upgrade and hello), the memory is what the server's
//! process, and beside it the kernel, holds for each idle session.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::RoomName;
use ringway_protocol::session::client::{JoinOptions, Request};

use super::RunFault;
use super::crowd::Cast;
use super::run::{Course, Load, Memory, Setup, Stage, Work};
use crate::args::ConnectArgs;
use crate::engine::{MemberId, Nanos, Observer, Seen, Sessions, thread_cpu};
use crate::proc_stat;
use crate::report::{Board, Measured, Summary, Tally};

impl Load for ConnectArgs {
    fn clients(&self) -> u32 {
        self.connections
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        if self.reset {
            setup.want_websocket("--reset: a QUIC connection can't end without a word")?;
        }
        let cast = Cast::new(&self.session, self.connections, setup)?;
        let plan = self.clone();
        Ok(Arc::new(move |setup, thread| come_and_go(setup, thread, &cast, &plan)))
    }

    fn direct(&self, stage: &mut Stage<'_>) -> Result<Course, RunFault> {
        let (began, before) = stage.look();
        let slab_before = proc_stat::slab_kib();
        stage.start()?;
        let ready = stage.wait_ready(u64::from(self.connections) * u64::from(self.rounds), "connecting");
        let (connected_at, connected) = stage.look();
        if ready {
            stage.hold(self.hold, "holding");
        }
        let (_, held) = stage.look();
        let slab_held = proc_stat::slab_kib();
        stage.stop();
        let rss = |usage: &Option<proc_stat::Usage>| usage.as_ref().map(|usage| usage.rss_kib);
        let memory = Memory { server: rss(&before).zip(rss(&held)), kernel: slab_before.zip(slab_held) };
        let measured = Measured { before, after: connected, over: connected_at.since(began) };
        Ok(Course { ready, measured, memory, ..Course::default() })
    }

    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally) {
        let took = course.measured.over.as_secs_f64().max(1e-9);
        setup.describe(summary);
        summary.count("connections", tally.connections);
        summary.count("rounds", self.rounds.into());
        summary.number("connects_per_s", tally.connections as f64 / took);
        summary.latency("", &tally.latency);
        summary.latency("upgrade_", &tally.handshake);
        if !self.no_join {
            summary.latency("joined_", &tally.caught_up);
        }
        summary.promises(tally);
        summary.server(&course.measured, 0);
        let each =
            |(before, held): (u64, u64)| (held as f64 - before as f64) * 1024.0 / f64::from(self.connections);
        if let Some(server) = course.memory.server {
            summary.count("server_rss_kib_before", server.0);
            summary.count("server_rss_kib_held", server.1);
            summary.number("server_bytes_per_session", each(server));
        }
        if let Some(kernel) = course.memory.kernel {
            // Both ends of each connection, where the server is on this host.
            summary.number("kernel_slab_bytes_per_connection", each(kernel));
        }
        summary.client(tally, &course.measured, self.common.spin, self.common.connect_rate == 0);
    }
}

/// One thread's clients, round after round; the last round stays until the run is stopped.
fn come_and_go(setup: &Setup, thread: u16, cast: &Cast, args: &ConnectArgs) -> std::io::Result<Tally> {
    let (first, count) = setup.share(args.connections, thread);
    let pace = setup.pace();
    let (began, cpu) = (Nanos::now(), thread_cpu());
    let meter = || (thread_cpu().saturating_sub(cpu), Nanos::now().since(began));
    let mut busy = None;
    let mut sum = Tally::default();
    for round in 1..=args.rounds {
        let arrivals = Arrivals::new(setup.board.clone(), count, !args.no_join);
        let mut sessions = Sessions::new(setup.target(thread).clone(), pace, first, arrivals)?;
        for index in first..first + count {
            let member = sessions.add(cast.format_of(index, setup.target(thread)), &cast.identity(index));
            if let Some(room) = RoomName::new(cast.room_of(index)).filter(|_| !args.no_join) {
                sessions.join(member, room, JoinOptions::default());
            }
        }
        let wait = if setup.common.spin { Duration::ZERO } else { Duration::from_millis(5) };
        let stays = round == args.rounds;
        while !setup.stop.load(Relaxed) && (stays || sessions.observer().ready < count) {
            sessions.turn(wait)?;
            if stays && busy.is_none() && sessions.observer().ready >= count {
                busy = Some(meter());
            }
        }
        for member in (0..count).map(MemberId) {
            if args.reset {
                sessions.close(member, None);
            }
            sessions.end(member);
        }
        sessions.finish()?;
        sum.add(&sessions.observer().tally);
    }
    // Holding them costs next to nothing, and is not what the rate is about.
    let (cpu, over) = busy.unwrap_or_else(meter);
    (sum.cpu, sum.busiest) = (cpu, cpu.as_secs_f64() / over.as_secs_f64().max(1e-9));
    Ok(sum)
}

/// Times how far each client is.
struct Arrivals {
    tally: Tally,
    board: Arc<Board>,
    started: Vec<Nanos>,
    joins: bool,
    ready: u32,
}

impl Arrivals {
    fn new(board: Arc<Board>, clients: u32, joins: bool) -> Self {
        let started = vec![Nanos::default(); clients as usize];
        Self { tally: Tally::default(), board, started, joins, ready: 0 }
    }

    fn arrived(&mut self) {
        self.ready += 1;
        self.board.ready.fetch_add(1, Relaxed);
    }

    fn since_start(&self, now: Nanos, member: MemberId) -> Duration {
        now.since(self.started.get(member.0 as usize).copied().unwrap_or_default())
    }
}

impl Observer for Arrivals {
    fn observe(&mut self, now: Nanos, member: MemberId, seen: Seen<'_>) {
        match seen {
            Seen::Opened { took, .. } => {
                if let Some(started) = self.started.get_mut(member.0 as usize) {
                    *started = now - took;
                }
                self.tally.opened(took, true, &self.board);
            }
            Seen::Welcomed { .. } => {
                let took = self.since_start(now, member);
                self.tally.latency.record(took);
                if !self.joins {
                    self.arrived();
                }
            }
            Seen::Joined { .. } => {
                let took = self.since_start(now, member);
                self.tally.caught_up.record(took);
                self.arrived();
            }
            Seen::Refused(request, error) => {
                self.tally.error(error.code.name());
                if matches!(request, Request::Hello | Request::Join(_)) {
                    self.board.ended.fetch_add(1, Relaxed);
                }
            }
            Seen::Faulted(error) => self.tally.error(error.code.name()),
            Seen::Violation(breach) => {
                self.tally.fault(|| format!("client {}", member.0), breach.fault);
            }
            Seen::Undecodable(text) => {
                self.tally.broken += 1;
                self.tally.witness(|| format!("client {}", member.0), || text.to_owned());
            }
            Seen::Ended(ending, _) => {
                if self.tally.ended(ending) {
                    self.board.ended.fetch_add(1, Relaxed);
                }
            }
            Seen::Message(_)
            | Seen::Published(_)
            | Seen::Unsent
            | Seen::Gap { .. }
            | Seen::Reset { .. }
            | Seen::Left
            | Seen::Presence { .. } => {}
        }
    }
}
