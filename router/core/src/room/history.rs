//! The room's past: a ring of encoded frames bounded by count, bytes and age.

use std::collections::VecDeque;

use ringway_protocol::Offset;

use crate::time::Monotonic;

/// One publication of the past.
pub(crate) struct Kept<F> {
    pub(crate) frame: F,
    pub(crate) bytes: u32,
    pub(crate) at: Monotonic,
}

/// Publications `first` to `first + len − 1`, contiguous.
pub(crate) struct History<F> {
    first: Offset,
    kept: VecDeque<Kept<F>>,
    bytes: u64,
}

impl<F> History<F> {
    pub(crate) const fn new() -> Self {
        Self::starting(Offset(1))
    }

    /// Nothing yet, and the next publication has this offset.
    pub(crate) const fn starting(first: Offset) -> Self {
        Self { first, kept: VecDeque::new(), bytes: 0 }
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The oldest offset kept; when nothing is, the offset that comes next.
    pub(crate) const fn first(&self) -> Offset {
        self.first
    }

    /// Checks the sums, and that the past ends where the order stands.
    pub(crate) fn audit(&self, last: Offset) -> Result<(), String> {
        let bytes: u64 = self.kept.iter().map(|kept| u64::from(kept.bytes)).sum();
        let end = self.first.0 + self.kept.len() as u64;
        if bytes != self.bytes || end != last.0 + 1 {
            return Err(format!("{bytes} bytes, counted {}; ends before {end}, order at {last}", self.bytes));
        }
        Ok(())
    }

    pub(crate) fn oldest_at(&self) -> Option<Monotonic> {
        self.kept.front().map(|kept| kept.at)
    }

    /// Appends the publication of the next offset.
    pub(crate) fn append(&mut self, frame: F, bytes: usize, at: Monotonic) {
        self.bytes += bytes as u64;
        self.kept.push_back(Kept { frame, bytes: bytes as u32, at });
    }

    /// Drops the oldest beyond the bounds; returns the bytes freed.
    pub(crate) fn trim(&mut self, count_max: u32, bytes_max: u64, kept_since: Monotonic) -> u64 {
        let before = self.bytes;
        while let Some(oldest) = self.kept.front() {
            let over =
                self.kept.len() > count_max as usize || self.bytes > bytes_max || oldest.at < kept_since;
            if !over {
                break;
            }
            self.bytes -= u64::from(oldest.bytes);
            self.kept.pop_front();
            self.first = self.first.next();
        }
        if self.kept.is_empty() && self.kept.capacity() > 16 {
            self.kept = VecDeque::new();
        }
        before - self.bytes
    }

    /// Starts a new order.
    pub(crate) fn clear(&mut self) -> u64 {
        let bytes = self.bytes;
        *self = Self::new();
        bytes
    }

    /// The publications from `from` on, oldest first, with their offsets; from the oldest kept if `from` is gone.
    pub(crate) fn from(&self, from: Offset) -> impl Iterator<Item = (Offset, &Kept<F>)> {
        let skip = from.0.saturating_sub(self.first.0).min(self.kept.len() as u64);
        (self.first.0 + skip..).map(Offset).zip(self.kept.range(skip as usize..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: u64) -> History<u64> {
        let mut history = History::new();
        for offset in 1..=count {
            history.append(offset, 10, Monotonic(offset * 1_000));
        }
        history
    }

    fn offsets(history: &History<u64>, from: u64) -> Vec<u64> {
        history
            .from(Offset(from))
            .map(|(offset, kept)| {
                assert_eq!(offset.0, kept.frame);
                offset.0
            })
            .collect()
    }

    #[test]
    fn count_bytes_and_age_each_bound_it() {
        let mut history = filled(10);
        assert_eq!(history.trim(7, u64::MAX, Monotonic(0)), 30);
        assert_eq!(offsets(&history, 0), [4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(history.trim(7, 55, Monotonic(0)), 20);
        assert_eq!(offsets(&history, 0), [6, 7, 8, 9, 10]);
        assert_eq!(history.trim(7, 55, Monotonic(9_000)), 30);
        assert_eq!(offsets(&history, 0), [9, 10]);
        assert_eq!(history.bytes(), 20);
    }

    #[test]
    fn reading_starts_where_it_is_asked_or_at_the_oldest() {
        let mut history = filled(10);
        history.trim(3, u64::MAX, Monotonic(0));
        assert_eq!(history.first(), Offset(8));
        assert_eq!(offsets(&history, 9), [9, 10]);
        assert_eq!(offsets(&history, 2), [8, 9, 10]);
        assert_eq!(offsets(&history, 11), [] as [u64; 0]);
        assert_eq!(offsets(&history, u64::MAX), [] as [u64; 0]);
    }

    #[test]
    fn an_emptied_history_goes_on_at_the_next_offset() {
        let mut history = filled(3);
        history.trim(0, u64::MAX, Monotonic(0));
        assert_eq!(history.first(), Offset(4));
        history.append(4, 1, Monotonic(0));
        assert_eq!(offsets(&history, 1), [4]);
    }
}
