//! Where drivers wait until they may connect. Thread view.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::engine::Nanos;
use crate::engine::pacer::{Leave, Pacer};

/// The pace, and those who wait for it in order.
pub(super) struct Gate {
    pacer: Pacer,
    /// Let in, and not decided yet.
    opening: u32,
    queue: VecDeque<Rc<Ticket>>,
}

/// One driver's place.
#[derive(Default)]
pub(super) struct Ticket {
    place: Cell<Place>,
    waker: Cell<Option<Waker>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Connected, or without the wish.
    #[default]
    Away,
    Queued,
    /// On its way.
    Inside,
    /// It will not come again.
    Gone,
}

impl Gate {
    pub(super) const fn new(pacer: Pacer) -> Self {
        Self { pacer, opening: 0, queue: VecDeque::new() }
    }

    /// Nobody is let in before this time.
    pub(super) const fn hold(&mut self, until: Nanos) {
        self.pacer.hold(until);
    }

    /// Whether somebody waits.
    pub(super) fn holds_some_up(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn poll_enter(&mut self, now: Nanos, ticket: &Rc<Ticket>, context: &Context<'_>) -> Poll<()> {
        if ticket.place.get() == Place::Away {
            ticket.place.set(Place::Queued);
            self.queue.push_back(Rc::clone(ticket));
            self.admit(now);
        }
        if ticket.place.get() == Place::Inside {
            return Poll::Ready(());
        }
        ticket.waker.set(Some(context.waker().clone()));
        Poll::Pending
    }

    /// Lets in as many as the pace allows.
    pub(super) fn admit(&mut self, now: Nanos) {
        while let Some(ticket) = self.queue.front() {
            let waits = ticket.place.get() == Place::Queued;
            if waits && self.pacer.ask(now, self.opening) != Leave::Given {
                return;
            }
            let Some(ticket) = self.queue.pop_front().filter(|_| waits) else { continue };
            ticket.place.set(Place::Inside);
            self.opening += 1;
            if let Some(waker) = ticket.waker.take() {
                waker.wake();
            }
        }
    }

    /// Its connection stands or has failed.
    pub(super) fn leave(&mut self, now: Nanos, ticket: &Ticket) {
        if ticket.place.get() == Place::Inside {
            ticket.place.set(Place::Away);
            self.opening -= 1;
            self.admit(now);
        }
    }

    /// It needs no connection any more.
    pub(super) fn quit(&mut self, now: Nanos, ticket: &Ticket) {
        self.leave(now, ticket);
        ticket.place.set(Place::Gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Pace;

    fn tickets() -> [Rc<Ticket>; 3] {
        std::array::from_fn(|_| Rc::default())
    }

    #[test]
    fn those_who_wait_come_in_one_after_the_other() {
        let mut gate = Gate::new(Pacer::new(Pace { rate: 0, concurrency: 1 }, Nanos(0)));
        let [first, second, third] = tickets();
        let context = Context::from_waker(Waker::noop());
        let enter = |gate: &mut Gate, ticket| gate.poll_enter(Nanos(0), ticket, &context);
        assert_eq!(enter(&mut gate, &first), Poll::Ready(()));
        assert_eq!(enter(&mut gate, &second), Poll::Pending);
        assert_eq!(enter(&mut gate, &third), Poll::Pending);
        gate.quit(Nanos(0), &second);
        gate.leave(Nanos(0), &first);
        gate.leave(Nanos(0), &first);
        assert_eq!(enter(&mut gate, &third), Poll::Ready(()), "who gave up holds nobody up");
        assert!(!gate.holds_some_up());
        assert_eq!(enter(&mut gate, &first), Poll::Pending, "it may come back in its turn");
    }

    #[test]
    fn while_it_is_held_nobody_comes_in() {
        let mut gate = Gate::new(Pacer::new(Pace { rate: 0, concurrency: 9 }, Nanos(0)));
        let [ticket, ..] = tickets();
        let context = Context::from_waker(Waker::noop());
        gate.hold(Nanos(10));
        assert_eq!(gate.poll_enter(Nanos(9), &ticket, &context), Poll::Pending);
        assert!(gate.holds_some_up());
        gate.admit(Nanos(10));
        assert_eq!(gate.poll_enter(Nanos(10), &ticket, &context), Poll::Ready(()));
    }
}
