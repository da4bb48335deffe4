//! One timer that is set again and again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use monoio::time::Sleep;

/// A timer that a task polls beside other things.
pub struct Alarm {
    sleep: Pin<Box<Sleep>>,
    armed: Option<Instant>,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { sleep: Box::pin(monoio::time::sleep(Duration::ZERO)), armed: None }
    }
}

impl Alarm {
    /// Ready once the moment has come, within about a millisecond. A later moment than before only moves the alarm
    /// when it goes off: being woken once too often is cheaper than setting it each time.
    pub fn poll_at(&mut self, moment: Instant, context: &mut Context<'_>) -> Poll<()> {
        if self.armed.is_none_or(|armed| moment < armed) {
            self.sleep.as_mut().reset(moment.into());
            self.armed = Some(moment);
        }
        let state = self.sleep.as_mut().poll(context);
        if state.is_ready() {
            self.armed = None;
        }
        state
    }
}
