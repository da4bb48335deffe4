//! What the tasks of a shard share: its state, the pump's signal, the shard's front. Nothing of the state is ever
//! borrowed across an `await`: tasks call in, do their part synchronously, and wait again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use ringway_core::{Departure, Monotonic, Shard, ShardId};
use ringway_mesh::Inbound;
use ringway_protocol::Format;
use ringway_protocol::codec::JsonDecoder;
use ringway_protocol::session::server::Times;
use ringway_protocol::websocket::handshake::HeadEnd;
use slab::Slab;

use super::clock::Clock;
use super::cluster::Cluster;
use super::connection::{Connection, Stage, Upgrading};
use super::doorman::Doorman;
use super::fanout::Fanout;
use super::figures::Figures;
use super::flush::Flush;
use super::quic::Quic;
use super::wheel::Wheel;
use super::{ingest, reader};
use crate::frame::WireEncoder;
use crate::node::{DoorSettings, NodeSettings, Notice, Reports};
use crate::rt::{self, Bell, Io, Signal};
use crate::tls::{Came, RECORD_BYTES_MAX, Tls};
use crate::transport::admission::{Admission, Origin};
use crate::transport::proxy::{self, Opening};
use crate::transport::socket::{self, Received};

/// Bytes read from one socket at a time.
const READ_BYTES: usize = 64 * 1024;
/// In front of it, a TLS record that was cut, or two during a handshake.
const CUT_BYTES: usize = 2 * RECORD_BYTES_MAX + 1024;
/// Connections whose TLS handshake goes on in one turn: a step of it costs as much as a hundred writes.
pub(crate) const HANDSHAKES_PER_TURN: u32 = 2;
/// Buffers kept for the rim's own output.
const SPARE_MAX: usize = 256;
/// Larger buffers go back to the allocator.
const SPARE_BYTES_MAX: usize = 16 * 1024;

/// What the tasks of a shard share.
pub(crate) struct Context {
    pub(crate) state: RefCell<State>,
    pub(crate) pump: Signal,
    pub(crate) front: Arc<Inbound<Bell>>,
}

/// The shard's state, in parts that are borrowed apart.
pub(crate) struct State {
    pub(crate) connections: Slab<Connection>,
    pub(crate) input: Box<[u8]>,
    /// What TLS made of it.
    pub(crate) text: Vec<u8>,
    pub(crate) json: JsonDecoder,
    pub(crate) flush: Flush,
    pub(crate) quic: Option<Box<Quic>>,
    pub(crate) rim: Rim,
}

/// Everything but connections and buffers.
pub(crate) struct Rim {
    pub(crate) id: ShardId,
    pub(crate) shards: u16,
    pub(crate) core: Shard<WireEncoder>,
    /// For what is said to connections that have no session.
    pub(crate) encoder: WireEncoder,
    pub(crate) clock: Clock,
    pub(crate) door: Arc<DoorSettings>,
    pub(crate) times: Times,
    pub(crate) frame_bytes_max: usize,
    pub(crate) doorman: Doorman,
    pub(crate) admission: Admission,
    pub(crate) wheel: Wheel,
    /// Reused by the wheel's expiry.
    pub(crate) fired: Vec<(u64, u32)>,
    /// Connections with something to write, each once.
    pub(crate) ready: VecDeque<u32>,
    /// Since when the list has not been empty.
    pub(crate) ready_since: Monotonic,
    /// For new connections on listeners with TLS.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// TLS handshakes left in this turn.
    pub(crate) handshakes_left: u32,
    /// Readers whose handshake waits for its turn.
    pub(crate) handshakes_waiting: VecDeque<Rc<Signal>>,
    /// Token checks left in this turn.
    pub(crate) checks_left: u32,
    /// Connections (and their serials) whose token waits for its turn.
    pub(crate) checks_waiting: VecDeque<(u32, u32)>,
    /// QUIC connections whose session has something new.
    pub(crate) quic_dirty: Vec<u32>,
    /// What the turn may still put into outboxes.
    pub(crate) fanout: Fanout,
    /// Connections (and their serials) that are held back for freshness, and when they are looked at again.
    pub(crate) paced: Vec<(u32, u32)>,
    pub(crate) paced_until: Option<Monotonic>,
    pub(crate) spare: Vec<Vec<u8>>,
    pub(crate) figures: Figures,
    pub(crate) reports: Reports,
    /// This shard's part in a cluster of machines; `None` on a node that is alone.
    pub(crate) cluster: Option<Box<Cluster>>,
    pub(crate) echo: bool,
    /// The ticket of the drain that is under way.
    pub(crate) draining: Option<u64>,
    pub(crate) drained: bool,
    pub(crate) next_serial: u32,
    /// Refusals since the last one that was told, and when that was (in seconds).
    pub(crate) refusals_untold: u64,
    pub(crate) refusal_told_s: u64,
}

