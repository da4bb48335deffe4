//! Many client connections on one endpoint and one socket, driven by one thread.
//!
//! A turn takes what the socket has (bounded), fires timers, lets each [`Guest`] that something happened to handle it, and sends what its
//! connection has to send. Connections are boxed: they are six kilobytes each and must not be moved for every packet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, EcnCodepoint, Endpoint, EndpointConfig, Event,
};

use super::settings;
use super::socket::Socket;

/// Receives of one turn, a batch of trains each: timers and guests get theirs even under a flood.
const RECEIVES_PER_TURN: usize = 64;

/// Who uses a connection.
pub(super) trait Guest {
    /// What all guests of a run share.
    type Host;

    /// Something happened to this guest's connection.
    fn hear(&mut self, event: Event, connection: &mut Connection, host: &mut Self::Host);
}

/// The connections of one run.
pub(super) struct Driver<G> {
    endpoint: Endpoint,
    config: ClientConfig,
    server: SocketAddr,
    socket: Socket,
    /// By connection handle.
    seats: Vec<Option<Box<Seat<G>>>>,
    /// Seats that something happened to, each once.
    touched: Vec<usize>,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    packets: Vec<u8>,
}

struct Seat<G> {
    connection: Connection,
    guest: G,
    timer: Option<Instant>,
    touched: bool,
}

impl<G: Guest> Driver<G> {
    /// An endpoint without connections.
    ///
    /// # Errors
    /// If there is no socket or no cipher for it.
    pub(super) fn new(server: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            endpoint: Endpoint::new(Arc::new(EndpointConfig::default()), None, true, None),
            config: settings::client()?,
            server,
            socket: Socket::new()?,
            seats: Vec::new(),
            touched: Vec::new(),
            timers: BinaryHeap::new(),
            packets: Vec::new(),
        })
    }

    /// Begins a handshake; the number of the connection, until it is gone.
    ///
    /// # Errors
    /// If the endpoint can't have one more.
    pub(super) fn connect(&mut self, guest: G) -> io::Result<usize> {
        let config = self.config.clone();
        let connected = self.endpoint.connect(Instant::now(), config, self.server, "localhost");
        let (ConnectionHandle(index), connection) = connected.map_err(io::Error::other)?;
        if self.seats.len() <= index {
            self.seats.resize_with(index + 1, || None);
        }
        self.seats[index] = Some(Box::new(Seat { connection, guest, timer: None, touched: false }));
        self.touch(index);
        Ok(index)
    }

    /// Does something with a connection and its guest, and whatever follows from it in the next turn.
    pub(super) fn with<T>(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut G, &mut Connection) -> T,
    ) -> Option<T> {
        let seat = self.seats.get_mut(index)?.as_deref_mut()?;
        let result = act(&mut seat.guest, &mut seat.connection);
        self.touch(index);
        Some(result)
    }

    /// The numbers of all connections that are not gone.
    pub(super) fn open(&self) -> Vec<usize> {
        (0..self.seats.len()).filter(|&index| self.seats[index].is_some()).collect()
    }

    /// UDP datagrams received by all connections that are not gone.
    pub(super) fn datagrams_received(&self) -> u64 {
        self.seats.iter().flatten().map(|seat| seat.connection.stats().udp_rx.datagrams).sum()
    }

    /// Waits at most so long for packets or a timer, then does what there is to do.
    ///
    /// # Errors
    /// If the kernel refuses to wait.
    pub(super) fn turn(&mut self, longest: Duration, host: &mut G::Host) -> io::Result<()> {
        let longest = match self.timers.peek() {
            Some(Reverse((due, _))) => longest.min(due.saturating_duration_since(Instant::now())),
            None => longest,
        };
        if self.touched.is_empty() && !longest.is_zero() {
            self.socket.wait(longest)?;
        }
        let now = Instant::now();
        for _ in 0..RECEIVES_PER_TURN {
            if self.receive(now) == 0 {
                break;
            }
        }
        while let Some(&Reverse((due, index))) = self.timers.peek()
            && due <= now
        {
            self.timers.pop();
            let Some(Some(seat)) = self.seats.get_mut(index) else { continue };
            if seat.timer == Some(due) {
                seat.timer = None;
                seat.connection.handle_timeout(now);
                self.touch(index);
            }
        }
        for index in std::mem::take(&mut self.touched) {
            self.settle(index, now, host);
        }
        Ok(())
    }

    fn touch(&mut self, index: usize) {
        if let Some(Some(seat)) = self.seats.get_mut(index)
            && !std::mem::replace(&mut seat.touched, true)
        {
            self.touched.push(index);
        }
    }

    /// Receives once; how many datagrams came.
    fn receive(&mut self, now: Instant) -> usize {
        let Self { endpoint, socket, seats, touched, packets, .. } = self;
        socket.receive(|meta, bytes| {
            let ecn = meta.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn as u8));
            packets.clear();
            // Nobody connects to a client, and what it would answer strangers is nobody's cost.
            let event = endpoint.handle(now, meta.addr, meta.dst_ip, ecn, BytesMut::from(bytes), packets);
            if let Some(DatagramEvent::ConnectionEvent(ConnectionHandle(index), event)) = event
                && let Some(Some(seat)) = seats.get_mut(index)
            {
                seat.connection.handle_event(event);
                if !std::mem::replace(&mut seat.touched, true) {
                    touched.push(index);
                }
            }
        })
    }

    /// Handles what a connection has to tell, and sends what it has to send.
    fn settle(&mut self, index: usize, now: Instant, host: &mut G::Host) {
        let Self { endpoint, socket, seats, touched, timers, packets, .. } = self;
        let Some(Some(seat)) = seats.get_mut(index) else { return };
        seat.touched = false;
        while let Some(event) = seat.connection.poll() {
            seat.guest.hear(event, &mut seat.connection, host);
        }
        loop {
            packets.clear();
            let segments = socket.train(seat.connection.current_mtu());
            let Some(transmit) = seat.connection.poll_transmit(now, segments, packets) else { break };
            socket.send(&quinn_udp::Transmit {
                destination: transmit.destination,
                ecn: transmit.ecn.and_then(|ecn| quinn_udp::EcnCodepoint::from_bits(ecn as u8)),
                contents: &packets[..transmit.size],
                segment_size: transmit.segment_size,
                src_ip: transmit.src_ip,
            });
        }
        let mut drained = false;
        while let Some(event) = seat.connection.poll_endpoint_events() {
            drained |= event.is_drained();
            if let Some(event) = endpoint.handle_event(ConnectionHandle(index), event) {
                seat.connection.handle_event(event);
                // What it says about that goes out with the next turn.
                if !std::mem::replace(&mut seat.touched, true) {
                    touched.push(index);
                }
            }
        }
        if drained {
            seats[index] = None;
            return;
        }
        if let Some(due) = seat.connection.poll_timeout()
            && seat.timer.is_none_or(|set| due < set)
        {
            seat.timer = Some(due);
            timers.push(Reverse((due, index)));
        }
    }
}
