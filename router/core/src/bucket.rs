//! Token buckets that are charged work, one per session.
//!
//! A charge may overdraw the bucket (the cost of an answer is known only afterwards); what comes next is refused
//! until it has recovered.

use crate::Monotonic;

/// Work saved up, in thousandths of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    saved_milli: i64,
    at: Monotonic,
}

impl Bucket {
    pub(crate) const fn new(now: Monotonic, burst: u32) -> Self {
        Self { saved_milli: burst as i64 * 1_000, at: now }
    }

    /// Takes `units` if anything is left.
    ///
    /// # Errors
    /// Milliseconds until a charge would succeed.
    pub(crate) fn charge(&mut self, now: Monotonic, units: u64, per_s: u32, burst: u32) -> Result<(), u32> {
        self.refill(now, per_s, burst);
        if self.saved_milli <= 0 {
            let wait_ms = (-self.saved_milli) / i64::from(per_s.max(1)) + 1;
            return Err(wait_ms.min(60_000) as u32);
        }
        self.take(units);
        Ok(())
    }

    /// Takes `units` whether or not they are there.
    pub(crate) fn take(&mut self, units: u64) {
        let milli = i64::try_from(units.saturating_mul(1_000)).unwrap_or(i64::MAX);
        self.saved_milli = self.saved_milli.saturating_sub(milli);
    }

    fn refill(&mut self, now: Monotonic, per_s: u32, burst: u32) {
        let gained = u128::from(now.since(self.at)) * u128::from(per_s) / 1_000;
        let full = i64::from(burst) * 1_000;
        let gained = i64::try_from(gained).unwrap_or(i64::MAX);
        if gained > 0 {
            self.saved_milli = self.saved_milli.saturating_add(gained).min(full);
            self.at = now;
        }
    }
}

/// Units of a publication: 1 + members × bytes / 16 KiB.
pub(crate) fn publish_units(members: u32, bytes: usize) -> u64 {
    1 + u64::from(members.max(1)) * bytes as u64 / (16 * 1024)
}

/// Units of an answer of so many bytes.
pub(crate) fn answer_units(bytes: usize) -> u64 {
    1 + bytes as u64 / (16 * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refuses_when_it_is_overdrawn_and_says_when_to_come_back() {
        let mut bucket = Bucket::new(Monotonic(0), 10);
        assert_eq!(bucket.charge(Monotonic(0), 15, 100, 10), Ok(()));
        let wait_ms = bucket.charge(Monotonic(0), 1, 100, 10).unwrap_err();
        assert_eq!(wait_ms, 51);
        assert_eq!(bucket.charge(Monotonic(0).plus_ms(u64::from(wait_ms)), 1, 100, 10), Ok(()));
    }

    #[test]
    fn a_bucket_never_saves_more_than_its_burst() {
        let mut bucket = Bucket::new(Monotonic(0), 10);
        assert_eq!(bucket.charge(Monotonic(u64::MAX / 2), 11, 1_000, 10), Ok(()));
        assert!(bucket.charge(Monotonic(u64::MAX / 2), 1, 1_000, 10).is_err());
    }

    #[test]
    fn small_gains_between_frequent_charges_are_not_lost() {
        let mut bucket = Bucket::new(Monotonic(0), 1);
        assert_eq!(bucket.charge(Monotonic(0), 1, 1, 1), Ok(()));
        // 1 unit a second gains 1 milli-unit a millisecond; asking every 100 µs must not throw those away.
        let mut granted = 0;
        for step in 1..=20_000u64 {
            if bucket.charge(Monotonic(step * 100), 1, 1, 1).is_ok() {
                granted += 1;
            }
        }
        assert_eq!(granted, 2);
    }
}
