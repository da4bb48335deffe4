//! Connections begin and end, on both sides, each side in its own time.

use ringway_core::{Departure, Open};
use ringway_protocol::{Format, Generation, RequestId, SessionId};

use super::{Pipe, UNIX_START_US, Ways, World};
use crate::client::{Acting, Conn, State};
use crate::model::Stage;
use crate::trace::Mark;

impl World {
    /// A client connects, as a new session or to go on with its own.
    pub(super) fn connect(&mut self, client: usize) {
        let resumes = !self.random.chance(200);
        let (hello, kept) = match &mut self.clients[client].polite {
            Some(polite) => polite.connected(self.now_us),
            None => (1, self.clients[client].session.filter(|_| resumes)),
        };
        let session = match kept {
            Some(session) => session,
            None => SessionId(self.random.next_u64() | 1),
        };
        let generation = match self.sessions.get(&session) {
            Some(newest) => Generation(newest.0 + 1),
            None => Generation(1 << 20),
        };
        self.sessions.insert(session, generation);
        self.clients[client].session = Some(session);
        // Some hellos take their time, so that an older incarnation may open after a newer one.
        let delay =
            if self.plan.faults.races && self.random.chance(300) { self.random.below(50_000) } else { 0 };
        let ways = self.ways_of(client);
        let who = &self.clients[client];
        let pipe = Pipe::new(who.format, self.plan.pipe_capacity, who.rate, self.now_us);
        self.conns.push(Conn {
            client,
            shard: self.random.index(self.nodes.len()),
            key: None,
            session,
            generation,
            user: who.identity.user.to_string(),
            format: who.format,
            state: State::Opening(self.now_us + delay),
            deserted: false,
            noticed_at: None,
            up: std::collections::VecDeque::new(),
            blocked: false,
            hello,
            lags_since: None,
            pipe,
            ways,
            held: Vec::new(),
            views: std::collections::BTreeMap::new(),
            asked: std::collections::BTreeMap::new(),
            welcomed: false,
            expires: None,
            refreshing: Vec::new(),
            doomed: false,
            closing: None,
        });
        let conn = self.conns.len() - 1;
        self.open.push(conn);
        self.clients[client].conn = Some(conn);
        self.trace.line(|| {
            format!("client {client} connects as conn {conn}, session {session} generation {generation}")
        });
        if self.clients[client].polite.is_some() {
            return;
        }
        let mut acting = Acting {
            plan: &self.plan,
            random: &mut self.random,
            ledger: &mut self.ledger,
            client: &mut self.clients[client],
            conn: &mut self.conns[conn],
            now: self.now_us,
        };
        for room in acting.client.wanted.clone() {
            acting.join(room);
        }
        for intent in acting.client.unanswered.keys().copied().collect::<Vec<_>>() {
            acting.retry(intent);
        }
    }

    /// What the connection has beside one stream: a client may come by another transport each time.
    fn ways_of(&mut self, client: usize) -> Option<Box<Ways>> {
        let several = self.random.below(100) < self.plan.apart_percent;
        let streams = self.random.below(100) < self.plan.streams_percent;
        let seed = self.random.next_u64();
        let binary = self.clients[client].format == Format::Binary;
        (several && binary).then(|| Box::new(Ways::new(self.plan.paths, streams, seed)))
    }

    /// The `hello` reaches its shard.
    pub(super) fn open_session(&mut self, index: usize) {
        let expires = (self.plan.faults.expiry && self.random.chance(300))
            .then(|| UNIX_START_US + self.now_us + self.random.within(100_000, 10_000_000));
        let now = self.now();
        let conn = &mut self.conns[index];
        conn.expires = expires.map(|at| at - UNIX_START_US);
        let opened = self.nodes[conn.shard].shard.handle_open(
            now,
            Open {
                id: RequestId::new(conn.hello),
                session: conn.session,
                generation: conn.generation,
                identity: self.clients[conn.client].identity_until(expires),
                format: conn.format,
                resume: &conn.session.to_string(),
                connection: index as u32,
                values_apart: conn.ways.is_some(),
                room_streams: conn.ways.as_ref().is_some_and(|ways| ways.has_streams()),
            },
        );
        let shard = conn.shard;
        match opened {
            Ok(key) => {
                conn.key = Some(key);
                conn.state = State::Open;
                self.trace.note(Mark::Opened, &[index as u64, u64::from(key.index)]);
            }
            Err(_) => {
                conn.state = State::Ended;
                self.client_sees_end(index);
            }
        }
        self.learn(shard);
    }

