//! What a handler can do, from within any of its calls.

use std::time::Instant;

use quinn::Connection;
use ringway_protocol::command::HistoryFrom;
use ringway_protocol::session::client::{Client, JoinOptions, NotPublished, Publication, RoomIndex, State};
use ringway_protocol::{Command, Lane, Position, RequestId, RoomName};

use super::out::{Out, Put, Slot};
use crate::clock::ClockSync;
use crate::time::monotonic;
use crate::{Bounds, Budget, Clock};

/// Bytes of a frame beside its texts and its body, at most.
const FRAME_OVERHEAD_BYTES: usize = 256;

/// The session machine and what waits to be sent, as a handler sees them.
pub struct Outlet {
    pub(crate) client: Client,
    pub(crate) out: Out,
    pub(crate) bounds: Bounds,
    pub(crate) sync: ClockSync,
    pub(super) now: Instant,
    /// Of QUIC.
    pub(crate) connection: Option<Connection>,
    /// The handler wants the connection to break.
    pub(super) breaks: bool,
    /// Somebody was refused for want of room.
    pub(super) wanted: bool,
    pub(super) stale: u64,
}

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is among the bytes for the connection; with the id that `published` will carry, if it will come.
    Stream(Option<RequestId>),
    /// It went as a datagram.
    Datagram,
    /// The connection takes no more: it waits as the newest value of its room and key, and a newer one replaces it.
    Waits,
}

/// Why a publish, or a question, was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// There is no session now, or no membership where one is needed.
    NotReady,
    /// The connection takes no more; [`Handler::poll`](crate::Handler::poll) runs when it does.
    Full,
    /// It is larger than the server takes.
    TooLarge,
}

impl From<NotPublished> for NotSent {
    fn from(reason: NotPublished) -> Self {
        match reason {
            NotPublished::NotReady => Self::NotReady,
            NotPublished::TooManyOutstanding => Self::Full,
        }
    }
}

/// What was not sent or not told, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Own values that a newer one of their key replaced before they were sent.
    pub replaced: u64,
    /// Own values that were dropped: too many keys waited, the room was left, or the connection ended.
    pub dropped: u64,
    /// Values from the server that were not read before a newer one of their key came, or more came than are kept: of a
    /// [`Session`](crate::Session) only.
    pub unread: u64,
    /// Values from the server that a newer one of their key had overtaken on its way.
    pub stale: u64,
}

impl Outlet {
    pub(super) fn new(client: Client, bounds: &Bounds) -> Self {
        Self {
            client,
            out: Out::new(bounds),
            bounds: *bounds,
            sync: ClockSync::default(),
            now: Instant::now(),
            connection: None,
            breaks: false,
            wanted: false,
            stale: 0,
        }
    }

    /// Publishes now. Values of the latest and unreliable lanes that want no answer are never refused for want of room:
    /// of those the newest of each room and key waits. The unreliable ones go as datagrams where there are datagrams and
    /// the frame fits.
    ///
    /// # Errors
    /// Nothing was published; [`NotSent`] says why.
    pub fn publish(&mut self, what: &Publication<'_>) -> Result<Sent, NotSent> {
        self.want_connection()?;
        let answered = what.answer || (what.lane == Lane::Reliable && !what.echo);
        let is_value = what.lane != Lane::Reliable && !answered;
        if !is_value {
            self.want_room()?;
        }
        let texts = what.room.as_str().len() + what.key.map_or(0, str::len);
        let most = self.client.limits().frame_bytes as usize;
        if self.is_ready() && texts + what.body.bytes.len() + FRAME_OVERHEAD_BYTES > most {
            return Err(NotSent::TooLarge);
        }
        // What the machine has to say comes first: a join before what is published in the room.
        self.speak();
        let command = self.client.publish(monotonic(self.now), what)?;
        if !is_value {
            self.out.command(&command);
            return Ok(Sent::Stream(command.id()));
        }
        let slot = || Slot {
            room: what.room.as_str().into(),
            key: what.key.unwrap_or_default().into(),
            lane: what.lane,
        };
        Ok(match self.out.value(&command, slot, what.lane == Lane::Unreliable) {
            Put::Written => Sent::Stream(None),
            Put::Datagram => Sent::Datagram,
            Put::Waits => Sent::Waits,
        })
    }

