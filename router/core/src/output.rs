//! What the core tells the rim, besides frames and messages to other shards.

use ringway_cluster::Term;
use ringway_protocol::{ErrorCode, RoomHandle};

use crate::SessionKey;
use crate::message::ApiPublished;
use crate::route::PeerId;

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
    /// The cluster is to know something of a slot that is owned here.
    Slot {
        /// Which.
        slot: u16,
        /// Under what it is owned.
        term: Term,
        /// What.
        word: SlotWord,
    },
}

/// What an owner says to the cluster about one of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotWord {
    /// To be handed over, it takes nothing more, and all that it took is committed.
    Frozen,
    /// The next owner of the frozen slot holds all of it, or can't.
    Transferred {
        /// Whether it holds all.
        done: bool,
    },
    /// The standby has everything, and from now on commits wait for it.
    InSync {
        /// Who.
        standby: PeerId,
        /// Of which registration.
        registration: u64,
    },
    /// Commits wait for a standby that is out of reach, until the map says that they don't.
    StandbyLost,
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
