//! Time in nanoseconds of the host's monotonic clock. Thread view.

use std::ops::{Add, Sub};
use std::time::Duration;

use ringway_protocol::time::Monotonic;
use serde::{Deserialize, Serialize};

use super::sys;

/// Nanoseconds of the host's monotonic clock: comparable between processes, never going back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self(sys::monotonic().as_nanos() as u64)
    }

    /// From `earlier` to here; nothing when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// As the session machines count.
    #[must_use]
    pub const fn monotonic(self) -> Monotonic {
        Monotonic(self.0 / 1_000)
    }

    /// The earliest moment that is not before the machine's.
    #[must_use]
    pub const fn of(monotonic: Monotonic) -> Self {
        Self(monotonic.0.saturating_mul(1_000))
    }
}

impl Add<Duration> for Nanos {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_nanos() as u64))
    }
}

impl Sub<Duration> for Nanos {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_nanos() as u64))
    }
}
