//! Everything that knows the runtime (monoio): building it, tasks, readiness, timers, doorbells. Shard view.
//!
//! The rest of the router never names monoio, so that another runtime is a bounded swap: readiness of a file
//! descriptor ([`Io`]), a local flag to wait for ([`Signal`]), a doorbell that other threads ring ([`Bell`], [`Ear`]), a
//! timer, a way through the driver ([`Breath`]), [`spawn`] and [`run`]. What is built around monoio's traps:
//!
//! * No read, write or accept is ever an operation of the ring: tasks wait for readiness, which is harmless to drop,
//!   and then call the system with `MSG_DONTWAIT` (a dropped accept leaks its connection, a dropped read its bytes).
//! * Nothing yields by waking itself: that starves I/O, timers and foreign wakes. [`Breath`] completes in the driver.
//! * Foreign wakes go through an eventfd of our own, rung only for sleepers, not through monoio's global map.
//! * The ring's flags are set here (`SINGLE_ISSUER`, `DEFER_TASKRUN`), on the shard's own thread.

mod alarm;
mod bell;
mod breath;
mod build;
mod core;
mod io;
mod signal;

pub use alarm::Alarm;
pub use bell::{Bell, Ear};
pub use breath::Breath;
pub use build::{patiently, probe_io_uring, run};
pub use core::{allowed_cores, pin_to_core};
pub use io::Io;
pub use signal::Signal;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Starts a task of this shard. A panic in it ends the process: a shard's state can't be trusted after one.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    drop(monoio::spawn(task));
}

/// A timer that ends at this moment, within about a millisecond.
pub fn sleep_until(moment: Instant) -> impl Future<Output = ()> {
    monoio::time::sleep_until(moment.into())
}

/// A timer that ends after this time.
pub fn sleep(time: Duration) -> impl Future<Output = ()> {
    monoio::time::sleep(time)
}

/// Waits for either; true if the second ended, also when both did. The other is dropped: pass only what that can't harm.
pub async fn either(first: impl Future, second: impl Future) -> bool {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|context| {
        if second.as_mut().poll(context).is_ready() {
            Poll::Ready(true)
        } else if first.as_mut().poll(context).is_ready() {
            Poll::Ready(false)
        } else {
            Poll::Pending
        }
    })
    .await
}

#[cfg(test)]
mod tests;
