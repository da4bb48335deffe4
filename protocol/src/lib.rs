//! The wire without I/O: what SDK authors, the router, the load generator and the simulator agree on.
//!
//! [`Command`] is everything a client can say, [`Event`] everything a server can say; both are borrowed views that the
//! codecs ([`codec`]) read from and write to the two formats. The session machines ([`session`]) hold what both ends
//! must remember about a conversation. Nothing here reads a clock, a socket or a random source: time and bytes are
//! arguments. The contract in prose is `docs/protocol.md`.

pub mod body;
pub mod codec;
pub mod command;
pub mod congestion;
pub mod error;
pub mod event;
pub mod id;
pub mod limit;
pub mod room;
pub mod session;
pub mod time;
pub mod token;
pub mod websocket;
pub mod webtransport;

pub use body::{Body, BodyKind, Format, Lane};
pub use command::Command;
pub use error::{CloseCode, ErrorCode, Retry};
pub use event::Event;
pub use id::{
    ClusterKey, Epoch, Generation, NodeId, Offset, Position, RequestId, RoomHandle, SessionId, UnixMicros,
    Version,
};
pub use room::RoomName;
