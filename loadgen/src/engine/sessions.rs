//! A thread's clients at work, whatever carries their frames. Thread view.
//!
//! Scenarios speak to [`Sessions`] and hear as [`Observer`]s; below are three engines. WebSocket clients live straight
//! on epoll ([`Direct`]): they are many and cheap, and what servers are measured with. QUIC and WebTransport clients
//! are drivers of `ringway-client` on a runtime of this thread ([`Drivers`]). Clients of other servers are on epoll
//! again, with a protocol of their own ([`Foreign`]).

use std::cell::RefMut;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use ringway_protocol::session::client::{JoinOptions, Options, Publication, RoomIndex};
use ringway_protocol::{Format, Position, RequestId, RoomName};

use super::direct::Direct;
use super::drivers::Drivers;
use super::foreign::Foreign;
use super::{Lost, MemberId, Nanos, Observer, Pace, Standing, Target};
use crate::args::{Protocol, TransportChoice};

/// One thread's clients, their connections, and the scenario that watches them.
pub struct Sessions<O>(Engine<O>);

enum Engine<O> {
    Direct(Box<Direct<O>>),
    Drivers(Box<Drivers<O>>),
    Foreign(Box<Foreign<O>>),
}

/// The scenario's own state; nothing happens to clients while it is held.
pub enum Observing<'a, O> {
    /// Straight on epoll.
    Direct(&'a mut O),
    /// Shared with drivers.
    Drivers(RefMut<'a, O>),
}

/// The same of whichever engine there is.
macro_rules! engine {
    ($self:ident, $engine:ident => $what:expr) => {
        match &mut $self.0 {
            Engine::Direct($engine) => $what,
            Engine::Drivers($engine) => $what,
            Engine::Foreign($engine) => $what,
        }
    };
}

impl<O: Observer + 'static> Sessions<O> {
    /// No clients yet; `first` is the number of this thread's first connection over all threads.
    ///
    /// # Errors
    /// When the kernel gives no epoll.
    pub fn new(target: Arc<Target>, pace: Pace, first: u32, observer: O) -> io::Result<Self> {
        if target.protocol != Protocol::Ringway {
            return Ok(Self(Engine::Foreign(Box::new(Foreign::new(target, pace, first, observer)?))));
        }
        Ok(Self(match target.transport {
            TransportChoice::Ws | TransportChoice::Tcp => {
                Engine::Direct(Box::new(Direct::new(target, pace, first, observer)?))
            }
            TransportChoice::Quic | TransportChoice::Wt => {
                Engine::Drivers(Box::new(Drivers::new(target, pace, first, observer)?))
            }
        }))
    }

    /// A new client, which connects as soon as the pace allows. JSON is spoken over WebSocket alone.
    pub fn add(&mut self, format: Format, options: &Arc<Options>) -> MemberId {
        match &mut self.0 {
            Engine::Direct(engine) => engine.add(format, options),
            Engine::Drivers(engine) => {
                debug_assert_eq!(format, Format::Binary);
                engine.add(options)
            }
            Engine::Foreign(engine) => engine.add(options),
        }
    }

    /// Lets a client join when it has a session, and again after each reconnect.
    pub fn join(&mut self, id: MemberId, room: RoomName<'_>, options: JoinOptions) -> Option<RoomIndex> {
        match &mut self.0 {
            Engine::Direct(engine) => engine.join(id, room, options),
            Engine::Drivers(engine) => engine.join(id, room, options),
            Engine::Foreign(engine) => engine.join(id, room),
        }
    }

    /// Lets a client leave a room that it named, of Ringway's: elsewhere a room is left with its connection.
    pub fn leave(&mut self, id: MemberId, room: RoomIndex) {
        match &mut self.0 {
            Engine::Direct(engine) => engine.leave(id, room),
            Engine::Drivers(engine) => engine.leave(id, room),
            Engine::Foreign(_) => {}
        }
    }

    /// Where a client stands.
    #[must_use]
    pub fn standing(&self, id: MemberId) -> Standing {
        match &self.0 {
            Engine::Direct(engine) => engine.standing(id),
            Engine::Drivers(engine) => engine.standing(id),
            Engine::Foreign(engine) => engine.standing(id),
        }
    }

    /// Values that were overtaken on their way to the clients, or replaced before they left them.
    #[must_use]
    pub fn lost(&self) -> Lost {
        match &self.0 {
            // What comes over one ordered stream is never overtaken, and what is written is never replaced.
            Engine::Direct(_) | Engine::Foreign(_) => Lost::default(),
            Engine::Drivers(engine) => engine.lost(),
        }
    }

    /// What the scenario counted and decided.
    pub fn observer(&mut self) -> Observing<'_, O> {
        match &mut self.0 {
            Engine::Direct(engine) => Observing::Direct(engine.observer()),
            Engine::Drivers(engine) => Observing::Drivers(engine.observer()),
            Engine::Foreign(engine) => Observing::Direct(engine.observer()),
        }
    }

    /// One pass: new connections, whatever is ready within `wait` (less if a timer is due), timers, closes. How much
    /// happened.
    ///
    /// # Errors
    /// When the system has no more sockets, or its readiness call fails.
    pub fn turn(&mut self, wait: Duration) -> io::Result<usize> {
        engine!(self, engine => engine.turn(wait))
    }

    /// Takes a publication over from the scenario, without sending it; false when the client has no session now. If it
    /// can't be sent after all, the observer hears of it: [`Seen::Unsent`](super::Seen::Unsent).
    pub fn publish(&mut self, now: Nanos, id: MemberId, what: &Publication<'_>) -> bool {
        match &mut self.0 {
            Engine::Direct(engine) => engine.publish(now, id, what).is_some(),
            Engine::Drivers(engine) => engine.publish(now, id, what),
            Engine::Foreign(engine) => engine.publish(id, what),
        }
    }

    /// The same, and which request it became: the answer has its id. WebSocket clients alone; `None` from others, and
    /// where nothing was taken over.
    pub fn publish_as(&mut self, now: Nanos, id: MemberId, what: &Publication<'_>) -> Option<RequestId> {
        match &mut self.0 {
            Engine::Direct(engine) => engine.publish(now, id, what).flatten(),
            Engine::Drivers(_) | Engine::Foreign(_) => None,
        }
    }

    /// Sends what a client has to say, as far as its connection takes it.
    pub fn flush(&mut self, id: MemberId) {
        engine!(self, engine => engine.flush(id));
    }

    /// Bytes that a client's connection has not taken.
    #[must_use]
    pub fn waiting_bytes(&mut self, id: MemberId) -> usize {
        engine!(self, engine => engine.waiting_bytes(id))
    }

    /// Ends a client's connection; it may come back. Over WebSocket with a close frame if there is a code, else by a
    /// reset; QUIC has no reset and always says 1001.
    pub fn close(&mut self, id: MemberId, code: Option<u16>) {
        match &mut self.0 {
            Engine::Direct(engine) => engine.close(id, code),
            Engine::Drivers(engine) => engine.disconnect(id),
            Engine::Foreign(engine) => engine.close(id, code),
        }
    }

    /// Begins no connection before this time.
    pub fn hold_connections(&mut self, until: Nanos) {
        engine!(self, engine => engine.hold_connections(until));
    }

    /// Ends a client for good.
    pub fn end(&mut self, id: MemberId) {
        engine!(self, engine => engine.end(id));
    }

    /// Stops or resumes reading what comes in order from a client's connection.
    pub fn read_from(&mut self, id: MemberId, read: bool) {
        engine!(self, engine => engine.read_from(id, read));
    }

    /// Reads at most so many bytes from a client's connection now, and says how many; over QUIC only on a
    /// [slow line](Target::receive_buffer_bytes), where they count as carried.
    pub fn read_some(&mut self, id: MemberId, bytes_max: usize) -> usize {
        match &mut self.0 {
            Engine::Direct(engine) => engine.read_some(id, bytes_max),
            Engine::Drivers(engine) => engine.carry(bytes_max),
            Engine::Foreign(engine) => engine.read_some(id, bytes_max),
        }
    }

    /// The end of a run: the room should have been seen up to `position`. What is missing is a violation, which the
    /// observer hears of before [`Self::finish`] returns.
    pub fn expect(&mut self, id: MemberId, room: RoomIndex, position: Position) {
        match &mut self.0 {
            Engine::Direct(engine) => engine.expect(id, room, position),
            Engine::Drivers(engine) => engine.expect(id, room, position),
            // Other servers have no positions.
            Engine::Foreign(_) => {}
        }
    }

    /// Lets clients that were [ended](Self::end) say what they still have to say; within two seconds.
    ///
    /// # Errors
    /// As [`Self::turn`].
    pub fn finish(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Engine::Direct(_) | Engine::Foreign(_) => Ok(()),
            Engine::Drivers(engine) => engine.finish(),
        }
    }
}

impl<O> Deref for Observing<'_, O> {
    type Target = O;

    fn deref(&self) -> &O {
        match self {
            Self::Direct(observer) => observer,
            Self::Drivers(observer) => observer,
        }
    }
}

impl<O> DerefMut for Observing<'_, O> {
    fn deref_mut(&mut self) -> &mut O {
        match self {
            Self::Direct(observer) => observer,
            Self::Drivers(observer) => observer,
        }
    }
}
