//! When what happens. Host view: the clock is the same for all threads and processes.

use serde::{Deserialize, Serialize};

use super::Nanos;

/// When what happens, on the host's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Load begins.
    pub start: Nanos,
    /// Measuring begins.
    pub measure: Nanos,
    /// Load and measuring end.
    pub end: Nanos,
}

impl Schedule {
    /// Whether this moment is measured.
    #[must_use]
    pub fn measures(&self, moment: Nanos) -> bool {
        (self.measure..self.end).contains(&moment)
    }
}
