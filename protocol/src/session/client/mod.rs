//! A client's side of a conversation: greeting, heartbeats, rooms and positions, requests, resume. Session view, pure.
//!
//! The drain contract: after every `handle_*` call encode what [`Client::poll_command`] gives, carry out
//! [`Client::poll_action`], take [`Client::poll_violation`], and call [`Client::handle_timeout`] at
//! [`Client::poll_timeout`]. Publishes are not queued: [`Client::publish`] gives the command to encode at once.
//!
//! A client outlives its connections. When one ends, rooms keep their positions; the next `welcome` is followed by
//! joins with `since`, in the room's own order or told by `gap`, `reset` or `recovered: false`. What the server says is
//! checked by a [`Verifier`] per room; a broken promise becomes a [`Violation`] and changes nothing else.
//!
//! Tens of thousands of clients share one process in the load generator, so state is compact and unallocated while
//! unused; per-room state is a few words, keys are followed only where there are any.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::SessionLimits;
use crate::time::Monotonic;
use crate::{RequestId, RoomHandle, SessionId};

mod connect;
mod held;
mod join;
mod page;
mod publish;
mod receive;
pub mod reconnect;
mod request;
mod room;
pub mod verify;
mod way;

#[cfg(test)]
mod tests;

pub use held::HELD_BYTES_MAX;
pub use join::JoinOptions;
pub use publish::{NotPublished, Publication};
pub use reconnect::Reconnect;
pub use request::{OUTSTANDING_MAX, Request};
pub use room::{Room, Stage};
pub use verify::{Fault, Phase, Verifier, Violation};
pub use way::Way;

use held::Held;
use request::Requests;

/// Violations kept until they are polled; further ones are only counted.
const VIOLATIONS_MAX: usize = 64;

/// A room of one client, by the order in which the client first named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomIndex(pub u32);

/// What many clients share: who they say they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A signed token; none asks to be anonymous.
    pub token: Option<Box<str>>,
    /// What the client is, for the server's logs.
    pub client: Option<Box<str>>,
    /// Whether joins after a resume list the latest-lane values held.
    pub versions: bool,
}

/// Where the conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No connection; [`Action::Connect`] asks for one when it is time.
    Disconnected,
    /// Connected, `hello` given, no `welcome` yet.
    Greeting,
    /// Welcome.
    Ready,
    /// Disconnected for good: the close code forbids to return, or nobody wants to.
    Ended,
}

/// What the driver is to do about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection, then call [`Client::handle_connected`].
    Connect,
    /// Close the connection, then call [`Client::handle_closed`] without a code.
    Close,
}

/// What an event meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// The session stands; rooms are being joined again.
    Welcomed {
        /// It is the session of the connection before.
        resumed: bool,
    },
    /// The client is a member of the room.
    Joined {
        /// Which.
        room: RoomIndex,
        /// As `joined` says.
        recovered: bool,
        /// Messages that follow as replay.
        replay: u32,
    },
    /// The client is no member any more.
    Left {
        /// Which.
        room: RoomIndex,
    },
    /// A publish was answered.
    Published {
        /// The publish.
        id: RequestId,
    },
    /// One publication.
    Message {
        /// Where.
        room: RoomIndex,
        /// Live, replay or page; `None`: it broke a promise.
        phase: Option<Phase>,
    },
    /// A value that is not newer than what came by another way, or of an older membership or order: nothing happened.
    Stale {
        /// Where.
        room: RoomIndex,
    },
    /// A message of a room that the client is not in: offer the frame to [`Client::hold`].
    UnknownRoom,
    /// Publications that will not come.
    Gap {
        /// Where.
        room: RoomIndex,
        /// How many.
        missed: u64,
    },
    /// The room's order began anew.
    Reset {
        /// Where.
        room: RoomIndex,
    },
    /// A request failed.
    Refused {
        /// Which.
        request: Request,
    },
    /// The server tells of a fault without a request.
    Faulted,
    /// A `ping` was answered.
    Pong {
        /// Microseconds there and back.
        rtt_us: u64,
    },
    /// The server is about to close.
    Closing,
    /// Any other answer or news: read it from the event.
    Told,
    /// It made no sense; a violation waits.
    OutOfPlace,
}