/// What a reader does next.
pub(crate) enum Next {
    /// Wait for more.
    Wait,
    /// Wait until what was read can be handled.
    Hold(Rc<Signal>),
    /// The connection is over.
    End,
}

impl Context {
    /// Wakes the pump; it runs after all tasks that are ready now.
    pub(crate) fn wake_pump(&self) {
        if !self.pump.is_raised() {
            // This thread is up: nobody needs to ring.
            self.front.rise();
            self.pump.raise();
        }
    }

    /// Takes a connection in, or refuses it by closing it.
    pub(crate) fn admit(this: &Rc<Self>, descriptor: OwnedFd, peer: SocketAddr, tls: bool) {
        let mut state = this.state.borrow_mut();
        let State { connections, rim, .. } = &mut *state;
        rim.figures.rim.accepted += 1;
        let trusted = rim.trusts(peer.ip());
        let origin = if trusted { None } else { Origin::of(peer.ip()) };
        if let Err(refused) = rim.admission.enter(connections.len(), origin) {
            rim.figures.rim.refused += 1;
            rim.tell_refusal(peer, refused.text());
            // The time of a turn was looked at, so there must be one.
            this.wake_pump();
            return;
        }
        let tls = match rim.secure(tls) {
            Ok(tls) => tls,
            Err(_) => {
                rim.admission.leave(origin, true);
                rim.figures.rim.tls_errors += 1;
                return;
            }
        };
        let Ok(io) = Io::new(descriptor) else {
            rim.admission.leave(origin, true);
            rim.figures.rim.accept_errors += 1;
            return;
        };
        let io = Rc::new(io);
        let now = rim.clock.now().monotonic;
        rim.next_serial = rim.next_serial.wrapping_add(1);
        let mut connection = Connection {
            io: Rc::clone(&io),
            tls,
            opening: trusted.then(Vec::new),
            stage: Stage::Upgrade(Box::new(Upgrading { peer, head: Vec::new(), end: HeadEnd::default() })),
            output: Vec::new(),
            said: 0,
            serial: rim.next_serial,
            alarm: 0,
            accepted: now,
            queued: false,
            full: false,
            dead: false,
            half_open: true,
            origin,
            held: None,
            paused: None,
            pace: None,
            ending: None,
        };
        socket::tune(connection.descriptor(), &rim.door);
        let entry = connections.vacant_entry();
        let index = entry.key() as u32;
        rim.set_alarm(index, &mut connection);
        entry.insert(connection);
        drop(state);
        rt::spawn(reader::read(Rc::clone(this), index, io));
        this.wake_pump();
    }

    /// The system refuses another connection.
    pub(crate) fn accept_failed(&self, error: &io::Error) {
        let mut state = self.state.borrow_mut();
        let rim = &mut state.rim;
        rim.figures.rim.accept_errors += 1;
        rim.reports.tell(Notice::AcceptFailed { shard: rim.id, error: error.to_string() });
    }

