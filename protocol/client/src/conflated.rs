//! Values of which only the newest of each key matters, in the order in which their keys began to wait.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Waiting values, bounded in number and bytes.
#[derive(Debug)]
pub(crate) struct Conflated<K, V> {
    places: HashMap<K, u64>,
    values: BTreeMap<u64, (K, V, usize)>,
    bytes: usize,
    count_max: usize,
    bytes_max: usize,
    /// Values that a newer one of their key took the place of.
    replaced: u64,
    /// Values that were dropped because there was no room.
    dropped: u64,
}

impl<K: Hash + Eq + Clone, V> Conflated<K, V> {
    pub(crate) fn new(count_max: usize, bytes_max: usize) -> Self {
        let (places, values) = (HashMap::new(), BTreeMap::new());
        Self { places, values, bytes: 0, count_max, bytes_max, replaced: 0, dropped: 0 }
    }

    /// Takes the place of the key's older value, or waits at `turn`, which must rise from value to value. What waited
    /// longest makes room.
    pub(crate) fn put(&mut self, turn: u64, key: K, value: V, bytes: usize) {
        let turn = match self.places.get(&key) {
            Some(turn) => {
                self.replaced += 1;
                *turn
            }
            None => {
                self.places.insert(key.clone(), turn);
                turn
            }
        };
        self.bytes += bytes;
        if let Some((_, _, bytes)) = self.values.insert(turn, (key, value, bytes)) {
            self.bytes -= bytes;
        }
        while !self.values.is_empty() && (self.values.len() > self.count_max || self.bytes > self.bytes_max) {
            self.pop();
            self.dropped += 1;
        }
    }

    /// The value that waited longest.
    pub(crate) fn pop(&mut self) -> Option<(K, V)> {
        let (_, (key, value, bytes)) = self.values.pop_first()?;
        self.bytes -= bytes;
        self.places.remove(&key);
        Some((key, value))
    }

    /// The turn of the value that waited longest.
    pub(crate) fn first(&self) -> Option<u64> {
        self.values.first_key_value().map(|(turn, _)| *turn)
    }

    /// Drops the values of some keys.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(&K) -> bool) {
        let Self { places, values, bytes, dropped, .. } = self;
        values.retain(|_, (key, _, weight)| {
            let gone = is_gone(key);
            if gone {
                places.remove(key);
                *bytes -= *weight;
                *dropped += 1;
            }
            !gone
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether one more might push another one out.
    pub(crate) fn is_full(&self) -> bool {
        self.values.len() >= self.count_max || self.bytes >= self.bytes_max
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were replaced and dropped so far.
    pub(crate) const fn lost(&self) -> (u64, u64) {
        (self.replaced, self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_of_a_key_takes_the_place_of_the_older_one() {
        let mut values = Conflated::new(10, 100);
        for (turn, (key, value)) in [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5)].into_iter().enumerate()
        {
            values.put(turn as u64, key, value, 10);
        }
        assert_eq!((values.bytes(), values.lost()), (30, (2, 0)));
        assert_eq!(values.first(), Some(0));
        let order: Vec<_> = std::iter::from_fn(|| values.pop()).collect();
        assert_eq!(order, [("a", 3), ("b", 5), ("c", 4)]);
        assert!(values.is_empty() && values.bytes() == 0);
    }

    #[test]
    fn what_waited_longest_makes_room() {
        let mut values = Conflated::new(3, 100);
        for turn in 0..5 {
            values.put(turn, turn, (), 10);
        }
        assert_eq!(values.pop(), Some((2, ())));
        values.put(5, 5, (), 95);
        assert_eq!((values.pop(), values.pop()), (Some((5, ())), None));
        values.put(6, 6, (), 101);
        assert!(values.is_empty(), "too large by itself");
        assert_eq!(values.lost(), (0, 5));
    }

    #[test]
    fn forgotten_keys_may_wait_again() {
        let mut values = Conflated::new(3, 100);
        values.put(1, "a", 1, 1);
        values.put(2, "b", 2, 1);
        values.forget(|key| *key == "a");
        values.put(3, "a", 3, 1);
        let order: Vec<_> = std::iter::from_fn(|| values.pop()).collect();
        assert_eq!(order, [("b", 2), ("a", 3)]);
    }
}
