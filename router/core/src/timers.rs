//! Deadlines in order, one per thing.

use std::collections::BTreeSet;

use crate::time::Monotonic;

/// Deadlines of things that are named by `T`; each thing remembers its own deadline.
pub(crate) struct Timers<T>(BTreeSet<(Monotonic, T)>);

impl<T: Copy + Ord> Timers<T> {
    pub(crate) const fn new() -> Self {
        Self(BTreeSet::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn next(&self) -> Option<Monotonic> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Moves a thing's deadline from `old` to `new`.
    pub(crate) fn set(&mut self, thing: T, old: &mut Option<Monotonic>, new: Option<Monotonic>) {
        if *old == new {
            return;
        }
        if let Some(at) = *old {
            self.0.remove(&(at, thing));
        }
        if let Some(at) = new {
            self.0.insert((at, thing));
        }
        *old = new;
    }

    /// Takes the next thing that is due.
    pub(crate) fn pop(&mut self, now: Monotonic) -> Option<T> {
        let first = *self.0.first()?;
        if first.0 > now {
            return None;
        }
        self.0.remove(&first);
        Some(first.1)
    }
}
