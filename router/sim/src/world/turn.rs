//! A shard's turn, as the rim takes it: rings, timers, outputs, rings again, one write per dirty session.

use ringway_core::settings::Overflow;
use ringway_core::{EdgeId, Output, PeerId, SessionKey, ShardId, Way};

use super::World;
use crate::client::{Ask, Conn, State};
use crate::trace::Mark;

/// How long a closing connection may take to write what waits, in microseconds.
const LINGER_US: u64 = 1_000_000;
/// How often the core looks after those who lag, in milliseconds.
const SWEEP_MS: u64 = 250;
/// Bytes offered at once.
const OFFER_BYTES: usize = 16 * 1024;

impl World {
    /// One turn, taking so many items from each ring at most.
    pub(super) fn turn(&mut self, shard: usize, most: usize) {
        self.drain_rings(shard, most);
        let now = self.now();
        if self.nodes[shard].shard.poll_timeout().is_some_and(|at| at <= now.monotonic) {
            self.nodes[shard].shard.handle_timeout(now);
            self.learn(shard);
        }
        self.drain_outputs(shard);
        self.fill_rings(shard);
        self.flush_dirty(shard);
        // A write may have made room for the next page of a replay.
        self.fill_rings(shard);
        self.drain_outputs(shard);
        self.check_ages(shard);
    }

    /// After a turn nobody waits longer than allowed, but for what comes between two looks at those who lag. Where the
    /// oldest are dropped, a fresh gap may stand before an older answer.
    fn check_ages(&mut self, shard: usize) {
        if self.settings.namespaces.values().any(|policy| policy.overflow == Overflow::DropOldest) {
            return;
        }
        // A shorter limit holds from the next look on.
        if self.reloaded_us.is_some_and(|at| self.now_us - at <= (SWEEP_MS + 1) * 1_000) {
            return;
        }
        let most_ms = self.settings.limits.outbox_age_ms_max + SWEEP_MS + 1;
        let now = self.now();
        let mut lagging = self.open.iter().filter_map(|index| {
            let conn = &self.conns[*index];
            let looked_at = conn.lags_since.is_some_and(|since| now.monotonic.0 - since > SWEEP_MS * 1_000);
            let key = conn.key.filter(|_| conn.shard == shard && conn.state == State::Open && looked_at)?;
            Some((*index, self.nodes[shard].shard.oldest_ms(now, key)))
        });
        if let Some((conn, age_ms)) = lagging.find(|(_, age_ms)| u64::from(*age_ms) > most_ms) {
            self.fail(format!("conn {conn} lags, and its oldest frame has waited for {age_ms} ms"));
        }
    }

    fn drain_rings(&mut self, shard: usize, most: usize) {
        let now = self.now();
        let count = self.nodes.len();
        let first = self.random.index(count);
        for turn in 0..count {
            let from = (first + turn) % count;
            let sender = ShardId(from as u16);
            for _ in 0..most {
                if !self.nodes[shard].shard.takes_requests() {
                    self.tally.count("requests left in their ring");
                    break;
                }
                let Some(request) = self.requests[shard][from].pop() else { break };
                self.trace.line(|| format!("shard {shard} takes of {from} {request:?}"));
                self.nodes[shard].shard.handle_request(now, EdgeId::here(sender), request);
                self.learn(shard);
            }
            for _ in 0..most {
                let Some(delivery) = self.deliveries[shard][from].pop() else { break };
                self.nodes[shard].shard.handle_delivery(now, PeerId::HERE, delivery);
                self.learn(shard);
            }
        }
    }

    fn fill_rings(&mut self, shard: usize) {
        for to in 0..self.nodes.len() {
            if to == shard {
                continue;
            }
            let receiver = ShardId(to as u16);
            while self.requests[to][shard].has_room() {
                let Some(request) = self.nodes[shard].shard.poll_request(Way::Shard(receiver)) else { break };
                self.trace.note(Mark::Request, &[shard as u64, to as u64]);
                self.requests[to][shard].push(request);
            }
            while self.deliveries[to][shard].has_room() {
                let Some(delivery) = self.nodes[shard].shard.poll_delivery(Way::Shard(receiver)) else {
                    break;
                };
                self.trace.note(Mark::Delivery, &[shard as u64, to as u64]);
                self.deliveries[to][shard].push(delivery);
            }
        }
    }

    fn drain_outputs(&mut self, shard: usize) {
        self.watch_outputs(shard);
        while let Some(output) = self.nodes[shard].outputs.pop_front() {
            self.trace.line(|| format!("shard {shard} puts out {output:?}"));
            match output {
                Output::Close(close) => {
                    // Gone before it was told to go.
                    let Some(conn) = self.conn_of(shard, close.session) else { continue };
                    self.trace.note(Mark::Close, &[conn as u64, u64::from(close.code)]);
                    self.conns[conn].state = State::Closing(self.now_us + LINGER_US);
                    self.conns[conn].up.clear();
                }
                Output::Slot { slot, word, .. } => {
                    self.fail(format!("shard {shard} is alone, and says {word:?} of slot {slot}"));
                }
                Output::Unblocked(session) => {
                    self.trace.note(Mark::Unblocked, &[shard as u64, u64::from(session.index)]);
                    if let Some(conn) = self.conn_of(shard, session) {
                        self.conns[conn].blocked = false;
                    }
                }
                Output::Answered { ticket, result } => {
                    self.trace.note(Mark::Answered, &[ticket]);
                    self.api_answered(ticket, result);
                }
            }
        }
    }

