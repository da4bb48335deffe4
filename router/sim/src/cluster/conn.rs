//! Connections between clients and nodes: in order both ways, until they end; each side learns that in its own time.

use std::collections::VecDeque;

use ringway_core::{Departure, Identity, Now, Open, SessionKey};
use ringway_protocol::{Generation, SessionId};

use super::World;
use super::event::Event;
use crate::client::Ask;
use crate::trace::Mark;

/// Bytes offered at once.
const OFFER_BYTES: usize = 64 * 1024;

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) client: usize,
    pub(super) node: usize,
    life: u64,
    shard: usize,
    key: Option<SessionKey>,
    session: SessionId,
    generation: u64,
    /// Commands that have arrived; `None` begins the session.
    up: VecDeque<Option<Ask>>,
    /// The client hung up, with a goodbye or without.
    gone_with: Option<bool>,
    pub(super) blocked: bool,
    /// The core decided to close it.
    pub(super) closing: bool,
    /// The node has no part in it any more.
    pub(super) gone: bool,
    /// The client has no part in it any more.
    pub(super) ended: bool,
    pub(super) welcomed: bool,
    pub(super) begun_at: u64,
    pub(super) up_at: u64,
    down_at: u64,
    pub(super) code: Option<u16>,
}

impl Conn {
    pub(super) fn has_commands(&self) -> bool {
        !self.gone && ((!self.up.is_empty() && !self.blocked) || self.gone_with.is_some())
    }
}

impl World {
    /// A client connects to some node, to go on with its session, or as a new one.
    pub(super) fn connect(&mut self, client: usize) {
        let node = self.random.index(self.nodes.len());
        if !self.nodes[node].running || self.nodes[node].draining || self.nodes[node].shards.is_empty() {
            self.clients[client].away_until = self.now_us + self.random.within(10_000, 200_000);
            return;
        }
        let renews = self.clients[client].generation == 0 || self.random.chance(50);
        if renews {
            self.clients[client].session = SessionId(self.random.next_u64() | 1);
        }
        self.clients[client].generation += 1;
        let shard = self.random.index(self.nodes[node].shards.len());
        let this = &self.clients[client];
        let conn = self.conns.len();
        self.conns.push(Conn {
            client,
            node,
            life: self.nodes[node].life,
            shard,
            key: None,
            session: this.session,
            generation: this.generation,
            up: VecDeque::new(),
            gone_with: None,
            blocked: false,
            closing: false,
            gone: false,
            ended: false,
            welcomed: false,
            begun_at: self.now_us,
            up_at: 0,
            down_at: 0,
            code: None,
        });
        self.trace.line(|| {
            let this = &self.clients[client];
            format!(
                "{} client {client} connects to {node}/{shard} as conn {conn}, session {} generation {}",
                self.now_us, this.session, this.generation
            )
        });
        self.nodes[node].shards[shard].conns.push(conn);
        self.clients[client].conn = Some(conn);
        let at = self.now_us + self.random.within(50, 5_000);
        self.conns[conn].up_at = at;
        self.agenda.push(at, Event::Says { conn, ask: None });
    }

    /// A client hangs up: its connection broke, or it says goodbye.
    pub(super) fn hang_up(&mut self, client: usize, goodbye: bool) {
        let Some(conn) = self.clients[client].conn else { return };
        self.conns[conn].ended = true;
        let later = if goodbye { 5_000 } else { self.random.pick(&[1_000, 100_000, 3_000_000]) };
        let at = self.conns[conn].up_at.max(self.now_us + later);
        self.agenda.push(at, Event::Gone { conn, goodbye });
        self.clients[client].lose();
        self.clients[client].away_until = self.now_us + self.random.within(1_000, 1_000_000);
    }

    /// Something of a client reaches its node.
    pub(super) fn reach(&mut self, conn: usize, ask: Option<Ask>) {
        let line = &mut self.conns[conn];
        if line.gone || self.nodes[line.node].life != line.life {
            return;
        }
        line.up.push_back(ask);
        let (node, shard) = (line.node, line.shard);
        self.wake(node, shard);
    }

    /// The node learns that a client hung up.
    pub(super) fn learn_gone(&mut self, conn: usize, goodbye: bool) {
        let line = &mut self.conns[conn];
        if line.gone || self.nodes[line.node].life != line.life {
            return;
        }
        line.gone_with = Some(goodbye);
        let (node, shard) = (line.node, line.shard);
        self.wake(node, shard);
    }

    pub(super) fn take_commands(&mut self, node: usize, shard: usize, now: Now) {
        for conn in self.nodes[node].shards[shard].conns.clone() {
            self.take_commands_of(conn, now);
        }
    }

