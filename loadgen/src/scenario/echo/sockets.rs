//! Echo over bare WebSockets, straight on a fleet of sockets. Thread view.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::websocket::{Item, Opcode};

use super::Flights;
use crate::engine::{Ending, Fleet, Handler, LinkId, Nanos, Out};
use crate::report::Tally;
use crate::scenario::Setup;
use crate::scenario::run::CpuMeter;

/// One thread's sockets.
pub(super) struct Sockets {
    opcode: Opcode,
    flights: Flights,
    opening: u32,
}

impl Sockets {
    pub(super) fn new(text: bool, flights: Flights) -> Self {
        let opcode = if text { Opcode::Text } else { Opcode::Binary };
        Self { opcode, flights, opening: 0 }
    }

    /// From the first connection to the end of the schedule.
    pub(super) fn run(
        mut self,
        setup: &Setup,
        thread: u16,
        first: u32,
        count: u32,
    ) -> std::io::Result<Tally> {
        let mut fleet = Fleet::new(first)?;
        let mut cpu = CpuMeter::default();
        let mut opened = 0;
        while !setup.stop.load(Relaxed) {
            while opened < count && self.opening < setup.common.connect_concurrency {
                fleet.open(setup.target(thread), &[])?;
                (opened, self.opening) = (opened + 1, self.opening + 1);
            }
            let tally = &self.flights.tally;
            let before = (tally.connections, tally.disconnects + tally.connect_failures);
            fleet.poll(Some(self.flights.pause(setup.common.spin)), &mut self)?;
            let tally = &self.flights.tally;
            setup.board.connected.fetch_add(tally.connections - before.0, Relaxed);
            setup.board.ready.fetch_add(tally.connections - before.0, Relaxed);
            let ended = tally.disconnects + tally.connect_failures;
            setup.board.ended.fetch_add(ended - before.1, Relaxed);
            let now = Nanos::now();
            self.flights.show(now);
            let Some(schedule) = setup.schedule.get() else { continue };
            if now >= schedule.start {
                let each = self.flights.begin(schedule);
                self.send_first(each, count, &mut fleet);
                self.send_due(&mut fleet);
            }
            cpu.tick(now, schedule, &mut self.flights.tally);
            if now >= schedule.end {
                break;
            }
        }
        cpu.stop(Nanos::now(), &mut self.flights.tally);
        self.flights.tally.received_bytes = fleet.received_bytes();
        Ok(self.flights.finish())
    }

    /// What each connection of a closed loop begins with.
    fn send_first(&mut self, each: u32, count: u32, fleet: &mut Fleet) {
        for link in (0..count).map(LinkId).filter(|_| each > 0) {
            let now = Nanos::now();
            if let Some(out) = fleet.out(link) {
                (0..each).for_each(|_| self.send(now, link, out));
                fleet.flush(link, self);
            }
        }
    }

    /// Sends whatever is due. What comes late keeps its intended time.
    fn send_due(&mut self, fleet: &mut Fleet) {
        while let Some((intended, connection)) = self.flights.due() {
            let link = LinkId(connection);
            let out = fleet.out(link).filter(|_| self.flights.takes(connection));
            let sent = out.map(|out| self.send(intended, link, out)).is_some();
            if sent {
                fleet.flush(link, self);
            }
            self.flights.account(intended, sent);
        }
    }

    fn send(&mut self, since: Nanos, link: LinkId, out: &mut Out) {
        out.message(self.opcode, self.flights.next(since, link.0));
    }
}

impl Handler for Sockets {
    fn handle_open(&mut self, _now: Nanos, _link: LinkId, took: Duration, _out: &mut Out) {
        self.opening -= 1;
        self.flights.opened(took);
    }

    fn handle_item(&mut self, now: Nanos, link: LinkId, item: Item<'_>, out: &mut Out) {
        let received = match item {
            Item::Text(text) => text.as_bytes(),
            Item::Binary(bytes) => bytes,
            _ => return,
        };
        self.flights.back(now, link.0, received);
        if self.flights.is_closed_loop() {
            self.send(now, link, out);
        }
    }

    fn handle_end(&mut self, _now: Nanos, link: LinkId, ending: &Ending) {
        self.opening -= u32::from(matches!(ending, Ending::NotOpened(_)));
        self.flights.ended(link.0, ending);
    }
}
