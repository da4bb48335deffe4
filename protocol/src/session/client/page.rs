//! Asking for pages: of a room's past and of its members. The command is given to the driver at once, as with publishes.

use super::{Client, NotPublished, Request, RoomIndex, State};
use crate::command::{History, HistoryFrom, Presence};
use crate::time::Monotonic;
use crate::{Command, RequestId, RoomName};

impl Client {
    /// The command for a page of the room's past; its messages follow the answer with [`super::Phase::Page`]. The
    /// client must be a member: the messages name the room by its handle.
    ///
    /// # Errors
    /// Without a session or a membership, or with a full window of outstanding requests.
    pub fn history(
        &mut self,
        now: Monotonic,
        index: RoomIndex,
        from: HistoryFrom,
        limit: u32,
    ) -> Result<Command<'_>, NotPublished> {
        let id = Some(self.ask(now, index, Request::History(index))?);
        let room = self.name_of(index)?;
        Ok(Command::History(History { id, room, from, limit }))
    }

    /// The command for a page of the room's members, from the start or after the last page's cursor.
    ///
    /// # Errors
    /// Without a session or a membership, or with a full window of outstanding requests.
    pub fn presence(
        &mut self,
        now: Monotonic,
        index: RoomIndex,
        cursor: Option<u64>,
    ) -> Result<Command<'_>, NotPublished> {
        let id = Some(self.ask(now, index, Request::Presence(index))?);
        let room = self.name_of(index)?;
        Ok(Command::Presence(Presence { id, room, cursor }))
    }

    fn ask(&mut self, now: Monotonic, index: RoomIndex, request: Request) -> Result<RequestId, NotPublished> {
        if self.state != State::Ready || !self.is_in(index) {
            return Err(NotPublished::NotReady);
        }
        self.said = now;
        self.requests.open(request).ok_or(NotPublished::TooManyOutstanding)
    }

    fn name_of(&self, index: RoomIndex) -> Result<RoomName<'_>, NotPublished> {
        self.room(index).and_then(|room| RoomName::new(&room.name)).ok_or(NotPublished::NotReady)
    }
}