    fn take_commands_of(&mut self, conn: usize, now: Now) {
        let (node, shard) = (self.conns[conn].node, self.conns[conn].shard);
        while let Some(ask) = self.conns[conn].up.front().cloned() {
            if self.conns[conn].blocked || self.conns[conn].closing {
                break;
            }
            let core = &mut self.nodes[node].shards[shard].core;
            match (ask, self.conns[conn].key) {
                (None, _) => self.open_session(conn, now),
                (Some(ask), Some(key)) => {
                    let taken =
                        ask.with_command(&self.names, |command| core.handle_command(now, key, command));
                    if taken.is_some_and(|taken| taken.is_err()) {
                        self.conns[conn].blocked = true;
                        self.tally.count("command blocked");
                        break;
                    }
                }
                (Some(_), None) => {}
            }
            self.conns[conn].up.pop_front();
            self.watch(node, shard);
        }
        if let Some(goodbye) = self.conns[conn].gone_with {
            self.end_session(conn, now, if goodbye { Departure::Left } else { Departure::Detached });
        }
    }

    fn open_session(&mut self, conn: usize, now: Now) {
        let line = &self.conns[conn];
        let client = line.client;
        let identity = Identity {
            user: format!("u{client}").into(),
            anonymous: false,
            grants: Vec::new(),
            info: None,
            expires: None,
        };
        let open = Open {
            id: None,
            session: line.session,
            generation: Generation(line.generation),
            identity,
            format: self.clients[client].format,
            resume: "",
            connection: conn as u32,
            values_apart: false,
            room_streams: false,
        };
        let core = &mut self.nodes[line.node].shards[line.shard].core;
        match core.handle_open(now, open) {
            Ok(key) => self.conns[conn].key = Some(key),
            Err(code) => self.fail(format!("a session is refused: {}", code.name())),
        }
    }

    fn end_session(&mut self, conn: usize, now: Now, departure: Departure) {
        let (node, shard) = (self.conns[conn].node, self.conns[conn].shard);
        if let Some(key) = self.conns[conn].key {
            self.nodes[node].shards[shard].core.handle_close(now, key, departure);
            self.watch(node, shard);
        }
        self.conns[conn].gone = true;
        self.nodes[node].shards[shard].conns.retain(|other| *other != conn);
    }

    /// One write per dirty session.
    pub(super) fn flush(&mut self, node: usize, shard: usize) {
        let now = self.now_of(node);
        while let Some(key) = self.nodes[node].shards[shard].core.poll_dirty() {
            let core = &mut self.nodes[node].shards[shard].core;
            let Some(conn) = core.connection_of(key).map(|conn| conn as usize) else {
                return self.fail(format!("{node}/{shard} has something for {key:?}, which nobody has"));
            };
            let format = self.clients[self.conns[conn].client].format;
            let mut records = Vec::new();
            let mut whole = true;
            loop {
                let core = &mut self.nodes[node].shards[shard].core;
                let offered = core.poll_transmit(key, OFFER_BYTES, &mut |frame, _, _| {
                    whole &= frame.bytes_in(format).is_some();
                    records.push(frame.record.clone());
                });
                if offered == 0 {
                    break;
                }
                core.on_written(now, key, offered);
                self.watch(node, shard);
            }
            if !whole {
                self.fail(format!("conn {conn} is offered a frame in a form that was never made"));
            }
            if records.is_empty() {
                continue;
            }
            for record in &records {
                self.trace.note(Mark::Offered, &[conn as u64, record.serial]);
            }
            let travel = self.random.within(50, 5_000);
            let line = &mut self.conns[conn];
            line.down_at = line.down_at.max(self.now_us + travel);
            self.agenda.push(line.down_at, Event::Hears { conn, records });
        }
    }

    /// Sessions that the core ended, once what waited is written.
    pub(super) fn end_closing(&mut self, node: usize, shard: usize) {
        let now = self.now_of(node);
        for conn in self.nodes[node].shards[shard].conns.clone() {
            if self.conns[conn].closing {
                self.end_session(conn, now, Departure::Detached);
                let at = self.conns[conn].down_at.max(self.now_us) + 1;
                self.agenda.push(at, Event::Ends { conn });
            }
        }
    }

    /// A client learns that its connection is gone.
    pub(super) fn learn_end(&mut self, conn: usize) {
        let client = self.conns[conn].client;
        self.conns[conn].ended = true;
        if self.clients[client].conn != Some(conn) {
            return;
        }
        if self.conns[conn].code.is_some_and(|code| code >= 3500) {
            self.fail(format!("conn {conn} is closed for good with {:?}", self.conns[conn].code));
        }
        self.clients[client].lose();
        self.clients[client].away_until = self.now_us + self.random.within(1_000, 1_000_000);
    }
}
