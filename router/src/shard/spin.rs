//! Looking for work for a while before parking: waking an idle core costs tens of microseconds, a look costs one.
//!
//! The budget adapts: a spin that finds nothing halves it, one that finds something doubles it, within what the
//! operator allows. While it spins, the driver keeps completing I/O.

use std::time::{Duration, Instant};

use ringway_core::Monotonic;

use super::clock::Clock;
use super::context::Context;
use crate::rt::Breath;

/// Looks at the front between two passes through the driver.
const LOOKS: u32 = 16;
/// The budget never falls below this part of what is allowed, so that it can grow again.
const LEAST_PART: u32 = 16;

/// How long to spin.
pub(crate) struct Spin {
    allowed: Duration,
    budget: Duration,
}

impl Spin {
    pub(crate) const fn new(allowed_us: u32) -> Self {
        let allowed = Duration::from_micros(allowed_us as u64);
        Self { allowed, budget: allowed }
    }

    /// True as soon as there is something to do; false when it is time to park.
    pub(crate) async fn look_for_work(
        &mut self,
        context: &Context,
        breath: &Breath,
        due: Option<Monotonic>,
    ) -> bool {
        if self.allowed.is_zero() {
            return false;
        }
        let until = Instant::now() + self.budget;
        loop {
            for _ in 0..LOOKS {
                if context.front.is_marked() {
                    return self.found();
                }
                std::hint::spin_loop();
            }
            breath.take().await;
            if context.pump.is_raised() || context.front.is_marked() {
                return self.found();
            }
            if due.is_some_and(|due| due <= Clock::monotonic()) {
                return true;
            }
            if Instant::now() >= until {
                self.budget = (self.budget / 2).max(self.allowed / LEAST_PART);
                return false;
            }
        }
    }

    fn found(&mut self) -> bool {
        self.budget = (self.budget * 2).min(self.allowed);
        true
    }
}
