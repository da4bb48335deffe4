//! `connect`: many clients come, say hello, join, stay idle for a while, and go.
//!
//! The latency counted is from the first packet to `welcome` (upgrade and hello), the memory is what the server's
//! process, and beside it the kernel, holds for each idle session.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::RoomName;
use ringway_protocol::session::client::{Client, JoinOptions, Request};

use super::RunFault;
use super::crowd::Cast;
use super::run::{Setup, gather};
use crate::args::ConnectArgs;
use crate::engine::{Ending, MemberId, Nanos, Observer, Pace, Seen, Sessions, thread_cpu};
use crate::proc_stat;
use crate::report::{Board, Progress, Summary, Tally};

pub(super) fn run(args: &ConnectArgs) -> Result<Summary, RunFault> {
    let setup = Setup::new(&args.common, args.connections, None)?;
    if args.reset {
        setup.want_websocket("--reset: a QUIC connection can't end without a word")?;
    }
    let cast = Cast::new(&args.session, args.connections, &setup.target)?;
    let mut progress = Progress::new(args.common.quiet);
    let look = || (setup.server.and_then(proc_stat::usage), proc_stat::slab_kib());
    let (before, slab_before) = look();
    let began = Nanos::now();
    let plan = args.clone();
    let threads = setup.spawn(move |setup, thread| come_and_go(setup, thread, &cast, &plan))?;
    let wanted = u64::from(args.connections) * u64::from(args.rounds);
    let ready = setup.wait_ready(wanted, &threads, &mut progress, "connecting");
    let took = Nanos::now().since(began);
    let (connected, _) = look();
    let held = Nanos::now() + args.hold;
    while ready && Nanos::now() < held {
        progress.show("holding", &setup.board);
        std::thread::sleep(Duration::from_millis(20).min(held.since(Nanos::now())));
    }
    let (after, slab_after) = look();
    setup.stop.store(true, Relaxed);
    let tally = gather(threads)?;
    progress.finish();

    let mut summary = Summary::new("connect");
    summary.text("transport", setup.target.transport_name());
    summary.count("connections", tally.connections);
    summary.count("rounds", args.rounds.into());
    summary.number("connects_per_s", tally.connections as f64 / took.as_secs_f64());
    summary.latency(["p50_us", "p90_us", "p99_us", "p999_us", "max_us"], &tally.latency);
    summary.latency(
        ["upgrade_p50_us", "upgrade_p90_us", "upgrade_p99_us", "upgrade_p999_us", "upgrade_max_us"],
        &tally.handshake,
    );
    if !args.no_join {
        summary.latency(
            ["joined_p50_us", "joined_p90_us", "joined_p99_us", "joined_p999_us", "joined_max_us"],
            &tally.caught_up,
        );
    }
    summary.promises(&tally);
    summary.server(before, connected, took, 0);
    if let (Some(before), Some(after)) = (before, after) {
        let idle = f64::from(args.connections);
        summary.count("server_rss_kib_before", before.rss_kib);
        summary.count("server_rss_kib_held", after.rss_kib);
        summary.number(
            "server_bytes_per_session",
            (after.rss_kib as f64 - before.rss_kib as f64) * 1024.0 / idle,
        );
    }
    if let (Some(before), Some(after)) = (slab_before, slab_after) {
        let both_ends = (after as f64 - before as f64) * 1024.0 / f64::from(args.connections);
        summary.number("kernel_slab_bytes_per_connection", both_ends);
    }
    summary.client(&tally, took, args.common.spin);
    if !ready {
        summary.fail("not all clients could connect and join".to_owned());
    }
    Ok(summary)
}

/// One thread's clients, round after round; the last round stays until the run is stopped.
fn come_and_go(setup: &Setup, thread: u16, cast: &Cast, args: &ConnectArgs) -> std::io::Result<Tally> {
    let (first, count) = setup.share(args.connections, thread);
    let threads = u32::from(setup.common.threads);
    let pace = Pace {
        rate: setup.common.connect_rate.div_ceil(threads),
        concurrency: setup.common.connect_concurrency,
    };
    let (began, cpu) = (Nanos::now(), thread_cpu());
    let mut sum = Tally::default();
    for round in 1..=args.rounds {
        let arrivals = Arrivals::new(setup.board.clone(), count, !args.no_join);
        let mut sessions = Sessions::new(setup.target.clone(), pace, first, arrivals)?;
        for index in first..first + count {
            let member = sessions.add(cast.format_of(index), &cast.identity(index));
            if let Some(room) = RoomName::new(cast.room_of(index)).filter(|_| !args.no_join) {
                sessions.join(member, room, JoinOptions::default());
            }
        }
        let wait = if setup.common.spin { Duration::ZERO } else { Duration::from_millis(5) };
        let stays = round == args.rounds;
        while !setup.stop.load(Relaxed) && (stays || sessions.observer().ready < count) {
            sessions.turn(wait)?;
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
    sum.cpu = thread_cpu().saturating_sub(cpu);
    sum.busiest = sum.cpu.as_secs_f64() / Nanos::now().since(began).as_secs_f64().max(1e-9);
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
    fn observe(&mut self, now: Nanos, member: MemberId, _client: &Client, seen: Seen<'_>) {
        match seen {
            Seen::Opened { took } => {
                if let Some(started) = self.started.get_mut(member.0 as usize) {
                    *started = now - took;
                }
                self.tally.connections += 1;
                self.board.connected.fetch_add(1, Relaxed);
                self.tally.handshake.record(took);
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
                *self.tally.errors.entry(error.code.name()).or_default() += 1;
                if matches!(request, Request::Hello | Request::Join(_)) {
                    self.board.ended.fetch_add(1, Relaxed);
                }
            }
            Seen::Faulted(error) => *self.tally.errors.entry(error.code.name()).or_default() += 1,
            Seen::Violation(violation) => {
                self.tally.fault(|| format!("client {}", member.0), &violation.fault);
            }
            Seen::Undecodable(text) => {
                self.tally.broken += 1;
                self.tally.witness(|| format!("client {}", member.0), || text.to_owned());
            }
            Seen::Ended(ending, _) => {
                match ending {
                    Ending::Ended => return,
                    Ending::NotOpened(_) => self.tally.connect_failures += 1,
                    _ => self.tally.disconnects += 1,
                }
                self.board.ended.fetch_add(1, Relaxed);
                self.tally.ending(ending);
            }
            Seen::Message(_) | Seen::Published(_) | Seen::Unsent | Seen::Gap { .. } | Seen::Reset => {}
        }
    }
}
