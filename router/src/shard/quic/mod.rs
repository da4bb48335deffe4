//! QUIC on a shard: one endpoint, driven by the shard's turn like everything else. Shard view.
//!
//! A turn: the readers of the UDP sockets hand datagrams to the endpoint and on to their connections ([`receive`]); the
//! pump then lets in who waits, fires timers and handles what connections have to tell ([`Quic::work`]); with the flush,
//! frames go into streams and packets onto the wire, those of one connection in one train ([`Quic::flush`]). All steps are
//! bounded; no other thread and no lock takes part.
//!
//! The core knows a QUIC connection by an index with the bit [`QUIC`] set, others by their place in the shard's slab.

mod events;
mod flush;
mod input;
mod path;
mod peer;
mod receive;
mod rooms;
mod values;
mod web;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::UdpSocket;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peer::Peer;
use quinn_proto::{ConnectionHandle, Endpoint, VarInt};
use ringway_core::{Close, Departure, Monotonic};
use ringway_mesh::Mailbox;
use ringway_protocol::session::server::Times;

use super::clock::Clock;
use super::context::Rim;
use crate::node::{Congestion, Order};
use crate::quic::newcomers::{NewcomerBounds, Newcomers};
use crate::quic::settings;
use crate::quic::socket::{Inbox, Udp};
use crate::rt::Bell;
use crate::transport::admission::Origin;

pub(crate) use receive::read;

/// Marks the index of a QUIC connection.
pub(crate) const QUIC: u32 = 1 << 31;
/// Handshakes begun in one turn: each costs a signature and a key exchange, as much as a hundred deliveries.
const ACCEPTS_PER_TURN: usize = 4;
/// Clients may come in crowds, as after a restart.
const NEWCOMERS: NewcomerBounds = NewcomerBounds { unvalidated: 64, waiting: 256 };
/// How often a connection is looked at whose path takes nothing; it is heard of before, mostly.
const HELD_BACK_LOOK: Duration = Duration::from_millis(25);

/// What a shard's thread is given for QUIC.
pub(crate) struct QuicSetup {
    /// In the order of the addresses.
    pub(crate) sockets: Vec<UdpSocket>,
    pub(crate) congestion: Congestion,
    /// Secrets of the node: they seal retry tokens and stateless resets.
    pub(crate) retry_secret: [u8; 32],
    pub(crate) reset_secret: [u8; 32],
    pub(crate) seed: [u8; 32],
    /// Every shard's orders, for datagrams that came to the wrong one.
    pub(crate) neighbours: Vec<Arc<Mailbox<Order, Bell>>>,
}

/// The QUIC of a shard.
pub(crate) struct Quic {
    endpoint: Endpoint,
    sockets: Vec<Rc<Udp>>,
    /// By connection handle.
    peers: Vec<Option<Box<Peer>>>,
    open: usize,
    handshaking: usize,
    newcomers: Newcomers,
    /// Peers that something happened to, each once.
    touched: VecDeque<u32>,
    timers: BinaryHeap<Reverse<(Instant, u32)>>,
    retry_secret: [u8; 32],
    congestion: Congestion,
    neighbours: Vec<Arc<Mailbox<Order, Bell>>>,
    inbox: Option<Box<Inbox>>,
    /// Packets on their way out.
    packets: Vec<u8>,
    pieces: Vec<flush::Piece>,
    bundle: values::Bundle,
    /// The controller tells how much the path takes.
    fresh: bool,
}

impl Quic {
    /// An endpoint over these sockets, with the certificate of the shard's TLS.
    ///
    /// # Errors
    /// A socket or the certificate can't be used.
    pub(crate) fn new(
        setup: QuicSetup,
        shard: u8,
        tls: &rustls::ServerConfig,
        times: &Times,
    ) -> io::Result<Self> {
        let server = settings::server(tls, &setup.retry_secret, setup.congestion, times.heartbeat_ms)
            .map_err(io::Error::other)?;
        let config = settings::endpoint(shard, &setup.reset_secret, setup.seed);
        let sockets = setup.sockets.into_iter().map(|socket| Udp::new(socket).map(Rc::new));
        Ok(Self {
            endpoint: Endpoint::new(config, Some(server), true, None),
            sockets: sockets.collect::<io::Result<_>>()?,
            peers: Vec::new(),
            open: 0,
            handshaking: 0,
            newcomers: Newcomers::new(NEWCOMERS),
            touched: VecDeque::new(),
            timers: BinaryHeap::new(),
            retry_secret: setup.retry_secret,
            neighbours: setup.neighbours,
            inbox: Some(Box::new(Inbox::new())),
            packets: Vec::new(),
            pieces: Vec::new(),
            bundle: values::Bundle::default(),
            fresh: setup.congestion == Congestion::Fresh,
            congestion: setup.congestion,
        })
    }

