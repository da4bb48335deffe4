//! What the handles of a session ask of its driver, and how it can fail.

use std::fmt;
use std::sync::Arc;

use ringway_protocol::command::HistoryFrom;
use ringway_protocol::session::client::{JoinOptions, RoomIndex};
use ringway_protocol::{Position, RoomName};
use tokio::sync::oneshot;

use super::{Joined, Member, Message, Publish, Published, Refusal};

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, SessionError>>;

/// Why something asked of a session did not come about.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionError {
    /// Not a room's name: 1 to 128 bytes without control characters.
    BadRoomName,
    /// The server refused.
    Refused(Refusal),
    /// The frame would be larger than the server takes.
    TooLarge,
    /// The client is not a member of the room.
    NotJoined,
    /// The connection ended before the answer: whether it was done is not known.
    Interrupted,
    /// The session is over.
    Closed,
}

impl fmt::Display for SessionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRoomName => {
                formatter.write_str("a room's name is 1 to 128 bytes without control characters")
            }
            Self::Refused(refusal) => write!(formatter, "the server refused: {refusal}"),
            Self::TooLarge => formatter.write_str("the publication is larger than the server takes"),
            Self::NotJoined => formatter.write_str("not a member of the room"),
            Self::Interrupted => formatter
                .write_str("the connection ended before the answer: whether it was done is not known"),
            Self::Closed => formatter.write_str("the session is over"),
        }
    }
}

impl std::error::Error for SessionError {}

/// A name that was checked.
#[derive(Clone, Debug)]
pub(super) struct CheckedName(Arc<str>);

impl CheckedName {
    pub(super) fn new(name: &str) -> Result<Self, SessionError> {
        RoomName::new(name).map(|name| Self(name.as_str().into())).ok_or(SessionError::BadRoomName)
    }

    pub(super) fn get(&self) -> Option<RoomName<'_>> {
        RoomName::new(&self.0)
    }
}

/// A page of a room's past.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Whether there is more that way.
    pub more: bool,
}

/// A page of a room's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresencePage {
    /// Members in all.
    pub count: u32,
    /// This page.
    pub members: Vec<Member>,
    /// Ask with it for the next page; none: this was the last.
    pub cursor: Option<u64>,
}

pub(super) enum Order {
    Join {
        room: CheckedName,
        options: JoinOptions,
        reply: Reply<(RoomIndex, Joined)>,
    },
    Leave {
        room: RoomIndex,
        reply: Reply<()>,
    },
    Publish(Post),
    History {
        room: RoomIndex,
        from: HistoryFrom,
        limit: u32,
        reply: Reply<HistoryPage>,
    },
    Presence {
        room: RoomIndex,
        cursor: Option<u64>,
        reply: Reply<PresencePage>,
    },
    Refresh(Box<str>),
    /// Answered when all that was said before has arrived.
    Flush(Reply<()>),
    /// For tests of what follows: break the connection.
    Break,
}

/// A publish on its way to the server.
pub(super) struct Post {
    pub(super) room: CheckedName,
    pub(super) publish: Publish,
    pub(super) reply: Option<Reply<Published>>,
    /// The position when it was first sent, if it was.
    pub(super) retry: Option<Position>,
}