    fn conn_of(&self, shard: usize, session: SessionKey) -> Option<usize> {
        self.nodes[shard].shard.connection_of(session).map(|conn| conn as usize)
    }

    fn flush_dirty(&mut self, shard: usize) {
        while let Some(session) = self.nodes[shard].shard.poll_dirty() {
            let Some(conn) = self.conn_of(shard, session) else {
                self.fail(format!("shard {shard} has something for {session:?}, which nobody has"));
                return;
            };
            self.flush(conn);
        }
        for index in 0..self.open.len() {
            let conn = self.open[index];
            if self.conns[conn].shard != shard {
                continue;
            }
            let writable = self.conns[conn].pipe.full && self.conns[conn].pipe.room() > 0;
            if writable {
                self.conns[conn].pipe.full = false;
            }
            if writable || self.conns[conn].ways.as_ref().is_some_and(|ways| ways.values_wait) {
                self.flush(conn);
            }
            if let State::Closing(until) = self.conns[conn].state
                && let Some(key) = self.conns[conn].key
                && (self.nodes[shard].shard.waiting(key).bytes == 0 || until <= self.now_us)
            {
                self.end_connection(conn, ringway_core::Departure::Detached);
            }
        }
    }

    /// Hands over the values that may leave apart, writes the stream, and again what could not leave before that.
    fn flush(&mut self, index: usize) {
        let again = self.flush_values(index);
        self.flush_stream(index);
        if again && self.flush_values(index) {
            self.flush_stream(index);
        }
    }

    /// Writes until the transport is full or nothing waits.
    fn flush_stream(&mut self, index: usize) {
        if self.conns[index].pipe.full {
            return;
        }
        let (shard, Some(key)) = (self.conns[index].shard, self.conns[index].key) else { return };
        loop {
            let now = self.now();
            let Conn { pipe, ways, .. } = &mut self.conns[index];
            let core = &mut self.nodes[shard].shard;
            let mut serials = Vec::new();
            let offered = core.poll_transmit(key, OFFER_BYTES, &mut |frame, already, via| {
                serials.push(frame.record.serial);
                pipe.offer(frame, already, via);
            });
            let mut taken = offered.min(pipe.room());
            if taken > 0 && self.random.chance(20) {
                taken = self.random.within(0, taken);
            }
            if let Err(sentence) = pipe.take(offered, taken, ways.as_deref_mut()) {
                self.fail(format!("conn {index}: {sentence}"));
                return;
            }
            for serial in serials {
                self.trace.note(Mark::Offered, &[index as u64, serial]);
            }
            self.trace.note(Mark::Written, &[offered, taken]);
            if offered == 0 {
                self.conns[index].lags_since = None;
                break;
            }
            core.on_written(now, key, taken);
            self.learn(shard);
            if taken < offered {
                self.tally.count("write cut short");
                self.tally
                    .add("write cut within a frame", u64::from(self.conns[index].pipe.begun().is_some()));
                self.conns[index].pipe.full = true;
                self.conns[index].lags_since.get_or_insert(now.monotonic.0);
                break;
            }
            self.conns[index].lags_since = None;
        }
    }

    /// The edge reads commands of a connection, until the core refuses one for now.
    pub(super) fn read_commands(&mut self, index: usize, most: usize) {
        let conn = &self.conns[index];
        let (shard, Some(key)) = (conn.shard, conn.key) else { return };
        if conn.state != State::Open || conn.blocked {
            return;
        }
        for _ in 0..most {
            let now = self.now();
            let Some(ask) = self.conns[index].up.pop_front() else { return };
            if let Ask::Leave(..) = &ask {
                self.watch.went(self.conns[index].session);
            }
            let core = &mut self.nodes[shard].shard;
            match &ask {
                Ask::Refresh(id, expires) => {
                    let id = ringway_protocol::RequestId::new(*id);
                    let identity = self.clients[self.conns[index].client].identity_until(Some(*expires));
                    core.handle_refresh(now, key, id, identity);
                }
                Ask::Garbage => {
                    core.handle_fault(now, key, None, ringway_protocol::ErrorCode::BadFrame, "no frame");
                }
                ask => {
                    let taken =
                        ask.with_command(&self.plan.rooms, |command| core.handle_command(now, key, command));
                    if taken.is_some_and(|taken| taken.is_err()) {
                        self.trace.line(|| format!("conn {index} is blocked"));
                        self.conns[index].up.push_front(ask.clone());
                        self.conns[index].blocked = true;
                        self.tally.count("command blocked");
                        return;
                    }
                }
            }
            self.trace.line(|| format!("conn {index} says {ask:?}"));
            self.learn(shard);
            if let Err(sentence) = self.nodes[shard].shard.settled() {
                self.fail(format!("shard {shard} after {ask:?}: {sentence}"));
            }
        }
    }
}
