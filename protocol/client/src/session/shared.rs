//! What the handles of a session share with its driver beside the queue of orders: own values, wishes, estimates.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use quinn::Connection;
use ringway_protocol::{Lane, SessionId};

use super::Publish;
use super::order::CheckedName;
use crate::conflated::Conflated;
use crate::{Bounds, Clock, Lost};

/// Which own value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Own {
    room: Box<str>,
    key: Option<Box<str>>,
    lane: Lane,
}

pub(super) struct Shared {
    state: Mutex<State>,
}

struct State {
    values: Conflated<Own, (CheckedName, Publish)>,
    turn: u64,
    closing: bool,
    driver: Option<Waker>,
    estimates: Estimates,
}

/// What the driver knew when it last ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimates {
    pub(super) session: SessionId,
    pub(super) clock: Option<Clock>,
    pub(super) rtt: Option<Duration>,
    pub(super) connection: Option<Connection>,
    pub(super) waiting_bytes: usize,
    pub(super) lost: Lost,
}

impl Shared {
    pub(super) fn new(bounds: &Bounds) -> Self {
        Self {
            state: Mutex::new(State {
                values: Conflated::new(bounds.values, bounds.value_bytes),
                turn: 0,
                closing: false,
                driver: None,
                estimates: Estimates::default(),
            }),
        }
    }

    /// The newest value of its room and key.
    pub(super) fn put(&self, room: &str, name: CheckedName, publish: Publish) {
        self.change(|state| {
            state.turn += 1;
            let own = Own { room: room.into(), key: publish.key.clone(), lane: publish.lane };
            let bytes = publish.body.len();
            state.values.put(state.turn, own, (name, publish), bytes);
        });
    }

    /// The session is to end now.
    pub(super) fn close(&self) {
        self.change(|state| state.closing = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        if let Some(driver) = state.driver.take() {
            drop(state);
            driver.wake();
        }
    }

    /// The value that waited longest; without one, the driver is woken when there is.
    pub(super) fn take(&self, context: &mut Context<'_>) -> Option<(CheckedName, Publish)> {
        let mut state = self.state();
        let value = state.values.pop();
        if value.is_none() {
            state.driver = Some(context.waker().clone());
        }
        value.map(|(_, value)| value)
    }

    /// Whether the session is to end; if not, the driver is woken when it is.
    pub(super) fn is_closing(&self, context: &mut Context<'_>) -> bool {
        let mut state = self.state();
        state.driver = Some(context.waker().clone());
        state.closing
    }

    pub(super) fn estimates(&self) -> Estimates {
        let state = self.state();
        let mut estimates = state.estimates.clone();
        let (replaced, dropped) = state.values.lost();
        estimates.lost.replaced += replaced;
        estimates.lost.dropped += dropped;
        estimates.waiting_bytes += state.values.bytes();
        estimates
    }

    pub(super) fn estimate(&self, estimates: Estimates) {
        self.state().estimates = estimates;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
