//! One QUIC connection: the client's control stream, its session, what it still has to say.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quinn_proto::{Connection, Dir, StreamId, VarInt};
use ringway_core::{Monotonic, SessionKey};
use ringway_protocol::codec::FrameReader;
use ringway_protocol::congestion::quinn::{self as congestion, Room};
use ringway_protocol::session::server::{Server, Times};
use ringway_protocol::{Format, RoomHandle, SessionId};

use super::path::Seen;
use super::values::Values;
use super::web::Web;
use crate::quic::settings::SEND_BYTES;
use crate::shard::client::{Speaker, Ways};
use crate::shard::connection::Ending;
use crate::shard::context::Rim;
use crate::transport::admission::Origin;

/// Bytes that streams may be ahead of two windows.
const STREAM_AHEAD_BYTES: u64 = 16 * 1024;
/// How long nothing may be heard of what is in flight, beyond two round trips.
const HELD_BACK_MAX: Duration = Duration::from_millis(60);

/// One QUIC connection.
pub(super) struct Peer {
    pub(super) connection: Connection,
    /// Which of the shard's sockets it came to.
    pub(super) socket: usize,
    /// Tells incarnations of the index apart.
    pub(super) serial: u32,
    /// The valid entry in the wheel; 0: none.
    pub(super) alarm: u64,
    /// The valid entry among the endpoint's timers.
    pub(super) timer: Option<Instant>,
    pub(super) origin: Option<Origin>,
    /// Counted as half-open.
    pub(super) half_open: bool,
    pub(super) handshaking: bool,
    /// On the list of the turn.
    pub(super) touched: bool,
    /// More of its stream waits than a turn takes.
    pub(super) unread: bool,
    /// Its session is gone; what is left is QUIC's own goodbye.
    pub(super) over: bool,
    pub(super) server: Server,
    pub(super) session: Option<SessionKey>,
    pub(super) id: SessionId,
    /// The client's first bidirectional stream: frames both ways.
    pub(super) control: Option<StreamId>,
    pub(super) reader: FrameReader,
    /// Input that must wait: a frame, and the bytes behind it.
    pub(super) held: Option<Box<(Vec<u8>, Bytes)>>,
    /// What was said to it before it had a session; `said` bytes of it are in the stream.
    pub(super) output: Vec<u8>,
    pub(super) said: usize,
    /// This stream takes nothing now, and nothing overtakes what waits for it.
    pub(super) full: Option<StreamId>,
    /// Rooms with a stream of their own; `None`: there was none to be had, and the control stream serves.
    pub(super) rooms: BTreeMap<RoomHandle, Option<StreamId>>,
    /// Values leave by ways of their own.
    pub(super) values_apart: bool,
    /// The client lets us open streams.
    pub(super) takes_streams: bool,
    /// A stream that was opened to find out.
    pub(super) spare_stream: Option<StreamId>,
    pub(super) values: Option<Box<Values>>,
    /// It speaks HTTP/3 below the session.
    pub(super) web: Option<Box<Web>>,
    /// A stream of HTTP/3's that has more than a turn takes.
    pub(super) unread_web: Option<StreamId>,
    /// Bytes that streams may have unacknowledged.
    pub(super) stream_window: u64,
    /// Since when the path takes nothing.
    pub(super) held_back: Option<Instant>,
    pub(super) ending: Option<Box<Ending>>,
    /// What was read off its path.
    pub(super) seen: Seen,
}

impl Peer {
    pub(super) fn new(
        connection: Connection,
        socket: usize,
        serial: u32,
        accepted: Monotonic,
        origin: Option<Origin>,
        rim: &Rim,
    ) -> Self {
        Self {
            connection,
            socket,
            serial,
            alarm: 0,
            timer: None,
            origin,
            half_open: true,
            handshaking: true,
            touched: false,
            unread: false,
            over: false,
            server: Server::new(accepted, Some(Format::Binary)),
            session: None,
            id: SessionId(0),
            control: None,
            reader: FrameReader::new(rim.frame_bytes_max),
            held: None,
            output: Vec::new(),
            said: 0,
            full: None,
            rooms: BTreeMap::new(),
            values_apart: false,
            takes_streams: false,
            spare_stream: None,
            values: None,
            web: None,
            unread_web: None,
            stream_window: SEND_BYTES,
            held_back: None,
            ending: None,
            seen: Seen::default(),
        }
    }

