//! A Rust client for Ringway: the protocol's session machine on quinn and tokio.
//!
//! Two layers. A [`Driver`] is one client as a future: it connects, resumes and verifies, and calls a [`Handler`]
//! synchronously with events that borrow from the bytes that came; nothing is queued or copied for a message. Thousands of
//! them run on one thread and share one UDP socket. A [`Session`] is the friendly API on top of one driver: async calls,
//! owned events, bounded queues.
//!
//! The transport is the URL's: `quic://`, `ws://`, `wss://`, or `https://` for WebTransport. The contract of the wire is
//! `docs/protocol.md`; what each side promises is checked by the machine in `ringway_protocol::session::client`.

mod budget;
mod clock;
mod config;
mod conflated;
mod connector;
mod driver;
mod fault;
mod handler;
mod link;
mod random;
mod session;
mod socket;
mod target;
mod time;
mod trust;

pub use budget::Budget;
pub use clock::Clock;
pub use config::{Bounds, Config};
pub use connector::Connector;
pub use driver::{Driver, Lost, NotSent, Outlet, Sent};
pub use fault::{ConnectFault, Ending};
pub use handler::{Arrival, Handler, Way};
pub use ringway_protocol::Lane;
pub use ringway_protocol::session::client::JoinOptions;
pub use session::{
    Event, Events, HistoryPage, Joined, Member, Message, PresencePage, Publish, Published, Refusal, Room,
    Session, SessionError, connect,
};
pub use socket::Socket;
pub use target::{BadUrl, Target, Transport};
pub use time::local_time;
pub use trust::Trust;