    /// Reads once from a connection that is readable and handles what came.
    pub(crate) fn read(&self, index: u32) -> Next {
        let mut state = self.state.borrow_mut();
        let State { connections, input, text, json, rim, .. } = &mut *state;
        let connection = &mut connections[index as usize];
        if connection.dead {
            return Next::End;
        }
        if connection.tls.as_ref().is_some_and(|tls| !tls.is_open())
            && let Some(go_on) = rim.wait_for_handshake()
        {
            self.wake_pump();
            return Next::Hold(go_on);
        }
        let room = connection.tls.as_ref().map_or(0, |tls| tls.held_bytes());
        let bytes = match socket::receive(connection.descriptor(), &mut input[room..room + READ_BYTES]) {
            Received::Bytes(bytes) => room + bytes,
            Received::Nothing => return Next::Wait,
            Received::End => return Next::End,
        };
        rim.figures.rim.reads += 1;
        rim.figures.rim.bytes_in += (bytes - room) as u64;
        let mut input = &mut input[..bytes];
        let mut early;
        if connection.opening.is_some() {
            match rim.introduce(connection, input) {
                Some(first) => early = first,
                None if connection.dead => return Next::End,
                None => return Next::Wait,
            }
            input = &mut early;
        }
        let (held, end) = match connection.tls {
            None => (ingest::bytes(connection, index, input, json, rim), false),
            Some(_) => {
                text.clear();
                let end = rim.decrypt(index, connection, input, text);
                (ingest::bytes(connection, index, text, json, rim), end)
            }
        };
        rim.set_alarm(index, connection);
        self.wake_pump();
        match held {
            _ if connection.dead || end => Next::End,
            Some(go_on) => Next::Hold(go_on),
            None => Next::Wait,
        }
    }

    /// A connection's reader ended: everything about it goes.
    pub(crate) fn closed(&self, index: u32) {
        let mut state = self.state.borrow_mut();
        let State { connections, rim, .. } = &mut *state;
        let connection = connections.remove(index as usize);
        let now = rim.clock.now();
        if let Some(session) = connection.session() {
            rim.core.handle_close(now, session, Departure::Detached);
        }
        rim.admission.leave(connection.origin, connection.half_open);
        rim.recycle(connection.output);
        self.wake_pump();
    }

    /// A socket that was full has room again.
    pub(crate) fn writable(&self, index: u32, serial: u32) {
        let mut state = self.state.borrow_mut();
        let State { connections, rim, .. } = &mut *state;
        if let Some(connection) = connections.get_mut(index as usize).filter(|other| other.serial == serial) {
            connection.full = false;
            rim.queue(index, connection);
            self.wake_pump();
        }
    }
}

impl Rim {
    /// Settings from now on; who is in stays in.
    pub(crate) fn reload(&mut self, settings: &NodeSettings) {
        self.core.handle_settings(Arc::clone(&settings.core));
        self.doorman.reload(&settings.door.tokens);
        self.admission.reload(&settings.door, self.shards);
        self.times = times_of(settings);
        self.frame_bytes_max = settings.core.limits.frame_bytes_max as usize;
        self.door = Arc::clone(&settings.door);
        if settings.tls.is_some() {
            self.tls.clone_from(&settings.tls);
        }
    }

    /// TLS for a new connection, where its listener wants it.
    fn secure(&self, wanted: bool) -> Result<Option<Box<Tls>>, rustls::Error> {
        match &self.tls {
            Some(config) if wanted => Tls::new(Arc::clone(config)).map(|tls| Some(Box::new(tls))),
            _ if wanted => Err(rustls::Error::General("no certificate".to_owned())),
            _ => Ok(None),
        }
    }

    /// Spends one of the turn's handshakes; if there is none left, says what to wait for.
    fn wait_for_handshake(&mut self) -> Option<Rc<Signal>> {
        if let Some(left) = self.handshakes_left.checked_sub(1) {
            self.handshakes_left = left;
            return None;
        }
        let go_on = Rc::new(Signal::default());
        self.handshakes_waiting.push_back(Rc::clone(&go_on));
        Some(go_on)
    }

