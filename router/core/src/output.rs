//! What the core tells the rim, besides frames and messages to other shards.

use ringway_protocol::{ErrorCode, RoomHandle};

use crate::SessionKey;
use crate::message::ApiPublished;

/// One side effect. Coarse: never one per subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Flush what waits for this session, then close its connection with this code.
    Close(Close),
    /// A session whose command was refused as blocked may go on reading.
    Unblocked(SessionKey),
    /// An API publish ended.
    Answered {
        /// Matches the request.
        ticket: u64,
        /// Where it was published, or why not.
        result: Result<ApiPublished, ErrorCode>,
    },
}

/// An ending that the core decided. The `closing` frame is in the outbox already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// Which session; its state is gone from the core once the rim says that it closed.
    pub session: SessionKey,
    /// A number of `CloseCode`, or an operator's.
    pub code: u16,
    /// For people.
    pub reason: String,
    /// For the log: bytes that waited when it was decided.
    pub bytes_waiting: u64,
    /// For the log: age of the oldest frame that waited.
    pub age_ms: u64,
    /// For the log: the room that held most of it, if one did.
    pub room: Option<RoomHandle>,
    /// For the log: that room's name.
    pub room_name: Option<String>,
}
