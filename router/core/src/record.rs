//! What an owner sends of a slot to the node that stands by for it, or that is about to own it: everything that must outlive
//! the owner, record by record.
//!
//! A stream of records begins with [`Content::Begin`], then holds each room with its past, then whatever happens to rooms that
//! were sent. Numbers rise by one from 1; the receiver says how far it holds them ([`crate::message::Ack`]).

use std::sync::Arc;

use ringway_protocol::{Epoch, Generation, Offset, Position, RoomHandle, SessionId, Version};

/// One record of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<S> {
    /// Which stream: a receiver that joins a later one drops the earlier's.
    pub stream: u32,
    /// Its place in the stream, from 1.
    pub number: u64,
    /// What it says.
    pub content: Content<S>,
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To have it, in case the owner is lost.
    Standby,
    /// To own it: members come as well.
    Handover,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<S> {
    /// From nothing.
    Begin(Purpose),
    /// A room, or a room that begins anew: what was sent of it before is void.
    Room(Box<RoomRecord>),
    /// The publication of the room's next offset.
    Publication {
        /// Which room.
        handle: RoomHandle,
        /// Its offset.
        offset: Offset,
        /// How long ago it was published, in milliseconds.
        age_ms: u32,
        /// User and `msg_id`, as the window of known ids keeps them.
        known: Option<Box<[u8]>>,
        /// The `message` frame.
        frame: S,
    },
    /// Ids of the window whose publications the history no longer has.
    Known {
        /// Which room.
        handle: RoomHandle,
        /// A part of them.
        known: Vec<KnownRecord>,
    },
    /// A key's value, or that it has none.
    Key(Box<KeyRecord<S>>),
    /// Members of a room; only in a handover.
    Members {
        /// Which room.
        handle: RoomHandle,
        /// Some of them.
        members: Vec<MemberRecord>,
    },
    /// The room ended.
    Ended {
        /// Which room.
        handle: RoomHandle,
    },
    /// Versions of rooms that ended: those that come back begin above.
    Floor(Version),
    /// All that there was when the stream began has been sent.
    Filled,
}

/// A room without its past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// Which.
    pub handle: RoomHandle,
    /// Its name.
    pub name: Box<str>,
    /// The order.
    pub epoch: Epoch,
    /// The offset that the past begins with.
    pub first: Offset,
    /// The newest version.
    pub version: Version,
    /// Every id published above this offset is known, if any is.
    pub known_above: Option<Offset>,
}

impl RoomRecord {
    /// Where the order stands before its first publication is sent.
    #[must_use]
    pub const fn start(&self) -> Position {
        Position { epoch: self.epoch, offset: Offset(self.first.0 - 1) }
    }
}

/// A key of the latest lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord<S> {
    /// Which room.
    pub handle: RoomHandle,
    /// Whose, empty where keys are the room's.
    pub user: Box<str>,
    /// Which.
    pub key: Box<str>,
    /// Its version.
    pub version: Version,
    /// Its value.
    pub value: Option<KeptKey<S>>,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKey<S> {
    /// Who set it.
    pub session: SessionId,
    /// Identity of (room, key).
    pub key_tag: u64,
    /// When it goes by itself, in milliseconds from now.
    pub expires_ms: Option<u32>,
    /// The `message` frame.
    pub frame: S,
}

/// An id, and where what carried it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRecord {
    /// Its publication's offset.
    pub offset: Offset,
    /// How long ago, in milliseconds.
    pub age_ms: u32,
    /// User and `msg_id`.
    pub known: Box<[u8]>,
}

/// A member in a handover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// Whose.
    pub session: SessionId,
    /// Which incarnation.
    pub generation: Generation,
    /// Their user.
    pub user: Arc<str>,
    /// What member lists show of them.
    pub info: Option<Arc<str>>,
    /// Whether it ever set a key.
    pub has_keys: bool,
}

impl<S> Record<S> {
    /// The frame that it carries, if it carries one.
    #[must_use]
    pub fn frame(&self) -> Option<&S> {
        match &self.content {
            Content::Publication { frame, .. } => Some(frame),
            Content::Key(key) => key.value.as_ref().map(|value| &value.frame),
            _ => None,
        }
    }

    /// With other frames.
    #[must_use]
    pub fn map<T>(self, mut change: impl FnMut(S) -> T) -> Record<T> {
        let content = match self.content {
            Content::Begin(purpose) => Content::Begin(purpose),
            Content::Room(room) => Content::Room(room),
            Content::Publication { handle, offset, age_ms, known, frame } => {
                Content::Publication { handle, offset, age_ms, known, frame: change(frame) }
            }
            Content::Known { handle, known } => Content::Known { handle, known },
            Content::Key(key) => {
                let KeyRecord { handle, user, key, version, value } = *key;
                let value = value.map(|kept| KeptKey {
                    session: kept.session,
                    key_tag: kept.key_tag,
                    expires_ms: kept.expires_ms,
                    frame: change(kept.frame),
                });
                Content::Key(Box::new(KeyRecord { handle, user, key, version, value }))
            }
            Content::Members { handle, members } => Content::Members { handle, members },
            Content::Ended { handle } => Content::Ended { handle },
            Content::Floor(version) => Content::Floor(version),
            Content::Filled => Content::Filled,
        };
        Record { stream: self.stream, number: self.number, content }
    }
}
