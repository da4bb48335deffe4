//! Events that wait to be read: bounded whatever the reader does.
//!
//! What is in order waits in order, and when there is too much of it the connection is read no further. Of values only the
//! newest of each key waits; it keeps the place of the first. Both queues are read as one, in the order of those places.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use ringway_protocol::session::client::RoomIndex;
use ringway_protocol::{Lane, SessionId};

use super::Event;
use crate::conflated::Conflated;
use crate::{Bounds, Way};

/// Which value a message is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ValueKey {
    pub(super) room: RoomIndex,
    pub(super) lane: Lane,
    pub(super) user: Option<Box<str>>,
    /// Where there is no user.
    pub(super) session: Option<SessionId>,
    pub(super) key: Option<Box<str>>,
}

/// Between the driver and the reader.
pub(super) struct Inbox {
    state: Mutex<State>,
}

struct State {
    ordered: VecDeque<(u64, usize, Event)>,
    ordered_bytes: usize,
    values: Conflated<ValueKey, Event>,
    turn: u64,
    events_max: usize,
    bytes_max: usize,
    reader: Option<Waker>,
    driver: Option<Waker>,
    /// Nothing will come any more.
    over: bool,
    /// Nobody will read any more.
    deaf: bool,
}

impl Inbox {
    pub(super) fn new(bounds: &Bounds) -> Self {
        Self {
            state: Mutex::new(State {
                ordered: VecDeque::new(),
                ordered_bytes: 0,
                values: Conflated::new(bounds.events, bounds.event_bytes),
                turn: 0,
                events_max: bounds.events,
                bytes_max: bounds.event_bytes,
                reader: None,
                driver: None,
                over: false,
                deaf: false,
            }),
        }
    }

    /// An event whose order matters. The driver asks [`Inbox::poll_ready`] before.
    pub(super) fn push(&self, event: Event, bytes: usize) {
        self.tell(|state, turn| {
            state.ordered_bytes += bytes;
            state.ordered.push_back((turn, bytes, event));
        });
    }

    /// A value.
    pub(super) fn put(&self, key: ValueKey, event: Event, bytes: usize) {
        self.tell(|state, turn| state.values.put(turn, key, event, bytes));
    }

    fn tell(&self, tell: impl FnOnce(&mut State, u64)) {
        let mut state = self.state();
        if state.deaf {
            return;
        }
        state.turn += 1;
        let turn = state.turn;
        tell(&mut state, turn);
        if let Some(reader) = state.reader.take() {
            drop(state);
            reader.wake();
        }
    }

    /// Whether there is room for what comes this way.
    pub(super) fn poll_ready(&self, way: Way, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        let full = match way {
            Way::Control => state.ordered.len() >= state.events_max || state.ordered_bytes >= state.bytes_max,
            Way::Stream => state.values.is_full(),
            Way::Datagram => false,
        };
        if !full || state.deaf {
            return Poll::Ready(());
        }
        state.driver = Some(context.waker().clone());
        Poll::Pending
    }

    /// The next event; none when the session is over and all was read.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.state();
        let ordered = state.ordered.front().map(|(turn, ..)| *turn);
        let event = match (ordered, state.values.first()) {
            (Some(ordered), Some(value)) if value < ordered => state.values.pop().map(|(_, event)| event),
            (Some(_), _) => state.ordered.pop_front().map(|(_, bytes, event)| {
                state.ordered_bytes -= bytes;
                event
            }),
            (None, _) => state.values.pop().map(|(_, event)| event),
        };
        if event.is_none() && !state.over {
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        if let Some(driver) = state.driver.take() {
            drop(state);
            driver.wake();
        }
        Poll::Ready(event)
    }

    /// Values that newer ones replaced, and that were dropped, before they were read.
    pub(super) fn lost(&self) -> (u64, u64) {
        self.state().values.lost()
    }

    /// Nothing will come any more.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        if let Some(reader) = state.reader.take() {
            drop(state);
            reader.wake();
        }
    }

    /// Nobody will read any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.deaf = true;
        state.ordered.clear();
        state.ordered_bytes = 0;
        while state.values.pop().is_some() {}
        if let Some(driver) = state.driver.take() {
            drop(state);
            driver.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn left(room: &str) -> Event {
        Event::Left { room: room.into() }
    }

    fn key(key: &str) -> ValueKey {
        let (room, lane) = (RoomIndex(0), Lane::Latest);
        ValueKey { room, lane, user: None, session: Some(SessionId(1)), key: Some(key.into()) }
    }

    fn next(inbox: &Inbox) -> Option<Arc<str>> {
        match inbox.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Event::Left { room })) => Some(room),
            _ => None,
        }
    }

    #[test]
    fn a_value_keeps_the_place_of_the_first_and_events_their_order() {
        let inbox = Inbox::new(&Bounds::default());
        inbox.put(key("a"), left("a old"), 1);
        inbox.push(left("one"), 1);
        inbox.put(key("b"), left("b"), 1);
        inbox.put(key("a"), left("a new"), 1);
        inbox.push(left("two"), 1);
        let order: Vec<_> = std::iter::from_fn(|| next(&inbox)).collect();
        assert_eq!(order.iter().map(|room| &**room).collect::<Vec<_>>(), ["a new", "one", "b", "two"]);
        assert_eq!(inbox.lost(), (1, 0));
    }

    #[test]
    fn only_what_is_in_order_stops_the_reading() {
        let inbox = Inbox::new(&Bounds { events: 2, ..Bounds::default() });
        let mut context = Context::from_waker(Waker::noop());
        inbox.push(left("one"), 1);
        assert!(inbox.poll_ready(Way::Control, &mut context).is_ready());
        inbox.push(left("two"), 1);
        assert!(inbox.poll_ready(Way::Control, &mut context).is_pending());
        assert!(inbox.poll_ready(Way::Stream, &mut context).is_ready());
        assert_eq!(next(&inbox).as_deref(), Some("one"));
        assert!(inbox.poll_ready(Way::Control, &mut context).is_ready());
        for name in ["a", "b", "c"] {
            inbox.put(key(name), left(name), 1);
        }
        assert!(inbox.poll_ready(Way::Stream, &mut context).is_pending());
        inbox.close();
        assert!(inbox.poll_ready(Way::Stream, &mut context).is_ready(), "nobody will ever read");
    }

    #[test]
    fn what_waits_is_read_before_the_end_is_told() {
        let inbox = Inbox::new(&Bounds::default());
        inbox.push(left("last"), 1);
        inbox.end();
        assert_eq!(next(&inbox).as_deref(), Some("last"));
        let end = inbox.poll_next(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(end, Poll::Ready(None)));
    }
}
