//! Publishing: the command is given to the driver at once and never queued here.

use super::{Client, Request, State};
use crate::command::Publish;
use crate::time::Monotonic;
use crate::{Body, Command, Lane, Position, RoomName};

/// Why a publish, or a question, was not given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPublished {
    /// There is no session now, or no membership of the room where one is needed.
    NotReady,
    /// Too many requests wait for an answer.
    TooManyOutstanding,
}

/// What to publish.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication<'a> {
    /// Where; the client need not be a member.
    pub room: RoomName<'a>,
    /// What.
    pub body: Body<'a>,
    /// How it travels.
    pub lane: Lane,
    /// Key of the latest and unreliable lanes.
    pub key: Option<&'a str>,
    /// Makes it idempotent.
    pub msg_id: Option<&'a [u8]>,
    /// Set on a retry: the position when this was first published.
    pub retry: Option<Position>,
    /// Whether the client, as a member, receives it too.
    pub echo: bool,
    /// Whether `published` is wanted; it always comes where `echo` is false on the reliable lane.
    pub answer: bool,
}

impl Client {
    /// The command to encode now; its id, if any, is answered by [`super::Reaction::Published`] or `Refused`.
    ///
    /// # Errors
    /// Without a session, or with a full window of outstanding requests.
    pub fn publish<'a>(
        &mut self,
        now: Monotonic,
        what: &Publication<'a>,
    ) -> Result<Command<'a>, NotPublished> {
        if self.state != State::Ready {
            return Err(NotPublished::NotReady);
        }
        let in_place = !what.echo && what.lane == Lane::Reliable;
        let id = if what.answer || in_place {
            let room = self.room_index(what.room.as_str());
            let request = Request::Publish { room, lane: what.lane, echo: what.echo };
            Some(self.requests.open(request).ok_or(NotPublished::TooManyOutstanding)?)
        } else {
            None
        };
        self.said = now;
        Ok(Command::Publish(Publish {
            id,
            room: what.room,
            body: what.body,
            lane: what.lane,
            key: what.key,
            msg_id: what.msg_id,
            retry: what.retry,
            echo: what.echo,
        }))
    }
}