/// One client.
#[derive(Clone, Debug)]
pub struct Client {
    options: Arc<Options>,
    state: State,
    session: SessionId,
    resume: Option<Box<str>>,
    heartbeat_ms: u32,
    limits: SessionLimits,
    /// When the client last said, and last heard, anything.
    said: Monotonic,
    heard: Monotonic,
    rooms: Vec<Room>,
    /// Rooms by handle while joined, ascending.
    handles: Vec<(RoomHandle, RoomIndex)>,
    /// Rooms by name, ascending.
    names: Vec<RoomIndex>,
    requests: Requests,
    outgoing: VecDeque<Outgoing>,
    /// The token of the `refresh` last given out.
    refreshing: Box<str>,
    action: Option<Action>,
    /// Connection attempts that failed since the last `welcome`.
    attempt: u32,
    advised_ms: Option<u32>,
    reconnect_at: Option<Monotonic>,
    rejoin_at: Option<Monotonic>,
    joins_outstanding: u32,
    /// Frames that wait for an answer.
    held: Option<Box<Held>>,
    /// Frames given back that are not taken yet; those that must wait on are held anew.
    released: Option<Box<Held>>,
    violations: Vec<Violation>,
    violations_dropped: u64,
}

/// A command that waits for the connection, without what the client's own state can fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outgoing {
    Hello,
    Refresh(Box<str>),
    Join(RoomIndex),
    JoinMany(Vec<RoomIndex>),
    Leave(RoomIndex),
    Ping,
}

impl Client {
    /// A client without a connection that wants one now.
    #[must_use]
    pub fn new(options: Arc<Options>) -> Self {
        Self {
            options,
            state: State::Disconnected,
            session: SessionId::default(),
            resume: None,
            heartbeat_ms: 0,
            limits: SessionLimits::default(),
            said: Monotonic::default(),
            heard: Monotonic::default(),
            rooms: Vec::new(),
            handles: Vec::new(),
            names: Vec::new(),
            requests: Requests::default(),
            outgoing: VecDeque::new(),
            refreshing: Box::default(),
            action: Some(Action::Connect),
            attempt: 0,
            advised_ms: None,
            reconnect_at: None,
            rejoin_at: None,
            joins_outstanding: 0,
            held: None,
            released: None,
            violations: Vec::new(),
            violations_dropped: 0,
        }
    }

    /// Where the conversation stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The session's public id; 0 before the first `welcome`.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// What the server allows; zeros before the first `welcome`.
    #[must_use]
    pub const fn limits(&self) -> SessionLimits {
        self.limits
    }

    /// A room of this client.
    #[must_use]
    pub fn room(&self, room: RoomIndex) -> Option<&Room> {
        self.rooms.get(room.0 as usize)
    }

    /// All rooms that the client ever named, in that order.
    #[must_use]
    pub fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// Requests without an answer yet.
    #[must_use]
    pub const fn outstanding(&self) -> u32 {
        self.requests.outstanding()
    }

    /// The oldest broken promise not yet taken.
    pub fn poll_violation(&mut self) -> Option<Violation> {
        (!self.violations.is_empty()).then(|| self.violations.remove(0))
    }

    /// Violations that came while 64 already waited.
    #[must_use]
    pub const fn violations_dropped(&self) -> u64 {
        self.violations_dropped
    }

    /// What to do about the connection.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.action.take()
    }

    fn violate(&mut self, room: Option<RoomIndex>, fault: Fault) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation { room, fault });
        } else {
            self.violations_dropped += 1;
        }
    }
}
