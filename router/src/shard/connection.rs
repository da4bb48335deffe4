//! One client connection: what its transport is at, what it still has to say, and when somebody must look at it.
//!
//! An idle connection holds no buffer: bytes are read into the shard's scratch, frames wait in the core's outbox, and
//! `output` (what the rim itself says: the upgrade's response, pongs, close frames, echoes) is empty.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;

use ringway_core::{Monotonic, SessionKey};
use ringway_protocol::SessionId;
use ringway_protocol::session::server::{Server, Times};
use ringway_protocol::websocket::Decoder;
use ringway_protocol::websocket::handshake::HeadEnd;

use super::pace::Pace;
use crate::rt::{Io, Signal};
use crate::tls::Tls;
use crate::transport::admission::Origin;
use crate::transport::socket;

/// From the moment a connection is told to go until it is cut.
const LINGER_MS: u64 = 5_000;

/// One client connection.
pub(crate) struct Connection {
    pub(crate) io: Rc<Io>,
    /// What lies between the socket and everything else here, if the listener wants it.
    pub(crate) tls: Option<Box<Tls>>,
    /// The first bytes of a trusted proxy, while they may be a header that says whose connection it is.
    pub(crate) opening: Option<Vec<u8>>,
    pub(crate) stage: Stage,
    /// What the rim has to say before anything of the core's; `said` bytes of it are written.
    pub(crate) output: Vec<u8>,
    pub(crate) said: usize,
    /// Tells incarnations of the index apart.
    pub(crate) serial: u32,
    /// The valid entry in the wheel; 0: none.
    pub(crate) alarm: u64,
    pub(crate) accepted: Monotonic,
    /// In the flush list.
    pub(crate) queued: bool,
    /// The socket is full: a writer task waits, nothing is offered meanwhile.
    pub(crate) full: bool,
    /// It was cut: its reader cleans up as soon as it runs.
    pub(crate) dead: bool,
    /// Counted as half-open.
    pub(crate) half_open: bool,
    /// What its address counts as.
    pub(crate) origin: Option<Origin>,
    /// Input that can't be handled yet; the reader waits.
    pub(crate) held: Option<Box<Held>>,
    /// It is not read until its output is written.
    pub(crate) paused: Option<Rc<Signal>>,
    /// What is known of its network, once it held values of the `latest` lane.
    pub(crate) pace: Option<Box<Pace>>,
    /// The connection is about to end.
    pub(crate) ending: Option<Box<Ending>>,
}

/// What its transport is at.
pub(crate) enum Stage {
    /// The head of the upgrade request.
    Upgrade(Box<Upgrading>),
    /// A client of the protocol.
    Client(Client),
    /// The diagnostic endpoint.
    Echo(Box<Decoder>),
    /// Nothing is read any more but the end.
    Over,
}

/// The head so far.
pub(crate) struct Upgrading {
    pub(crate) peer: SocketAddr,
    pub(crate) head: Vec<u8>,
    pub(crate) end: HeadEnd,
}

/// A client of the protocol.
pub(crate) struct Client {
    pub(crate) decoder: Decoder,
    pub(crate) server: Server,
    pub(crate) session: Option<SessionKey>,
    /// The session's public id; 0 before there is one.
    pub(crate) id: SessionId,
}

/// Input of a client that must wait: for room at an owner, or for its turn at the token checks.
pub(crate) struct Held {
    /// What is left of the message that was begun: unmasked, from the frame on that must wait.
    pub(crate) message: Vec<u8>,
    pub(crate) is_text: bool,
    /// What follows it, as it came.
    pub(crate) rest: Vec<u8>,
    /// Wakes the reader.
    pub(crate) go_on: Rc<Signal>,
}

/// How it ends.
pub(crate) struct Ending {
    /// The close frame's code; `None`: the transport has no close frame (yet), or it is said already.
    pub(crate) close: Option<(u16, String)>,
    /// TLS said that it ends.
    pub(crate) notified: bool,
    /// Nothing more will be written.
    pub(crate) finished: bool,
    /// Then it is cut.
    pub(crate) until: Monotonic,
}

impl Ending {
    pub(crate) fn begin(now: Monotonic, close: Option<(u16, String)>) -> Box<Self> {
        Box::new(Self { close, notified: false, finished: false, until: now.plus_ms(LINGER_MS) })
    }
}

impl Connection {
    pub(crate) fn descriptor(&self) -> RawFd {
        self.io.as_raw_fd()
    }

    /// The session in the core, if there is one.
    pub(crate) const fn session(&self) -> Option<SessionKey> {
        match &self.stage {
            Stage::Client(client) => client.session,
            _ => None,
        }
    }

    /// Whether the rim itself has something to say.
    pub(crate) const fn has_output(&self) -> bool {
        self.said < self.output.len()
    }

    /// When somebody must look at it.
    pub(crate) fn due(&self, times: &Times) -> Option<Monotonic> {
        if let Some(ending) = &self.ending {
            return Some(ending.until);
        }
        match &self.stage {
            Stage::Upgrade(_) => Some(self.accepted.plus_ms(times.handshake_ms)),
            // While input is held the client can't be blamed for its silence.
            Stage::Client(client) if self.held.is_none() => client.server.poll_timeout(times),
            Stage::Client(_) | Stage::Echo(_) | Stage::Over => None,
        }
    }

    /// Ends it at once: the reader finds the end and cleans up.
    pub(crate) fn cut(&mut self) {
        self.dead = true;
        socket::cut(&*self.io);
        if let Some(held) = self.held.take() {
            held.go_on.raise();
        }
        if let Some(paused) = self.paused.take() {
            paused.raise();
        }
    }

    /// Says goodbye when everything else is written, then closes; in any case after [`LINGER_MS`].
    pub(crate) fn end(&mut self, now: Monotonic, close: Option<(u16, String)>) {
        if self.ending.is_none() {
            self.ending = Some(Ending::begin(now, close));
        }
    }
}