    /// The sockets, for those who wait for them.
    pub(crate) fn sockets(&self) -> &[Rc<Udp>] {
        &self.sockets
    }

    /// Connections that are not over.
    pub(crate) const fn open(&self) -> usize {
        self.open
    }

    /// Of them, those that speak WebTransport: counted, as nobody asks often.
    pub(crate) fn open_by_web(&self) -> usize {
        self.peers.iter().flatten().filter(|peer| peer.web.is_some() && !peer.over).count()
    }

    /// A new certificate and new times for new connections.
    pub(crate) fn reload(&mut self, tls: &rustls::ServerConfig, times: &Times) {
        // A certificate that serves TLS serves QUIC as well: the suites are ours, not the file's.
        if let Ok(server) = settings::server(tls, &self.retry_secret, self.congestion, times.heartbeat_ms)
            && !self.newcomers.is_closed()
        {
            self.endpoint.set_server_config(Some(server));
        }
    }

    /// Lets nobody new in.
    pub(crate) fn stop_listening(&mut self) {
        self.newcomers.close(&mut self.endpoint);
    }

    /// Whether this is still the connection that had this serial.
    pub(crate) fn is_current(&self, index: u32, serial: u32) -> bool {
        self.peer(index).is_some_and(|peer| peer.serial == serial)
    }

    fn peer(&self, index: u32) -> Option<&Peer> {
        self.peers.get((index & !QUIC) as usize)?.as_deref()
    }

    fn peer_mut(&mut self, index: u32) -> Option<&mut Peer> {
        self.peers.get_mut((index & !QUIC) as usize)?.as_deref_mut()
    }

    /// Something happened to this one: the turn looks at it.
    pub(crate) fn touch(&mut self, index: u32) {
        if let Some(peer) = self.peer_mut(index)
            && !std::mem::replace(&mut peer.touched, true)
        {
            self.touched.push_back(index);
        }
    }

    /// Whether the next turn has something to do at once.
    pub(crate) fn has_work(&self) -> bool {
        !self.touched.is_empty() || !self.newcomers.is_empty()
    }

    /// When a timer is due.
    pub(crate) fn poll_timeout(&self) -> Option<Monotonic> {
        let Reverse((due, _)) = self.timers.peek()?;
        let wait = due.saturating_duration_since(Instant::now());
        Some(Monotonic(Clock::monotonic().0 + wait.as_micros() as u64))
    }

    /// The pump's part before the core's outputs are taken: new connections, timers, events.
    pub(crate) fn work(&mut self, rim: &mut Rim, connections: usize) {
        let now = Instant::now();
        self.let_in(now, rim, connections);
        self.fire(now);
        for _ in 0..self.touched.len() {
            let Some(index) = self.touched.pop_front() else { break };
            self.hear(index, rim, now);
            // It stays touched: the flush takes it off.
            self.touched.push_back(index);
        }
    }

    /// Begins handshakes, a few a turn.
    fn let_in(&mut self, now: Instant, rim: &mut Rim, connections: usize) {
        for _ in 0..ACCEPTS_PER_TURN {
            let Some((incoming, socket)) = self.newcomers.next() else { return };
            self.packets.clear();
            let remote = incoming.remote_address();
            rim.figures.rim.accepted += 1;
            let origin = Origin::of(remote.ip());
            if let Err(refused) = rim.admission.enter(connections + self.open, origin) {
                rim.figures.rim.refused += 1;
                rim.tell_refusal(remote, refused.text());
                let transmit = self.endpoint.refuse(incoming, &mut self.packets);
                self.send(socket, &transmit);
                continue;
            }
            match self.endpoint.accept(incoming, now, &mut self.packets, None) {
                Ok((handle, connection)) => {
                    rim.next_serial = rim.next_serial.wrapping_add(1);
                    let accepted = rim.clock.now().monotonic;
                    let peer = Peer::new(connection, socket, rim.next_serial, accepted, origin, rim);
                    self.seat(handle, peer, rim);
                }
                Err(error) => {
                    rim.admission.leave(origin, true);
                    rim.figures.rim.quic_handshakes_failed += 1;
                    if let Some(transmit) = error.response {
                        self.send(socket, &transmit);
                    }
                }
            }
        }
    }

    fn seat(&mut self, handle: ConnectionHandle, mut peer: Peer, rim: &mut Rim) {
        let index = handle.0 as u32 | QUIC;
        if self.peers.len() <= handle.0 {
            self.peers.resize_with(handle.0 + 1, || None);
        }
        rim.set_alarm_of(index, peer.due(&rim.times), &mut peer.alarm);
        self.peers[handle.0] = Some(Box::new(peer));
        self.open += 1;
        self.handshaking += 1;
        self.touch(index);
    }

