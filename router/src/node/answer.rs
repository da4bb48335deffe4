//! Answers to orders: tickets handed out by the handle, redeemed on the thread that empties the shards' queues.
//! Node view; shards only ever push a report.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// The node stopped before it answered, or its queue was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the shard is stopping or too busy to take orders")
    }
}

impl std::error::Error for Gone {}

/// What a shard will say to an order: await it, or [`wait`](Answer::wait) outside of any runtime.
#[must_use = "an answer that nobody waits for is lost"]
pub struct Answer<T>(pub(super) oneshot::Receiver<T>);

impl<T> Answer<T> {
    /// Blocks this thread until the answer is there.
    ///
    /// # Errors
    /// [`Gone`] when there will be none.
    ///
    /// # Panics
    /// Inside an asynchronous runtime: await it there.
    pub fn wait(self) -> Result<T, Gone> {
        self.0.blocking_recv().map_err(|_| Gone)
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Gone>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(|_| Gone)
    }
}

/// Answers that are awaited, by ticket.
pub(super) struct Pending<T> {
    waiting: Mutex<HashMap<u64, T>>,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self { waiting: Mutex::default() }
    }
}

impl<T> Pending<T> {
    pub(super) fn insert(&self, ticket: u64, waiter: T) {
        self.lock().insert(ticket, waiter);
    }

    pub(super) fn take(&self, ticket: u64) -> Option<T> {
        self.lock().remove(&ticket)
    }

    /// Runs on the waiter of a ticket; forgets it when `done` says so.
    pub(super) fn with(&self, ticket: u64, done: impl FnOnce(&mut T) -> bool) -> Option<T> {
        let mut waiting = self.lock();
        let finished = done(waiting.get_mut(&ticket)?);
        if finished { waiting.remove(&ticket) } else { None }
    }

    /// Forgets everybody: they learn that no answer will come.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
