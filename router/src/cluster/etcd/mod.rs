//! The coordinator's engine on etcd: a thin layer between the member's requests and the API of etcd 3 (control thread; a node's view).
//!
//! `submit` puts a request into a bounded queue to one task, which starts a future for each, so that a beat never waits behind a slow
//! read; answers come back by a second bounded queue, which `poll` empties. [`Etcd::wake`] tells whoever drives the member that there is something to take.
//!
//! Invariants:
//! - Nothing is tried again here, and every request has a time-out: a silent or broken etcd is [`Event::Unknown`], of a watch [`Event::Broken`].
//! - One endpoint is used at a time. Whatever fails there moves everybody on to the next one, watches too: an endpoint that answers nobody
//!   would otherwise keep a watch that tells nothing.
//! - A watch says how far its rows go by the rows themselves: the revision in the header of etcd's answer may be ahead of them.

mod endpoint;
mod options;
mod task;
mod translate;
mod watch;

use std::sync::Arc;

use ringway_cluster::coordinator::{Coordinator, Event, Request, Token};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

pub use options::{EtcdOptions, EtcdTls, Login, Timeouts};

/// Requests that wait for the task.
const REQUESTS_MAX: usize = 256;
/// Requests on their way to etcd.
const IN_FLIGHT_MAX: usize = 128;
/// Answers that wait for `poll`. A watch that finds no room waits, and so does etcd.
const EVENTS_MAX: usize = 256;

/// etcd as a coordinator. It needs a tokio runtime, and ends when it is dropped.
#[derive(Debug)]
pub struct Etcd {
    requests: mpsc::Sender<(Token, Request)>,
    events: mpsc::Receiver<(Token, Event)>,
    wake: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Etcd {
    /// Begins; nothing has to answer yet.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(options: EtcdOptions) -> Self {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (answers, events) = mpsc::channel(EVENTS_MAX);
        let wake = Arc::new(Notify::new());
        let outbound = Outbound { events: answers, wake: Arc::clone(&wake) };
        let task = tokio::spawn(task::Task::new(options, outbound).run(asked));
        Self { requests, events, wake, task }
    }

    /// Is notified after every event that [`Coordinator::poll`] can take.
    #[must_use]
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }
}

impl Coordinator for Etcd {
    fn submit(&mut self, token: Token, request: Request) -> Result<(), Request> {
        self.requests.try_send((token, request)).map_err(|error| match error {
            mpsc::error::TrySendError::Full((_, request))
            | mpsc::error::TrySendError::Closed((_, request)) => request,
        })
    }

    fn poll(&mut self) -> Option<(Token, Event)> {
        self.events.try_recv().ok()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The way back to whoever polls.
#[derive(Clone, Debug)]
struct Outbound {
    events: mpsc::Sender<(Token, Event)>,
    wake: Arc<Notify>,
}

impl Outbound {
    /// Waits for room. `false` when nobody polls any more.
    async fn send(&self, token: Token, event: Event) -> bool {
        let sent = self.events.send((token, event)).await.is_ok();
        self.wake.notify_one();
        sent
    }
}