    /// The client says goodbye: what it said before still counts, what comes back does not.
    pub(super) fn say_goodbye(&mut self, index: usize) {
        self.trace.line(|| format!("conn {index} says goodbye"));
        self.read_commands(index, usize::MAX);
        self.remember(index);
        let client = self.conns[index].client;
        if self.random.chance(500) {
            self.clients[client].session = None;
        }
        self.end_connection(index, Departure::Left);
        self.client_sees_end(index);
    }

    /// The connection breaks. Both ends notice at once, or the server later.
    pub(super) fn lose(&mut self, index: usize) {
        self.trace.line(|| format!("conn {index} is lost"));
        self.remember(index);
        if self.plan.faults.races && self.random.chance(500) {
            let late = self.random.within(1_000, 2_000_000);
            self.conns[index].deserted = true;
            self.conns[index].noticed_at = Some(self.now_us + late);
            self.conns[index].up.truncate(3);
            self.forget(index);
        } else {
            self.end_connection(index, Departure::Detached);
            self.client_sees_end(index);
        }
    }

    /// The client comes back while the server still takes the older connection for alive, and it is.
    pub(super) fn race(&mut self, index: usize) {
        let client = self.conns[index].client;
        if self.clients[client].conn == Some(index) && self.clients[client].polite.is_none() {
            self.remember(index);
            self.clients[client].conn = None;
            self.connect(client);
        }
    }

    /// The server notices that a client is gone.
    pub(super) fn notice(&mut self, index: usize) {
        self.conns[index].noticed_at = None;
        self.end_connection(index, Departure::Detached);
        self.conns[index].state = State::Gone;
    }

    /// The server's side of a connection ends.
    pub(super) fn end_connection(&mut self, index: usize, departure: Departure) {
        let now = self.now();
        let (shard, key) = (self.conns[index].shard, self.conns[index].key.take());
        self.trace.note(Mark::Gone, &[index as u64]);
        self.trace.line(|| format!("conn {index} ends as {departure:?}"));
        match departure {
            Departure::Left => self.watch.went(self.conns[index].session),
            Departure::Detached => self.watch.broke(self.conns[index].session, self.now_us),
        }
        if let Some(key) = key {
            self.nodes[shard].shard.handle_close(now, key, departure);
            self.learn(shard);
        }
        if let Some(ways) = &mut self.conns[index].ways {
            ways.end();
        }
        let deserted = self.conns[index].deserted;
        self.conns[index].state = if deserted { State::Gone } else { State::Ended };
        self.conns[index].up.clear();
    }

    /// The client's side of a connection ends.
    pub(super) fn client_sees_end(&mut self, index: usize) {
        if self.conns[index].state == State::Ended {
            self.conns[index].state = State::Gone;
        }
        self.remember(index);
        self.forget(index);
    }

    fn forget(&mut self, index: usize) {
        let client = self.conns[index].client;
        if self.clients[client].conn != Some(index) {
            return;
        }
        self.clients[client].conn = None;
        if let Some(polite) = &mut self.clients[client].polite {
            polite.closed(self.now_us, self.conns[index].closing, client as u64);
        }
        self.clients[client].connect_at = self.now_us + self.random.below(20_000);
        if self.conns[index].closing == Some(3502) || self.random.chance(100) {
            // Taken over, or forgetful: it starts anew.
            self.clients[client].session = None;
        }
    }

    /// What the client takes along from a connection: the newest place in every room.
    fn remember(&mut self, index: usize) {
        let client = self.conns[index].client;
        if self.clients[client].conn != Some(index) {
            return;
        }
        for (room, view) in &self.conns[index].views {
            let Some(position) = view.position() else { continue };
            let memory = self.clients[client].memory.entry(*room).or_default();
            memory.position = Some(position);
            memory.keys = view.keys.clone();
            if view.stage == Stage::In && !view.left_silently && view.leaves == 0 {
                self.clients[client].wanted.insert(*room);
            }
        }
    }
}