    /// The first bytes of a trusted proxy: gives what comes after its header, once that is whole.
    fn introduce(&mut self, connection: &mut Connection, input: &[u8]) -> Option<Vec<u8>> {
        let opening = connection.opening.as_mut()?;
        opening.extend_from_slice(input);
        let (header_bytes, client) = match proxy::parse(opening) {
            Opening::Absent => (0, None),
            Opening::Header { bytes, client } => (bytes, client),
            Opening::Cut => return None,
            Opening::Malformed => {
                self.figures.rim.upgrades_refused += 1;
                connection.cut();
                return None;
            }
        };
        let mut first = connection.opening.take()?;
        first.drain(..header_bytes);
        if let (Some(client), Stage::Upgrade(upgrading)) = (client, &mut connection.stage) {
            upgrading.peer = client;
            if !self.trusts(client.ip()) {
                let origin = Origin::of(client.ip());
                if let Err(refused) = self.admission.count(origin) {
                    self.figures.rim.refused += 1;
                    self.tell_refusal(client, refused.text());
                    connection.cut();
                    return None;
                }
                connection.origin = origin;
            }
        }
        Some(first)
    }

    /// Decrypts what was read. True if it was the last.
    fn decrypt(
        &mut self,
        index: u32,
        connection: &mut Connection,
        input: &mut [u8],
        text: &mut Vec<u8>,
    ) -> bool {
        let Some(tls) = &mut connection.tls else { return false };
        let came = tls.read(input, text);
        if !tls.outgoing().is_empty() || came.is_err() {
            if came.is_err() {
                self.figures.rim.tls_errors += 1;
                connection.end(self.clock.now().monotonic, None);
            }
            self.queue(index, connection);
        }
        matches!(came, Ok(Came::End))
    }

    /// Puts a connection on the flush list.
    pub(crate) fn queue(&mut self, index: u32, connection: &mut Connection) {
        if !connection.queued && !connection.full {
            connection.queued = true;
            if self.ready.is_empty() {
                self.ready_since = self.clock.now().monotonic;
            }
            self.ready.push_back(index);
        }
    }

    /// Makes sure that the wheel looks at the connection when it is due. Deadlines that moved away cost nothing now.
    pub(crate) fn set_alarm(&mut self, index: u32, connection: &mut Connection) {
        let due = connection.due(&self.times);
        self.set_alarm_of(index, due, &mut connection.alarm);
    }

    /// The same for whoever keeps the tick of the valid entry in `alarm`.
    pub(crate) fn set_alarm_of(&mut self, index: u32, due: Option<Monotonic>, alarm: &mut u64) {
        let Some(due) = due else { return };
        let tick = self.wheel.tick_of(due);
        if *alarm == 0 || tick < *alarm {
            *alarm = tick;
            self.wheel.put(tick, index);
        }
    }

    /// An empty buffer for the rim's own output.
    pub(crate) fn spare(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if (1..=SPARE_BYTES_MAX).contains(&buffer.capacity()) && self.spare.len() < SPARE_MAX {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Whether the word of this peer about the client's address is taken.
    pub(crate) fn trusts(&self, peer: std::net::IpAddr) -> bool {
        self.door.trusted_proxies.iter().any(|network| network.contains(peer))
    }

    /// Tells of refusals at most once a second.
    pub(crate) fn tell_refusal(&mut self, peer: SocketAddr, reason: &'static str) {
        let second = self.clock.now().monotonic.0 / 1_000_000;
        if second == self.refusal_told_s {
            self.refusals_untold += 1;
            return;
        }
        self.refusal_told_s = second;
        let suppressed = std::mem::take(&mut self.refusals_untold);
        self.reports.tell(Notice::Refused { shard: self.id, peer, reason, suppressed });
    }
}

/// The deadlines that the settings give.
pub(crate) fn times_of(settings: &NodeSettings) -> Times {
    Times { handshake_ms: settings.door.handshake_ms, heartbeat_ms: u64::from(settings.core.heartbeat_ms) }
}

impl State {
    pub(crate) fn new(rim: Rim, flush: Flush, quic: Option<Box<Quic>>) -> Self {
        Self {
            connections: Slab::new(),
            input: vec![0; CUT_BYTES + READ_BYTES].into_boxed_slice(),
            text: Vec::new(),
            json: JsonDecoder::new(),
            flush,
            quic,
            rim,
        }
    }

    /// The format of a connection's frames.
    pub(crate) fn format_of(connection: &Connection) -> Format {
        match &connection.stage {
            Stage::Client(client) => client.server.format().unwrap_or(Format::Binary),
            _ => Format::Binary,
        }
    }
}
