//! What all transports share: the session machine, the handler, timers. Session view.
//!
//! A link runs in passes. Each begins with [`Core::turn`] (time and the handler's own sources), offers what was read to
//! [`Core::take`], and ends with [`Core::settle`], which says what is to be done about the connection.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use ringway_protocol::codec::{DecodeError, binary};
use ringway_protocol::event::Place;
use ringway_protocol::session::client::{Action, Client, Phase, Reaction, State, Way as Line};
use ringway_protocol::{ErrorCode, Event};
use tokio::time::Sleep;

use super::outlet::Outlet;
use crate::time::{instant, monotonic};
use crate::{Arrival, Connector, Handler, Way};

/// Own code for leaving: memberships end at once (docs/protocol.md, Transports).
pub(crate) const CODE_LEAVE: u16 = 0;
/// Own code for an ending that may be resumed: WebSocket's "going away".
pub(crate) const CODE_BREAK: u16 = 1001;

/// What is to be done about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Open one.
    Connect,
    /// Close it for good.
    Leave,
    /// Close it, to come back.
    Break,
}

impl Wish {
    /// The code to close with on QUIC; on WebSocket leaving has the RFC's own.
    pub(crate) const fn code(self) -> u16 {
        if matches!(self, Self::Leave) { CODE_LEAVE } else { CODE_BREAK }
    }
}

pub(crate) struct Core<H> {
    pub(crate) handler: H,
    pub(crate) outlet: Outlet,
    sleep: Pin<Box<Sleep>>,
    /// When an attempt to connect, or a connection whose end was announced, is given up.
    give_up: Option<Instant>,
}

impl<H: Handler> Core<H> {
    pub(crate) fn new(connector: &Connector, handler: H) -> Self {
        let client = Client::new(connector.options().clone());
        let outlet = Outlet::new(client, connector.bounds());
        Self {
            handler,
            outlet,
            sleep: Box::pin(tokio::time::sleep_until(Instant::now().into())),
            give_up: None,
        }
    }

    /// The clock, read anew.
    pub(crate) fn look_at_clock(&mut self) -> Instant {
        self.outlet.now = Instant::now();
        self.outlet.now
    }

    /// An end by this time, come what may; `welcome` calls it off.
    pub(crate) const fn give_up_at(&mut self, at: Option<Instant>) {
        self.give_up = at;
    }

    /// The connection is silent because nobody reads it.
    pub(crate) fn excuse_silence(&mut self) {
        self.outlet.client.handle_life(monotonic(self.outlet.now));
    }

    /// The beginning of a pass: what is due, and what the handler has of its own.
    pub(crate) fn turn(&mut self, context: &mut Context<'_>) {
        let now = self.look_at_clock();
        if self.outlet.client.poll_timeout().is_some_and(|at| at <= monotonic(now)) {
            self.outlet.client.handle_timeout(monotonic(now));
        }
        if self.handler.tick_at().is_some_and(|at| at <= now) {
            self.handler.handle_tick(&mut self.outlet);
        }
        self.handler.poll(&mut self.outlet, context);
    }

    /// One frame, and which line brought it.
    ///
    /// # Errors
    /// The bytes are no frame; the handler was told.
    pub(crate) fn take(&mut self, frame: &[u8], line: Line) -> Result<(), DecodeError> {
        let event = match binary::glance(frame) {
            Some(message) => {
                let now = monotonic(self.outlet.now);
                if let Place::Offset(offset) = message.place
                    && let Some(room) = self.outlet.client.handle_next(now, message.handle, offset)
                {
                    let reaction = Reaction::Message { room, phase: Some(Phase::Live) };
                    self.tell(&Event::Message(message), reaction, line.into());
                    return Ok(());
                }
                Event::Message(message)
            }
            None => match binary::decode_event(frame) {
                Ok(event) => event,
                // A newer server's.
                Err(fault) if fault.code == ErrorCode::UnknownType => return Ok(()),
                Err(fault) => {
                    self.handler.handle_garbled(&mut self.outlet, line.into(), &fault);
                    return Err(fault);
                }
            },
        };
        self.react(&event, frame, line, line.into());
        while let Some(held) = self.outlet.client.poll_held() {
            if let Ok(event) = binary::decode_event(&held) {
                self.react(&event, &held, Line::Apart, Way::Stream);
            }
        }
        Ok(())
    }

    fn react(&mut self, event: &Event<'_>, frame: &[u8], line: Line, way: Way) {
        let now = monotonic(self.outlet.now);
        let client = &mut self.outlet.client;
        let reaction = client.handle_event_on(now, line, event);
        match (reaction, event) {
            (Reaction::UnknownRoom, _) => {
                client.hold(frame);
                return;
            }
            (Reaction::Stale { .. }, _) => {
                self.outlet.stale += 1;
                return;
            }
            (Reaction::Welcomed { .. }, _) => self.give_up = None,
            (Reaction::Pong { rtt_us }, Event::Pong { time, .. }) => {
                self.outlet.sync.handle_pong(self.outlet.now, rtt_us, *time);
            }
            _ => {}
        }
        self.tell(event, reaction, way);
    }

    fn tell(&mut self, event: &Event<'_>, reaction: Reaction, way: Way) {
        let arrival = Arrival { event, reaction, way, at: self.outlet.now };
        self.handler.handle_event(&mut self.outlet, arrival);
    }

    /// Whether the handler takes more of what comes this way.
    pub(crate) fn is_ready(&mut self, way: Way, context: &mut Context<'_>) -> bool {
        self.handler.poll_ready(way, context).is_ready()
    }

    /// Before what waits is written: the machine's commands join it, and the handler hears of broken promises.
    pub(crate) fn speak(&mut self) {
        self.outlet.speak();
        while let Some(violation) = self.outlet.client.poll_violation() {
            self.handler.handle_violation(&mut self.outlet, &violation);
        }
    }

    /// The end of a pass, after the writing: a wish, or [`Again`]; `Pending` when there is nothing to do before the timer.
    pub(crate) fn settle(&mut self, context: &mut Context<'_>) -> Poll<Result<Wish, Again>> {
        if std::mem::take(&mut self.outlet.breaks) {
            return Poll::Ready(Ok(Wish::Break));
        }
        match self.outlet.client.poll_action() {
            Some(Action::Connect) => return Poll::Ready(Ok(Wish::Connect)),
            Some(Action::Close) if self.outlet.client.state() == State::Ended => {
                return Poll::Ready(Ok(Wish::Leave));
            }
            Some(Action::Close) => return Poll::Ready(Ok(Wish::Break)),
            None if self.outlet.client.state() == State::Ended => return Poll::Ready(Ok(Wish::Leave)),
            None => {}
        }
        if self.give_up.is_some_and(|at| at <= self.outlet.now) {
            self.give_up = None;
            return Poll::Ready(Ok(Wish::Break));
        }
        if self.outlet.wanted && self.outlet.out.has_room() {
            self.outlet.wanted = false;
            return Poll::Ready(Err(Again));
        }
        let due = [self.outlet.client.poll_timeout().map(instant), self.handler.tick_at(), self.give_up];
        let Some(due) = due.into_iter().flatten().min() else { return Poll::Pending };
        // Deadlines mostly move away while things happen: a timer that is early finds the next one when it fires.
        if self.sleep.is_elapsed() || self.sleep.deadline() > due.into() {
            self.sleep.as_mut().reset(due.into());
        }
        self.sleep.as_mut().poll(context).map(|()| Err(Again))
    }
}

/// There is more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Again;