    fn fire(&mut self, now: Instant) {
        while let Some(&Reverse((due, index))) = self.timers.peek() {
            if due > now {
                return;
            }
            self.timers.pop();
            let Some(peer) = self.peer_mut(index) else { continue };
            if peer.timer != Some(due) {
                continue;
            }
            peer.timer = None;
            if peer.connection.poll_timeout().is_some_and(|due| due <= now) {
                peer.connection.handle_timeout(now);
            }
            self.touch(index);
        }
    }

    /// An alarm of the shard's wheel: hello, heartbeats, lingering.
    pub(crate) fn look_at(&mut self, tick: u64, index: u32, now: Monotonic, rim: &mut Rim) {
        let Some(peer) = self.peer_mut(index) else { return };
        if peer.alarm != tick {
            return;
        }
        peer.alarm = 0;
        peer.read_path(&mut rim.figures);
        if peer.due(&rim.times).is_some_and(|due| due <= now) {
            peer.time_out(now, rim);
        }
        let due = peer.due(&rim.times);
        rim.set_alarm_of(index, due, &mut peer.alarm);
        self.touch(index);
    }

    /// The core closes a session of this connection; the public id of the session.
    pub(crate) fn close(
        &mut self,
        close: &Close,
        index: u32,
        rim: &mut Rim,
    ) -> Option<ringway_protocol::SessionId> {
        let now = rim.clock.now().monotonic;
        let peer = self.peer_mut(index)?;
        peer.server.handle_end();
        peer.end(now, Some((close.code, close.reason.clone())));
        let (id, due) = (peer.id, peer.due(&rim.times));
        rim.set_alarm_of(index, due, &mut peer.alarm);
        self.touch(index);
        Some(id)
    }

    /// Sessions are told by the core; those without one go at once.
    pub(crate) fn drain(&mut self, rim: &mut Rim) {
        self.stop_listening();
        let now = rim.clock.now().monotonic;
        for index in 0..self.peers.len() as u32 {
            let index = index | QUIC;
            if let Some(peer) = self.peer_mut(index).filter(|peer| peer.session.is_none()) {
                peer.end(now, Some((ringway_protocol::CloseCode::Draining.number(), String::new())));
                self.touch(index);
            }
        }
    }

    /// Everybody goes now, without a word more than the close.
    pub(crate) fn cut_all(&mut self, rim: &mut Rim) {
        self.stop_listening();
        for index in 0..self.peers.len() as u32 {
            let index = index | QUIC;
            if let Some(peer) = self.peer_mut(index) {
                peer.cut();
                self.touch(index);
            }
        }
        for _ in 0..=self.touched.len() / flush::PEERS_PER_TURN {
            self.flush(rim);
        }
    }

    /// A connection goes now, with nothing of what waits for it; false if it has gone already.
    pub(crate) fn cut(&mut self, index: u32, rim: &mut Rim) -> bool {
        let Some(peer) = self.peer_mut(index).filter(|peer| !peer.connection.is_closed()) else {
            return false;
        };
        peer.connection.close(Instant::now(), VarInt::from_u32(0), Bytes::new());
        self.bury(index, rim);
        self.touch(index);
        true
    }

    /// What we close ourselves has no event of its end.
    fn bury(&mut self, index: u32, rim: &mut Rim) {
        if self.peer(index).is_some_and(|peer| peer.connection.is_closed()) {
            self.gone(index, Departure::Detached, rim);
        }
    }

    /// A connection is over: its session learns it, its place among the open ones is free.
    fn gone(&mut self, index: u32, departure: Departure, rim: &mut Rim) {
        let now = rim.clock.now();
        let Some(peer) = self.peer_mut(index) else { return };
        if std::mem::replace(&mut peer.over, true) {
            return;
        }
        peer.read_path(&mut rim.figures);
        let (origin, half_open, handshaking) = (peer.origin, peer.half_open, peer.handshaking);
        rim.figures.rim.quic_handshakes_failed += u64::from(handshaking);
        if let Some(session) = peer.session.take() {
            rim.core.handle_close(now, session, departure);
        }
        rim.admission.leave(origin, half_open);
        self.open -= 1;
        self.handshaking -= usize::from(handshaking);
    }

    /// Makes sure that the timer of a connection goes off.
    fn set_timer(&mut self, index: u32, now: Instant) {
        let Some(peer) = self.peer_mut(index) else { return };
        let look_again = peer.held_back.map(|_| now + HELD_BACK_LOOK);
        let Some(due) = peer.connection.poll_timeout().into_iter().chain(look_again).min() else { return };
        if peer.timer.is_none_or(|set| due < set) {
            peer.timer = Some(due);
            self.timers.push(Reverse((due, index)));
        }
    }
}
