//! Ends a turn of the runtime on time: its own timers count in milliseconds, schedules in microseconds. Thread view.

use std::io;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::runtime::Runtime;

use crate::engine::sys::Timer;

/// A timer that the runtime's readiness call watches.
pub(super) struct Alarm(AsyncFd<Timer>);

impl Alarm {
    pub(super) fn new(runtime: &Runtime) -> io::Result<Self> {
        let _entered = runtime.enter();
        Ok(Self(Timer::new()?.watched()?))
    }

    /// Waits so long.
    pub(super) async fn ring_after(&self, wait: Duration) -> io::Result<()> {
        self.0.get_ref().set(wait)?;
        loop {
            let mut ready = self.0.readable().await?;
            if let Ok(rung) = ready.try_io(|timer| timer.get_ref().take()) {
                return rung;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Nanos;

    #[test]
    fn it_rings_as_often_as_it_is_set_and_not_before_its_time() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let alarm = Alarm::new(&runtime).unwrap();
        for wait in [Duration::from_micros(300), Duration::from_nanos(1), Duration::from_millis(2)] {
            let began = Nanos::now();
            runtime.block_on(alarm.ring_after(wait)).unwrap();
            assert!(Nanos::now().since(began) >= wait);
        }
    }
}
