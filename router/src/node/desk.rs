//! The thread that takes the shards' reports: answers go to who waits, notices to the observer. Node view.
//!
//! Shards post into a bounded queue and ring a doorbell if this thread sleeps; that is all they ever do for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};

use ringway_mesh::{Inbound, Mailbox, Wake};
use tokio::sync::oneshot::Sender;

use super::answer::Pending;
use super::order::{PublishOutcome, Report};
use super::{NodeSnapshot, Notice, ShardSnapshot};

/// Reports that wait.
const REPORTS_MAX: usize = 4096;
/// Reports up to here may be notices; the rest of the queue is kept for answers.
const NOTICES_MAX: usize = 2048;

/// Unparks the desk's thread once it is there.
#[derive(Default)]
pub(crate) struct Lamp(Mutex<Option<Thread>>);

impl Wake for Lamp {
    fn wake(&self) {
        // Taken only by writers that found the desk asleep, and for the length of an unpark.
        if let Some(thread) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}

struct Shared {
    reports: Mailbox<Report, Lamp>,
    front: Arc<Inbound<Lamp>>,
    lost: AtomicU64,
    closing: AtomicBool,
}

/// A shard's end.
#[derive(Clone)]
pub(crate) struct Reports(Arc<Shared>);

impl Reports {
    /// Answers an order. Answers are as many as orders, and those are bounded below the queue.
    pub(crate) fn answer(&self, report: Report) {
        if self.0.reports.post(report).is_err() {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says something unasked; dropped and counted when the reader is behind.
    pub(crate) fn tell(&self, notice: Notice) {
        if self.0.reports.len() >= NOTICES_MAX || self.0.reports.post(Report::Notice(notice)).is_err() {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Who waits for an answer.
pub(super) enum Waiter {
    Published(Sender<PublishOutcome>),
    Disconnected { sender: Sender<u32>, missing: usize, count: u32 },
    Drained { sender: Sender<()>, missing: usize },
    Snapshot { sender: Sender<NodeSnapshot>, missing: usize, shards: Vec<ShardSnapshot> },
}

impl Waiter {
    pub(super) const fn published(sender: Sender<PublishOutcome>) -> Self {
        Self::Published(sender)
    }

    pub(super) const fn disconnected(sender: Sender<u32>, shards: usize) -> Self {
        Self::Disconnected { sender, missing: shards, count: 0 }
    }

    pub(super) const fn drained(sender: Sender<()>, shards: usize) -> Self {
        Self::Drained { sender, missing: shards }
    }

    pub(super) const fn snapshot(sender: Sender<NodeSnapshot>, shards: usize) -> Self {
        Self::Snapshot { sender, missing: shards, shards: Vec::new() }
    }
}

/// The desk: its queue and its thread. Dropping it ends the thread after what is in the queue.
pub(super) struct Desk {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    pub(super) fn open(
        pending: Arc<Pending<Waiter>>,
        observe: Box<dyn FnMut(Notice) + Send>,
    ) -> std::io::Result<Self> {
        let front = Arc::new(Inbound::new(1, Lamp::default()));
        let shared = Arc::new(Shared {
            reports: Mailbox::new(REPORTS_MAX, Arc::clone(&front), 0),
            front,
            lost: AtomicU64::new(0),
            closing: AtomicBool::new(false),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("ringway-desk".to_owned())
                .spawn(move || serve(&shared, &pending, observe))?
        };
        *shared.front.waker().0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(thread.thread().clone());
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn reports(&self) -> Reports {
        Reports(Arc::clone(&self.shared))
    }

    pub(super) fn tell(&self, notice: Notice) {
        self.reports().tell(notice);
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The observer's panic, if there was one, has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn serve(shared: &Shared, pending: &Pending<Waiter>, mut observe: Box<dyn FnMut(Notice) + Send>) {
    loop {
        let closing = shared.closing.load(Ordering::SeqCst);
        shared.front.take(|_| {});
        while let Some(report) = shared.reports.take() {
            match report {
                Report::Notice(notice) => observe(notice),
                answer => resolve(pending, answer),
            }
        }
        let lost = shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            observe(Notice::Lost(lost));
        }
        if closing {
            // Whoever still waits learns that no answer will come.
            pending.clear();
            return;
        }
        if shared.front.doze() && !shared.closing.load(Ordering::SeqCst) {
            std::thread::park();
            shared.front.rise();
        }
    }
}

fn resolve(pending: &Pending<Waiter>, report: Report) {
    // A receiver that was dropped meanwhile is no fault: nobody wants the answer any more.
    match report {
        Report::Published { ticket, outcome } => {
            if let Some(Waiter::Published(sender)) = pending.take(ticket) {
                let _ = sender.send(outcome);
            }
        }
        Report::Disconnected { ticket, count } => {
            let done = pending.with(ticket, |waiter| match waiter {
                Waiter::Disconnected { missing, count: sum, .. } => {
                    *sum += count;
                    last(missing)
                }
                _ => false,
            });
            if let Some(Waiter::Disconnected { sender, count, .. }) = done {
                let _ = sender.send(count);
            }
        }
        Report::Drained { ticket } => {
            let done = pending.with(ticket, |waiter| match waiter {
                Waiter::Drained { missing, .. } => last(missing),
                _ => false,
            });
            if let Some(Waiter::Drained { sender, .. }) = done {
                let _ = sender.send(());
            }
        }
        Report::Snapshot { ticket, snapshot } => {
            let done = pending.with(ticket, |waiter| match waiter {
                Waiter::Snapshot { missing, shards, .. } => {
                    shards.push(*snapshot);
                    last(missing)
                }
                _ => false,
            });
            if let Some(Waiter::Snapshot { sender, mut shards, .. }) = done {
                shards.sort_by_key(|snapshot| snapshot.shard);
                let _ = sender.send(NodeSnapshot { shards });
            }
        }
        Report::Notice(_) => {}
    }
}

fn last(missing: &mut usize) -> bool {
    *missing = missing.saturating_sub(1);
    *missing == 0
}
