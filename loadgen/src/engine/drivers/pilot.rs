//! The handler of one driver: tells the scenario what happens, does what it wants. Client view.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ringway_client::{Arrival, Handler, NotSent, Outlet, Way};
use ringway_protocol::codec::DecodeError;
use ringway_protocol::session::client::{Reconnect, Violation};
use ringway_protocol::{RoomName, SessionId};

use super::Shared;
use super::gate::Ticket;
use super::mailbox::{Draft, Letter};
use super::seat::Seat;
use crate::engine::{Breach, Ending, MemberId, Nanos, Observer, Seen};

/// One client's handler.
pub(super) struct Pilot<O> {
    id: MemberId,
    seat: Rc<Seat>,
    shared: Rc<Shared<O>>,
    ticket: Rc<Ticket>,
    /// This end breaks the connection.
    breaks: bool,
}

impl<O: Observer> Pilot<O> {
    pub(super) fn new(id: MemberId, seat: Rc<Seat>, shared: Rc<Shared<O>>) -> Self {
        Self { id, seat, shared, ticket: Rc::default(), breaks: false }
    }

    /// The driver is over.
    pub(super) fn finish(self) {
        self.shared.gate.borrow_mut().quit(Nanos::now(), &self.ticket);
        self.shared.running.set(self.shared.running.get() - 1);
    }

    fn tell(&self, at: Instant, seen: Seen<'_>) {
        let shared = &*self.shared;
        shared.told.set(shared.told.get() + 1);
        shared.observer.borrow_mut().observe(shared.nanos(at), self.id, seen);
    }

    fn publish(&self, outlet: &mut Outlet, draft: Box<Draft>) -> Poll<()> {
        let sent = draft.publication().map(|publication| outlet.publish(&publication));
        match sent {
            Some(Ok(_)) => {}
            Some(Err(NotSent::Full)) => {
                self.seat.put_back(draft);
                return Poll::Pending;
            }
            Some(Err(NotSent::NotReady | NotSent::TooLarge)) | None => {
                self.tell(outlet.now(), Seen::Unsent);
            }
        }
        Poll::Ready(())
    }

    fn carry_out(&mut self, outlet: &mut Outlet, letter: Letter) -> Poll<()> {
        match letter {
            Letter::Publish(draft) => return self.publish(outlet, draft),
            Letter::Join(room, options) => {
                if let Some(room) = RoomName::new(&room) {
                    outlet.join(room, options);
                }
            }
            Letter::LeaveRoom(room) => outlet.leave(room),
            Letter::Expect(room, position) => outlet.expect(room, position),
            Letter::Disconnect => {
                self.breaks = true;
                outlet.disconnect();
            }
            Letter::Leave => outlet.close(),
        }
        Poll::Ready(())
    }
}

impl<O: Observer> Handler for Pilot<O> {
    fn poll_connect(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let entered = self.shared.gate.borrow_mut().poll_enter(Nanos::now(), &self.ticket, context);
        if entered.is_ready() {
            self.breaks = false;
        }
        entered
    }

    fn handle_connected(&mut self, outlet: &mut Outlet, took: Duration) {
        let now = outlet.now();
        self.shared.gate.borrow_mut().leave(self.shared.nanos(now), &self.ticket);
        let first = outlet.client().session() == SessionId(0);
        self.tell(now, Seen::Opened { took, first });
    }

    fn handle_event(&mut self, outlet: &mut Outlet, arrival: Arrival<'_>) {
        if let Some(seen) = Seen::of(outlet.client(), arrival.reaction, arrival.event) {
            self.tell(arrival.at, seen);
        }
        self.seat.note(outlet);
    }

    fn handle_violation(&mut self, outlet: &mut Outlet, violation: &Violation) {
        self.tell(outlet.now(), Seen::Violation(Breach::of(outlet.client(), violation)));
    }

    fn handle_garbled(&mut self, outlet: &mut Outlet, way: Way, fault: &DecodeError) {
        let text = format!("{fault} (by {way:?})");
        self.tell(outlet.now(), Seen::Undecodable(&text));
    }

    fn handle_ended(&mut self, outlet: &mut Outlet, ending: &ringway_client::Ending, reconnect: Reconnect) {
        let now = outlet.now();
        self.shared.gate.borrow_mut().leave(self.shared.nanos(now), &self.ticket);
        let ending = if self.breaks { Ending::Ended } else { Ending::of(ending) };
        self.tell(now, Seen::Ended(&ending, reconnect));
        for _ in 0..self.seat.drop_publications() {
            self.tell(now, Seen::Unsent);
        }
        self.seat.note(outlet);
    }

    fn poll(&mut self, outlet: &mut Outlet, context: &mut Context<'_>) {
        // A full connection calls again when there is room.
        while let Some(letter) = self.seat.take() {
            if self.carry_out(outlet, letter).is_pending() {
                break;
            }
        }
        self.seat.attend(context);
        self.seat.note(outlet);
    }

    fn poll_ready(&mut self, _way: Way, context: &mut Context<'_>) -> Poll<()> {
        self.seat.poll_read(context)
    }
}
