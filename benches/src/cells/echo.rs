//! Echo: each connection's task writes back what it reads.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::runtime::{Runtime, Stream};
use super::{Job, Meter};

/// Where the tasks count, and who wants to know the result.
struct Tally {
    meter: RefCell<Meter>,
    cost: Cell<Option<f64>>,
    connections: Cell<usize>,
    waker: Cell<Option<Waker>>,
}

impl Tally {
    /// Waits until the tally says something.
    async fn wait<T>(&self, mut said: impl FnMut(&Self) -> Option<T>) -> T {
        poll_fn(|context| match said(self) {
            Some(value) => Poll::Ready(value),
            None => {
                self.waker.set(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// CPU nanoseconds of one echo.
pub(super) fn cost<R: Runtime>(job: Job) -> io::Result<f64> {
    R::run(async move {
        let tally = Rc::new(Tally {
            meter: RefCell::new(Meter::new(job.sample_ms)),
            cost: Cell::new(None),
            connections: Cell::new(job.streams.len()),
            waker: Cell::new(None),
        });
        for stream in &job.streams {
            let (stream, tally) = (R::adopt(stream.try_clone()?)?, tally.clone());
            R::spawn(async move {
                echo::<R>(stream, &tally, job.bytes).await;
                tally.connections.set(tally.connections.get() - 1);
                tally.wake();
            });
        }
        let cost = tally.wait(|tally| tally.cost.get()).await;
        // Ends every read before the runtime goes: a ring dropped with reads pending writes into buffers that are freed already.
        for stream in &job.streams {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        tally.wait(|tally| (tally.connections.get() == 0).then_some(())).await;
        Ok(cost)
    })?
}

async fn echo<R: Runtime>(mut stream: R::Stream, tally: &Tally, bytes: usize) {
    let mut buffer = vec![0; bytes];
    loop {
        let (read, mut message) = stream.read(buffer).await;
        let Ok(read @ 1..) = read else { return };
        message.truncate(read);
        let (written, same) = stream.write(message).await;
        if written.is_err() {
            return;
        }
        buffer = same;
        buffer.resize(bytes, 0);
        let cost = tally.meter.borrow_mut().add(1);
        if cost.is_some() {
            tally.cost.set(cost);
            tally.wake();
        }
    }
}
