//! One client's protocol state on its shard.

use ringway_protocol::{CloseCode, Format, Generation, RoomHandle, SessionId};

use crate::SessionKey;
use crate::access::Identity;
use crate::bucket::Bucket;
use crate::message::SessionRef;
use crate::outbox::Outbox;
use crate::time::Monotonic;

/// Whether a session still takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// `closing` is queued: what else comes is dropped.
    Closing,
}

/// A session.
pub(crate) struct Session<F> {
    pub(crate) key: SessionKey,
    pub(crate) id: SessionId,
    pub(crate) generation: Generation,
    pub(crate) identity: Identity,
    pub(crate) format: Format,
    pub(crate) phase: Phase,
    pub(crate) dirty: bool,
    /// The rim's own index.
    pub(crate) connection: u32,
    pub(crate) outbox: Outbox<F>,
    /// Rooms that have a stream of their own, from `joined` to `left`. `None`: the transport has no streams.
    pub(crate) room_streams: Option<Vec<RoomHandle>>,
    pub(crate) memberships: Vec<Membership>,
    /// Number of the newest membership.
    pub(crate) seats: u32,
    /// Seats that are catching up.
    pub(crate) catching_up: u32,
    /// Refusals since the last command that was taken.
    pub(crate) refusals: u32,
    pub(crate) bucket: Bucket,
    /// When it is told to go to another node, and why.
    pub(crate) go: Option<(Monotonic, CloseCode)>,
    pub(crate) tick_at: Option<Monotonic>,
}

/// A session's place in a room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) handle: RoomHandle,
    /// Which membership of the session this is.
    pub(crate) seat: u32,
    /// Index of its seat in the interest, once the owner has confirmed it.
    pub(crate) place: Option<u32>,
    /// Whether `presence_changed` is wanted.
    pub(crate) presence: bool,
    /// Whether a stream is wanted for the room.
    pub(crate) stream: bool,
}

impl<F> Session<F> {
    pub(crate) const fn reference(&self) -> SessionRef {
        SessionRef { key: self.key, id: self.id, generation: self.generation, format: self.format }
    }

    pub(crate) fn membership(&self, handle: RoomHandle) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.handle == handle)
    }

    pub(crate) fn membership_mut(&mut self, handle: RoomHandle) -> Option<&mut Membership> {
        self.memberships.iter_mut().find(|membership| membership.handle == handle)
    }

    /// Whether what is said of the room goes on a stream of its own.
    pub(crate) fn streams(&self, handle: RoomHandle) -> bool {
        self.room_streams.as_ref().is_some_and(|rooms| rooms.contains(&handle))
    }

    /// `joined` begins a stream if the membership wants one. One that was left before gets its few answers where others
    /// without membership are.
    pub(crate) fn begin_stream(&mut self, handle: RoomHandle, seat: u32) {
        let wanted = self.membership(handle).is_some_and(|one| one.seat == seat && one.stream);
        if let Some(rooms) = &mut self.room_streams
            && wanted
        {
            debug_assert!(!rooms.contains(&handle), "{handle} has a stream that was not ended");
            rooms.push(handle);
        }
    }

    /// A membership with a stream is over.
    pub(crate) fn end_stream(&mut self, handle: RoomHandle) {
        if let Some(rooms) = &mut self.room_streams
            && let Some(index) = rooms.iter().position(|room| *room == handle)
        {
            rooms.swap_remove(index);
        }
    }

    pub(crate) fn take_membership(&mut self, handle: RoomHandle) -> Option<Membership> {
        let index = self.memberships.iter().position(|membership| membership.handle == handle)?;
        Some(self.memberships.swap_remove(index))
    }
}