    /// Becomes a member as soon as there is a session, and again after each reconnect.
    pub fn join(&mut self, room: RoomName<'_>, options: JoinOptions) -> RoomIndex {
        self.client.join(room, options)
    }

    /// Stops being a member. Values for the room that wait are dropped.
    pub fn leave(&mut self, room: RoomIndex) {
        if let Some(held) = self.client.room(room) {
            self.out.forget(held.name());
        }
        self.client.leave(room);
    }

    /// Asks for the server's time: the `pong`, which carries this id, feeds the [clock](Self::clock), and says that what
    /// was said before has arrived. `None`: not now.
    pub fn ping(&mut self) -> Option<RequestId> {
        self.client.ping();
        self.speak()
    }

    /// Tells the server of a newer token.
    pub fn refresh(&mut self, token: &str) {
        self.client.refresh(token);
    }

    /// Asks for a page of a room's past.
    ///
    /// # Errors
    /// Nothing was asked; [`NotSent`] says why.
    pub fn history(&mut self, room: RoomIndex, from: HistoryFrom, limit: u32) -> Result<RequestId, NotSent> {
        self.ask(|client, now| client.history(now, room, from, limit))
    }

    /// Asks for a page of a room's members.
    ///
    /// # Errors
    /// Nothing was asked; [`NotSent`] says why.
    pub fn presence(&mut self, room: RoomIndex, cursor: Option<u64>) -> Result<RequestId, NotSent> {
        self.ask(|client, now| client.presence(now, room, cursor))
    }

    /// The end of a run: the room should have been seen up to `position`. What is missing is told as a
    /// [violation](crate::Handler::handle_violation).
    pub fn expect(&mut self, room: RoomIndex, position: Position) {
        self.client.handle_end(room, position);
    }

    /// Leaves for good: memberships end at once, and the driver ends. What was said and is not on its way is lost; a
    /// `pong` says that what came before its `ping` arrived.
    pub fn close(&mut self) {
        self.client.close();
    }

    /// Breaks the connection; the client comes back and resumes.
    pub const fn disconnect(&mut self) {
        self.breaks = true;
    }

    /// The session machine: rooms, positions, state.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether there is a session on which to publish.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.client.state() == State::Ready && !self.breaks
    }

    /// When the driver last looked at the clock: at the latest when the bytes of what is handled were read.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The server's clock, once a `pong` came.
    #[must_use]
    pub fn clock(&self) -> Option<Clock> {
        self.sync.clock()
    }

    /// Pings that fed the clock, of the last eight.
    #[must_use]
    pub fn clock_samples(&self) -> usize {
        self.sync.len()
    }

    /// What the connection can carry.
    #[must_use]
    pub fn budget(&self) -> Budget {
        Budget::of(self.connection.as_ref(), self.sync.rtt(), self.waiting_bytes())
    }

    /// Bytes that the transport has not taken, values included.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.out.waiting_bytes() + self.out.value_bytes()
    }

    /// What was not sent or not told so far.
    #[must_use]
    pub const fn lost(&self) -> Lost {
        let (replaced, dropped) = self.out.lost();
        Lost { replaced, dropped, unread: 0, stale: self.stale }
    }

    /// The QUIC connection, where the transport is one.
    #[must_use]
    pub const fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Moves what the machine has to say to the bytes for the connection; the id if the last of it was a ping.
    pub(super) fn speak(&mut self) -> Option<RequestId> {
        let mut ping = None;
        while let Some(command) = self.client.poll_command(monotonic(self.now)) {
            ping = if let Command::Ping { id } = command { id } else { None };
            self.out.command(&command);
        }
        ping
    }

    /// What is said on a connection that is about to be broken would be lost with it.
    const fn want_connection(&self) -> Result<(), NotSent> {
        if self.breaks { Err(NotSent::NotReady) } else { Ok(()) }
    }

    fn want_room(&mut self) -> Result<(), NotSent> {
        if self.out.is_full() {
            self.wanted = true;
            return Err(NotSent::Full);
        }
        Ok(())
    }

    fn ask(
        &mut self,
        question: impl FnOnce(&mut Client, ringway_protocol::time::Monotonic) -> Result<Command<'_>, NotPublished>,
    ) -> Result<RequestId, NotSent> {
        self.want_connection()?;
        self.want_room()?;
        self.speak();
        let command = question(&mut self.client, monotonic(self.now))?;
        self.out.command(&command);
        command.id().ok_or(NotSent::NotReady)
    }
}
