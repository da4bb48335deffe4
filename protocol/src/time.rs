//! Monotonic time as an argument: read by whoever drives a machine, made up by tests and simulators.

use core::ops::Add;

/// Microseconds since some fixed moment; never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub u64);

impl Monotonic {
    /// Microseconds from `earlier` to here; 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment plus milliseconds.
    #[must_use]
    pub const fn plus_ms(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds.saturating_mul(1_000)))
    }
}

impl Add<u64> for Monotonic {
    type Output = Self;

    fn add(self, microseconds: u64) -> Self {
        Self(self.0.saturating_add(microseconds))
    }
}
