//! What the stub knows of its own deliveries: from the intended moment in the body's stamp to the return of the write that sent it.
//!
//! Both are of the host's monotonic clock, so that what a load generator reports can be held against it. The reader of stamps is our own: one
//! that the load generator shared would share its faults.

use std::path::Path;
use std::{fs, io};

use hdrhistogram::Histogram;
use serde_json::json;

/// Longest time that is told apart: a minute.
const NANOS_MAX: u64 = 60_000_000_000;
/// First byte of a packed stamp.
const MARK: u8 = 0xa5;
/// Where the intended moment stands in it.
const INTENDED: std::ops::Range<usize> = 8..16;

/// When the publication of a body was meant to be sent, in nanoseconds; `None` if the body, as bytes, begins with no stamp.
pub(super) fn intended(body: &[u8]) -> Option<u64> {
    let bytes = body.get(INTENDED)?.try_into().ok()?;
    (body[0] == MARK).then(|| u64::from_le_bytes(bytes))
}

/// Everything that left.
pub(super) struct Truth {
    late: Histogram<u64>,
    pub(super) publications: u64,
    pub(super) deliveries: u64,
    /// Writes that the socket did not take at once: what they carried left later than is recorded.
    pub(super) put_off: u64,
    pub(super) echoes: u64,
}

impl Truth {
    pub(super) fn new() -> Self {
        let late = Histogram::new_with_bounds(1, NANOS_MAX, 3).expect("constant bounds are in order");
        Self { late, publications: 0, deliveries: 0, put_off: 0, echoes: 0 }
    }

    /// So many deliveries with that intended moment left now.
    pub(super) fn sent(&mut self, now: u64, intended: Option<u64>, count: u64) {
        self.deliveries += count;
        if let Some(intended) = intended {
            self.late.saturating_record_n(now.saturating_sub(intended).max(1), count);
        }
    }

    /// Writes it down.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let us = |quantile: f64| self.late.value_at_quantile(quantile) as f64 / 1e3;
        let facts = json!({
            "publications": self.publications,
            "deliveries": self.deliveries,
            "stamped": self.late.len(),
            "put_off": self.put_off,
            "echoes": self.echoes,
            "p50_us": us(0.5),
            "p90_us": us(0.9),
            "p99_us": us(0.99),
            "p999_us": us(0.999),
            "max_us": self.late.max() as f64 / 1e3,
        });
        fs::write(path, format!("{facts:#}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_where_it_stands() {
        let mut body = [0; 64];
        body[0] = MARK;
        body[INTENDED].copy_from_slice(&7_u64.to_le_bytes());
        assert_eq!(intended(&body), Some(7));
        body[0] = b'"';
        assert_eq!(intended(&body), None);
        assert_eq!(intended(&[MARK; 10]), None);
    }
}
