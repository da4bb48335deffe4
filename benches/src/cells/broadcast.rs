//! Broadcast: rounds in each of which every connection's task writes one message.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::runtime::{Runtime, Stream};
use super::{Job, Meter};

/// What the hub and the tasks share: which round it is, and who still has to write.
#[derive(Default)]
struct Rounds {
    round: Cell<u64>,
    missing: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
    hub: Cell<Option<Waker>>,
}

impl Rounds {
    /// Starts a round of so many writers and waits for the last of them.
    async fn play(&self, writers: usize) {
        self.missing.set(writers);
        self.round.set(self.round.get() + 1);
        for waker in self.waiting.take() {
            waker.wake();
        }
        poll_fn(|context| {
            if self.missing.get() == 0 {
                return Poll::Ready(());
            }
            self.hub.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Waits for the round after `last`, and returns it.
    async fn next(&self, last: u64) -> u64 {
        poll_fn(|context| {
            if self.round.get() > last {
                return Poll::Ready(self.round.get());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// A writer has written.
    fn done(&self) {
        self.missing.set(self.missing.get() - 1);
        if self.missing.get() == 0
            && let Some(hub) = self.hub.take()
        {
            hub.wake();
        }
    }
}

/// CPU nanoseconds of one write.
pub(super) fn cost<R: Runtime>(job: Job) -> io::Result<f64> {
    R::run(async move {
        let rounds = Rc::new(Rounds::default());
        let writers = job.streams.len();
        for stream in job.streams {
            let (mut stream, rounds) = (R::adopt(stream)?, rounds.clone());
            R::spawn(async move {
                let (mut message, mut last) = (vec![0x5a; job.bytes], 0);
                loop {
                    last = rounds.next(last).await;
                    let (result, same) = stream.write(message).await;
                    message = same;
                    rounds.done();
                    if result.is_err() {
                        return;
                    }
                }
            });
        }
        let mut meter = Meter::new(job.sample_ms);
        loop {
            rounds.play(writers).await;
            if let Some(cost) = meter.add(writers as u64) {
                return Ok(cost);
            }
        }
    })?
}
