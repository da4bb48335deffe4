//! What to publish, owned: a body and how it travels.

use bytes::Bytes;
use ringway_protocol::event::Place;
use ringway_protocol::session::client::Publication;
use ringway_protocol::{Body, BodyKind, Epoch, Lane, Position, RoomName, UnixMicros};

/// A publication to be. Made from a body, then shaped: `Publish::text("hi").key("pose").on(Lane::Latest)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// What the body is.
    pub kind: BodyKind,
    /// The body.
    pub body: Bytes,
    /// How it travels.
    pub lane: Lane,
    /// Key of the latest and unreliable lanes, at most 64 bytes; none is the empty key.
    pub key: Option<Box<str>>,
    /// Makes a reliable publish idempotent, so that it can be sent again after a lost connection: 1 to 32 bytes, unique
    /// for the user in the room.
    pub msg_id: Option<Box<[u8]>>,
    /// Whether the publisher, as a member, receives it, too.
    pub echo: bool,
}

impl Publish {
    const fn new(kind: BodyKind, body: Bytes) -> Self {
        Self { kind, body, lane: Lane::Reliable, key: None, msg_id: None, echo: true }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(BodyKind::Text, text.into().into())
    }

    /// One complete JSON value; the server checks it.
    #[must_use]
    pub fn json(json: impl Into<String>) -> Self {
        Self::new(BodyKind::Json, json.into().into())
    }

    /// Any bytes.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(BodyKind::Bytes, bytes.into())
    }

    /// Removes a key of the latest lane.
    #[must_use]
    pub fn removal(key: impl Into<Box<str>>) -> Self {
        Self::new(BodyKind::None, Bytes::new()).on(Lane::Latest).key(key)
    }

    /// On this lane.
    #[must_use]
    pub const fn on(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    /// Under this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Box<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// With this id.
    #[must_use]
    pub fn msg_id(mut self, id: impl Into<Box<[u8]>>) -> Self {
        self.msg_id = Some(id.into());
        self
    }

    /// Not to the publisher itself.
    #[must_use]
    pub const fn no_echo(mut self) -> Self {
        self.echo = false;
        self
    }

    pub(super) fn publication<'a>(
        &'a self,
        room: RoomName<'a>,
        answer: bool,
        retry: Option<Position>,
    ) -> Publication<'a> {
        Publication {
            room,
            body: Body { kind: self.kind, bytes: &self.body },
            lane: self.lane,
            key: self.key.as_deref(),
            msg_id: self.msg_id.as_deref(),
            retry,
            echo: self.echo,
            answer,
        }
    }
}

/// The server's word that it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The room's epoch.
    pub epoch: Epoch,
    /// The place it took.
    pub place: Place,
    /// The server's time of it.
    pub time: UnixMicros,
    /// It had been published before under its `msg_id`; nothing was published now.
    pub duplicate: bool,
}
