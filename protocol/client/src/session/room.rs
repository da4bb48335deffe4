//! A room that a session has joined.

use std::sync::Arc;

use ringway_protocol::Position;
use ringway_protocol::command::HistoryFrom;
use ringway_protocol::session::client::RoomIndex;

use super::order::Order;
use super::{HistoryPage, Member, PresencePage, Publish, Published, Session, SessionError};

/// How a room stood when it was joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Where its order stood.
    pub position: Position,
    /// With `since`: the replay is exactly what was missed.
    pub recovered: bool,
    /// Members in all; 0 where the namespace does not tell.
    pub count: u32,
    /// The first members, at most 64.
    pub members: Vec<Member>,
}

/// A handle of a membership; clones are the same. The membership goes on when it is dropped.
#[derive(Clone)]
pub struct Room {
    session: Session,
    name: Arc<str>,
    index: RoomIndex,
    joined: Arc<Joined>,
}

impl Room {
    pub(super) fn new(session: Session, name: Arc<str>, index: RoomIndex, joined: Joined) -> Self {
        Self { session, name, index, joined: Arc::new(joined) }
    }

    /// The full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the room stood when it was joined; of a room that was joined already, without members.
    #[must_use]
    pub fn joined(&self) -> &Joined {
        &self.joined
    }

    /// As [`Session::publish`].
    ///
    /// # Errors
    /// As there.
    pub async fn publish(&self, publish: Publish) -> Result<(), SessionError> {
        self.session.publish(&self.name, publish).await
    }

    /// As [`Session::confirm`].
    ///
    /// # Errors
    /// As there.
    pub async fn confirm(&self, publish: Publish) -> Result<Published, SessionError> {
        self.session.confirm(&self.name, publish).await
    }

    /// As [`Session::put`].
    ///
    /// # Errors
    /// As there.
    pub fn put(&self, publish: Publish) -> Result<(), SessionError> {
        self.session.put(&self.name, publish)
    }

    /// A page of at most 256 of the room's past messages, oldest first.
    ///
    /// # Errors
    /// When the server refuses, the client is no member now, or the connection ended before the answer.
    pub async fn history(&self, from: HistoryFrom, limit: u32) -> Result<HistoryPage, SessionError> {
        let room = self.index;
        self.session.ask(|reply| Order::History { room, from, limit, reply }).await
    }

    /// A page of the room's members: from the start, or after the last page's cursor.
    ///
    /// # Errors
    /// As [`Room::history`].
    pub async fn presence(&self, cursor: Option<u64>) -> Result<PresencePage, SessionError> {
        let room = self.index;
        self.session.ask(|reply| Order::Presence { room, cursor, reply }).await
    }

    /// Stops being a member.
    ///
    /// # Errors
    /// When the server refuses, or the session is over.
    pub async fn leave(self) -> Result<(), SessionError> {
        let room = self.index;
        self.session.ask(|reply| Order::Leave { room, reply }).await
    }
}