    /// The parts that a message concerns.
    pub(super) fn speaker(&mut self, index: u32) -> Speaker<'_> {
        Speaker {
            server: &mut self.server,
            session: &mut self.session,
            id: &mut self.id,
            output: &mut self.output,
            ending: &mut self.ending,
            half_open: &mut self.half_open,
            index,
            serial: self.serial,
            ways: Ways { bare: true, values_apart: self.values_apart, room_streams: self.takes_streams },
        }
    }

    /// The client opened its control stream: which other ways to it are there?
    pub(super) fn find_ways(&mut self) {
        self.spare_stream = self.connection.streams().open(Dir::Uni);
        self.takes_streams = self.spare_stream.is_some();
        self.values_apart = self.takes_streams || self.connection.datagrams().max_size().is_some();
    }

    /// What a stream that we open begins with.
    pub(super) fn stream_head(&self) -> &[u8] {
        self.web.as_ref().map_or(&[], |web| web.stream_head())
    }

    /// What a datagram begins with.
    pub(super) fn datagram_head(&self) -> &[u8] {
        self.web.as_ref().map_or(&[], |web| web.datagram_head())
    }

    /// Bytes that the path takes now. What is handed over beyond that could not be replaced by newer values.
    pub(super) fn room(&mut self, now: Instant) -> u64 {
        let Room { window, in_flight, .. } = congestion::room(self.connection.congestion_state());
        self.stream_window = 2 * window + STREAM_AHEAD_BYTES;
        let packet = u64::from(self.connection.current_mtu());
        if in_flight == 0 || in_flight + packet < window {
            self.held_back = None;
            return window - in_flight;
        }
        // Packets that only acknowledge count until something is heard of; who has sent nothing else would wait forever.
        let patience = 2 * self.connection.rtt() + HELD_BACK_MAX;
        let since = *self.held_back.get_or_insert(now);
        if now.duration_since(since) > patience {
            self.held_back = Some(now);
            return packet;
        }
        0
    }

    /// When somebody must look at it.
    pub(super) fn due(&self, times: &Times) -> Option<Monotonic> {
        if self.over {
            return None;
        }
        if let Some(ending) = &self.ending {
            return Some(ending.until);
        }
        // While input is held the client can't be blamed for its silence.
        if self.held.is_none() { self.server.poll_timeout(times) } else { None }
    }

    /// Its time is over: for saying hello, for any sign of life, or for going.
    pub(super) fn time_out(&mut self, now: Monotonic, rim: &mut Rim) {
        if self.ending.is_some() {
            self.cut();
            return;
        }
        let Some(code) = self.server.handle_timeout(now, &rim.times) else { return };
        match self.session {
            Some(session) => {
                rim.figures.rim.heartbeat_timeouts += 1;
                let now = rim.clock.now();
                rim.core.handle_end(now, session, code.number(), code.text());
            }
            None => {
                rim.figures.rim.handshake_timeouts += 1;
                self.end(now, Some((code.number(), code.text().to_owned())));
            }
        }
    }

    /// Says goodbye when everything else is said.
    pub(super) fn end(&mut self, now: Monotonic, close: Option<(u16, String)>) {
        if self.ending.is_none() {
            self.ending = Some(Ending::begin(now, close));
        }
    }

    /// Closes at once, with the code that it was about to close with.
    pub(super) fn cut(&mut self) {
        let close = self.ending.as_mut().and_then(|ending| ending.close.take());
        let (code, reason) = close.unwrap_or_default();
        if !self.close_web(code, &reason) {
            // The connection follows once that has arrived.
            return;
        }
        let code = if self.web.is_some() { super::web::NO_ERROR } else { VarInt::from(code) };
        self.connection.close(Instant::now(), code, Bytes::from(reason.into_bytes()));
    }

    /// Whether there is something of ours to say.
    pub(super) const fn has_output(&self) -> bool {
        self.said < self.output.len()
    }
}
