//! The end: faults stop, everything drains, and what must hold at rest is checked; then everybody goes, and nothing may
//! be left.

use ringway_core::Departure;

use super::World;
use crate::check;
use crate::client::State;

/// Rounds without a pause before the world counts as never coming to rest.
const ROUNDS_MAX: u32 = 50_000;
/// Virtual time after which every deadline of a plan is over, in microseconds: ids are kept longest.
const FORGET_US: u64 = 700_000_000;
/// Virtual time in which everything that was begun must be told, in microseconds.
const REST_US: u64 = 20_000_000;

impl World {
    pub(super) fn come_to_rest(&mut self) {
        self.trace.line(|| "everything comes to rest".into());
        self.heal();
        if !self.drain_until(self.now_us + REST_US) {
            return;
        }
        self.audit_all();
        if let Err(sentence) = check::at_rest(&self.nodes_view(), &self.ledger, self.now_us) {
            self.fail(format!("at rest: {sentence}"));
        }
        for client in &self.clients {
            let live =
                client.conn.map(|conn| &self.conns[conn]).filter(|conn| conn.is_live() && conn.welcomed);
            if let (Some(polite), Some(conn)) = (&client.polite, live)
                && let Err(sentence) = polite.agrees(&self.ledger, conn)
            {
                self.fail(format!("at rest: session {}: {sentence}", conn.session));
                break;
            }
        }
        if !self.tickets.is_empty() {
            self.fail(format!("at rest: API publishes were never answered: {:?}", self.tickets));
        }
        if self.violation.is_some() {
            return;
        }
        self.trace.line(|| "everybody goes".into());
        for conn in self.open.clone() {
            let departure = if self.random.chance(500) { Departure::Left } else { Departure::Detached };
            self.end_connection(conn, departure);
            self.conns[conn].state = State::Gone;
        }
        self.open.clear();
        if !self.drain_until(self.now_us + FORGET_US) {
            return;
        }
        self.audit_all();
        if let Err(sentence) = check::empty(&self.nodes_view()) {
            self.fail(format!("at the end: {sentence}"));
        }
    }

    fn heal(&mut self) {
        for node in &mut self.nodes {
            node.asleep_until = 0;
        }
        for conn in self.open.clone() {
            if self.conns[conn].noticed_at.is_some() {
                self.notice(conn);
                continue;
            }
            let pipe = &mut self.conns[conn].pipe;
            pipe.stalled_until = 0;
            pipe.rate = 10_000_000;
        }
        self.open.retain(|conn| self.conns[*conn].state != State::Gone);
    }

    /// Runs everything until nothing moves any more, then on to the next deadline, up to `end`. False: it never rests.
    fn drain_until(&mut self, end: u64) -> bool {
        let mut rounds = 0;
        loop {
            let before = self.trace.hash();
            self.round();
            if self.violation.is_some() {
                return false;
            }
            rounds += 1;
            if rounds > ROUNDS_MAX {
                self.fail(format!("it never comes to rest: {:?}", self.census_lines()));
                return false;
            }
            if self.trace.hash() != before || self.has_work() {
                self.now_us += 100;
                continue;
            }
            let next = self.next_deadline();
            match next {
                Some(at) if at <= end => self.now_us = self.now_us.max(at),
                _ => {
                    self.now_us = self.now_us.max(end);
                    self.round();
                    return self.violation.is_none();
                }
            }
        }
    }

    fn round(&mut self) {
        for conn in self.open.clone() {
            if matches!(self.conns[conn].state, State::Opening(_)) {
                self.open_session(conn);
            }
            self.read_commands(conn, usize::MAX);
            self.conns[conn].pipe.gulp();
            if let Some(ways) = &mut self.conns[conn].ways {
                ways.gulp();
            }
            self.read_frames(conn);
        }
        self.open.retain(|conn| self.conns[*conn].state != State::Gone);
        for shard in 0..self.nodes.len() {
            self.turn(shard, 1_000);
        }
    }

    fn has_work(&self) -> bool {
        let rings = self.requests.iter().flatten().any(|ring| !ring.is_empty())
            || self.deliveries.iter().flatten().any(|ring| !ring.is_empty());
        let cores = self.nodes.iter().any(|node| node.shard.has_outbound() || node.shard.has_dirty());
        let conns = self.open.iter().map(|conn| &self.conns[*conn]).any(|conn| {
            !conn.pipe.is_drained()
                || conn.pipe.full
                || conn.ways.as_ref().is_some_and(|ways| ways.has_work())
                || matches!(conn.state, State::Opening(_) | State::Ended)
        });
        rings || cores || conns
    }

    fn next_deadline(&self) -> Option<u64> {
        let cores = self.nodes.iter().filter_map(|node| node.shard.poll_timeout()).map(|at| at.0);
        let closing = self.open.iter().filter_map(|conn| match self.conns[*conn].state {
            State::Closing(at) => Some(at),
            _ => None,
        });
        cores.chain(closing).min()
    }

    fn audit_all(&mut self) {
        for shard in 0..self.nodes.len() {
            if let Err(sentence) = self.nodes[shard].shard.audit() {
                self.fail(format!("shard {shard} at rest: {sentence}"));
            }
        }
    }

    fn census_lines(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("{:?}", node.shard.census())).collect()
    }

    pub(super) fn nodes_view(&self) -> check::Nodes<'_> {
        check::Nodes {
            shards: self.nodes.iter().map(|node| &node.shard).collect(),
            handles: &self.handles,
            owners: (0..self.handles.len()).map(|room| self.owner(room)).collect(),
            open: self.open.iter().map(|conn| &self.conns[*conn]).collect(),
        }
    }
}
