//! `echo`: one message in flight on each connection, sent again as soon as it is back.
//!
//! Closed loop on purpose: it is what uWebSockets' `load_test` does, so that both can drive the same server. Each
//! message carries a number; what comes back must be that message, whole.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::websocket::{Item, Opcode};

use super::RunFault;
use super::run::{CpuMeter, Schedule, Setup, gather};
use crate::args::EchoArgs;
use crate::engine::{Ending, Fleet, Handler, LinkId, Nanos, Out};
use crate::report::{Progress, Summary, Tally};

/// Digits of the number at the front of each message.
const NUMBER_BYTES: usize = 8;

pub(super) fn run(args: &EchoArgs) -> Result<Summary, RunFault> {
    let path = if args.common.url.contains("/echo") { None } else { Some("/echo") };
    let setup = Setup::new(&args.common, args.connections, path)?;
    setup.want_websocket("echo")?;
    let mut progress = Progress::new(args.common.quiet);
    let (connections, size, text) = (args.connections, args.size as usize, args.text);
    let threads = setup.spawn(move |setup, thread| {
        let (first, count) = setup.share(connections, thread);
        Echo::new(size, text).run(setup, first, count)
    })?;
    let ready = setup.wait_ready(connections.into(), &threads, &mut progress, "connecting");
    if !ready {
        setup.stop.store(true, Relaxed);
    }
    let measured = setup.measure(&mut progress);
    let tally = gather(threads)?;
    progress.finish();

    let mut summary = Summary::new("echo");
    let seconds = measured.over.as_secs_f64();
    summary.count("connections", tally.connections);
    summary.count("size", args.size.into());
    summary.number("messages_per_s", tally.deliveries as f64 / args.common.duration.as_secs_f64());
    summary.number("duration_s", seconds);
    summary.latency(["p50_us", "p90_us", "p99_us", "p999_us", "max_us"], &tally.latency);
    summary.promises(&tally);
    summary.server(measured.before, measured.after, measured.over, tally.deliveries);
    summary.client(&tally, measured.over, args.common.spin);
    if !ready {
        summary.fail("not all connections came to be".to_owned());
    }
    if tally.deliveries == 0 {
        summary.fail("nothing came back".to_owned());
    }
    Ok(summary)
}

/// One thread's connections.
struct Echo {
    opcode: Opcode,
    /// The next message: its number is written into the front.
    message: Vec<u8>,
    links: Vec<InFlight>,
    schedule: Option<Schedule>,
    opening: u32,
    tally: Tally,
    shown: u64,
}

#[derive(Clone, Copy, Default)]
struct InFlight {
    number: u64,
    sent: Nanos,
}

impl Echo {
    fn new(size: usize, text: bool) -> Self {
        let opcode = if text { Opcode::Text } else { Opcode::Binary };
        let message = (0..size).map(|index| b'a' + (index % 26) as u8).collect();
        let (links, tally) = (Vec::new(), Tally::default());
        Self { opcode, message, links, schedule: None, opening: 0, tally, shown: 0 }
    }

    fn run(mut self, setup: &Setup, first: u32, count: u32) -> std::io::Result<Tally> {
        let mut fleet = Fleet::new(first)?;
        let mut cpu = CpuMeter::default();
        let mut opened = 0;
        let mut started = false;
        let pause = if setup.common.spin { Duration::ZERO } else { Duration::from_millis(5) };
        while !setup.stop.load(Relaxed) {
            while opened < count && self.opening < setup.common.connect_concurrency {
                fleet.open(&setup.target, &[])?;
                (opened, self.opening) = (opened + 1, self.opening + 1);
            }
            let before = (self.tally.connections, self.tally.disconnects + self.tally.connect_failures);
            fleet.poll(Some(pause), &mut self)?;
            setup.board.connected.fetch_add(self.tally.connections - before.0, Relaxed);
            setup.board.ready.fetch_add(self.tally.connections - before.0, Relaxed);
            let ended = self.tally.disconnects + self.tally.connect_failures;
            setup.board.ended.fetch_add(ended - before.1, Relaxed);
            setup.board.deliveries.fetch_add(self.tally.deliveries_in_all - self.shown, Relaxed);
            setup.board.publishes.fetch_add(self.tally.deliveries_in_all - self.shown, Relaxed);
            self.shown = self.tally.deliveries_in_all;
            let Some(schedule) = setup.schedule.get() else { continue };
            let now = Nanos::now();
            self.schedule = Some(*schedule);
            if !started && now >= schedule.start {
                started = true;
                for link in (0..self.links.len() as u32).map(LinkId) {
                    if let Some(out) = fleet.out(link) {
                        self.send(now, link, out);
                        fleet.flush(link, &mut self);
                    }
                }
            }
            cpu.tick(now, schedule, &mut self.tally);
            if now >= schedule.end {
                break;
            }
        }
        self.tally.received_bytes = fleet.received_bytes();
        Ok(self.tally)
    }

    fn send(&mut self, now: Nanos, link: LinkId, out: &mut Out) {
        let Some(flight) = self.links.get_mut(link.0 as usize) else { return };
        flight.number += 1;
        flight.sent = now;
        stamp(&mut self.message, flight.number);
        out.message(self.opcode, &self.message);
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

impl Handler for Echo {
    fn handle_open(&mut self, _now: Nanos, link: LinkId, took: Duration, _out: &mut Out) {
        let index = link.0 as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, InFlight::default());
        }
        self.opening -= 1;
        self.tally.connections += 1;
        self.tally.handshake.record(took);
    }

    fn handle_item(&mut self, now: Nanos, link: LinkId, item: Item<'_>, out: &mut Out) {
        let received = match item {
            Item::Text(text) => text.as_bytes(),
            Item::Binary(bytes) => bytes,
            _ => return,
        };
        let Some(flight) = self.links.get(link.0 as usize).copied() else { return };
        stamp(&mut self.message, flight.number);
        if received != self.message {
            self.tally.corrupted += 1;
            self.tally.witness(
                || format!("connection {}", link.0),
                || {
                    format!(
                        "message {} of {} bytes came back as another of {}",
                        flight.number,
                        self.message.len(),
                        received.len()
                    )
                },
            );
        }
        self.tally.deliveries_in_all += 1;
        if let Some(schedule) = self.schedule.filter(|schedule| schedule.measures(now)) {
            self.tally.deliveries += 1;
            if flight.sent >= schedule.measure {
                self.tally.latency.record(now.since(flight.sent));
            }
        }
        self.send(now, link, out);
    }

    fn handle_end(&mut self, _now: Nanos, link: LinkId, ending: &Ending) {
        match ending {
            Ending::NotOpened(_) => {
                self.opening -= 1;
                self.tally.connect_failures += 1;
            }
            Ending::Ended => return,
            _ => self.tally.disconnects += 1,
        }
        self.tally.witness(|| format!("connection {}", link.0), || format!("{ending:?}"));
    }
}
