//! The one clock of this process, as the session machine and as the server count.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use ringway_protocol::UnixMicros;
use ringway_protocol::time::Monotonic;

/// One moment, on both of the system's clocks.
static ORIGIN: LazyLock<(Instant, u64)> = LazyLock::new(|| {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (Instant::now(), unix.as_micros() as u64)
});

/// As the session machine counts.
pub(crate) fn monotonic(instant: Instant) -> Monotonic {
    Monotonic(instant.saturating_duration_since(ORIGIN.0).as_micros() as u64)
}

/// Back from it, to the earliest moment that is not before.
pub(crate) fn instant(monotonic: Monotonic) -> Instant {
    // A century is later than any deadline, and what the system's clock can still say.
    const CENTURY_US: u64 = 100 * 365 * 24 * 3_600 * 1_000_000;
    ORIGIN.0 + Duration::from_micros(monotonic.0.min(CENTURY_US).saturating_add(1))
}

/// This process's Unix time: the system's clock when the process first asked, carried on by the monotonic clock, so that
/// it never jumps.
#[must_use]
pub fn local_time(instant: Instant) -> UnixMicros {
    UnixMicros(ORIGIN.1.saturating_add(monotonic(instant).0))
}
