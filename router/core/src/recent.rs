//! What happened lately, counted by whom it happened to, and forgotten after a fixed time.
//!
//! It is forgotten when somebody asks for that, never by a look at the clock alone: who slept first takes what waits for it, then
//! forgets.

use std::collections::{BTreeMap, VecDeque};

use crate::time::Monotonic;

/// Counts by `K`, each kept for a while after it last changed.
pub(crate) struct Recent<K> {
    kept_ms: u64,
    counts: BTreeMap<K, (u32, Monotonic)>,
    /// When to look at whom: one item for each change.
    due: VecDeque<(Monotonic, K)>,
}

impl<K: Copy + Ord> Recent<K> {
    pub(crate) const fn new(kept_ms: u64) -> Self {
        Self { kept_ms, counts: BTreeMap::new(), due: VecDeque::new() }
    }

    /// The count; 0 if nothing happened lately.
    pub(crate) fn count(&self, of: K) -> u32 {
        // Nearly always there is nothing.
        if self.counts.is_empty() { 0 } else { self.counts.get(&of).map_or(0, |(count, _)| *count) }
    }

    /// It happened once more, or so often if that is more; how often in all.
    pub(crate) fn add(&mut self, now: Monotonic, of: K, at_least: u32) -> u32 {
        self.raise(now, of, self.count(of).saturating_add(1).max(at_least))
    }

    /// It happened so often, if not more often; how often in all.
    pub(crate) fn raise(&mut self, now: Monotonic, of: K, at_least: u32) -> u32 {
        let until = now.plus_ms(self.kept_ms);
        let count = self.count(of).max(at_least);
        self.counts.insert(of, (count, until));
        self.due.push_back((until, of));
        count
    }

    /// When there is something to forget.
    pub(crate) fn next(&self) -> Option<Monotonic> {
        self.due.front().map(|(at, _)| *at)
    }

    /// Forgets what is long past.
    pub(crate) fn forget(&mut self, now: Monotonic) {
        while let Some((_, of)) = self.due.pop_front_if(|(at, _)| *at <= now) {
            if self.counts.get(&of).is_some_and(|(_, until)| *until <= now) {
                self.counts.remove(&of);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_for_a_while_after_their_last_change() {
        let at = |ms: u64| Monotonic(ms * 1_000);
        let mut recent = Recent::new(10);
        assert_eq!((recent.count(1), recent.next()), (0, None));
        assert_eq!(recent.add(at(0), 1, 0), 1);
        assert_eq!(recent.add(at(5), 1, 7), 7);
        assert_eq!(recent.raise(at(5), 2, 3), 3);
        assert_eq!(recent.raise(at(6), 2, 1), 3, "it never falls");
        recent.forget(at(14));
        assert_eq!((recent.count(1), recent.count(2), recent.next()), (7, 3, Some(at(15))));
        recent.forget(at(15));
        assert_eq!((recent.count(1), recent.count(2)), (0, 3));
        recent.forget(at(16));
        assert_eq!((recent.len(), recent.next()), (0, None));
    }
}
