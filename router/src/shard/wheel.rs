//! Deadlines of connections (handshake, heartbeat, lingering), coarse and cheap: one wheel per shard instead of a timer
//! per connection.
//!
//! An entry is an index and the tick at which it fires. A connection remembers the tick of its valid entry; entries
//! that it no longer means fire into nothing. Deadlines that only move later (heartbeats) cost nothing until the entry
//! fires and is put again.

use ringway_core::Monotonic;

const TICK_US: u64 = 64_000;
const SLOTS: usize = 1024;

/// Entries by the tick at which they fire.
pub(crate) struct Wheel {
    slots: Vec<Vec<u32>>,
    occupied: [u64; SLOTS / 64],
    /// Everything up to this tick has fired.
    fired: u64,
}

impl Wheel {
    pub(crate) fn new(now: Monotonic) -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            occupied: [0; SLOTS / 64],
            fired: now.0 / TICK_US,
        }
    }

    /// The tick at which an entry for this deadline fires: never before it, unless it is beyond the wheel's horizon
    /// (65 s), when it fires there to be put again.
    pub(crate) fn tick_of(&self, deadline: Monotonic) -> u64 {
        let tick = deadline.0.div_ceil(TICK_US);
        tick.clamp(self.fired + 1, self.fired + SLOTS as u64 - 1)
    }

    /// Puts an entry; the tick is [`Wheel::tick_of`]'s, from the same turn.
    pub(crate) fn put(&mut self, tick: u64, index: u32) {
        let slot = tick as usize % SLOTS;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.slots[slot].push(index);
    }

    /// Gives every entry that is due, with its tick.
    pub(crate) fn expire(&mut self, now: Monotonic, mut each: impl FnMut(u64, u32)) {
        let current = now.0 / TICK_US;
        while self.fired < current {
            let Some(tick) = self.next_occupied() else {
                self.fired = current;
                return;
            };
            if tick > current {
                self.fired = current;
                return;
            }
            self.fired = tick;
            let slot = tick as usize % SLOTS;
            self.occupied[slot / 64] &= !(1 << (slot % 64));
            let mut entries = std::mem::take(&mut self.slots[slot]);
            for index in entries.drain(..) {
                each(tick, index);
            }
            // Keep the memory: deadlines cluster.
            self.slots[slot] = entries;
        }
    }

    /// When something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Monotonic> {
        self.next_occupied().map(|tick| Monotonic(tick * TICK_US))
    }

    fn next_occupied(&self) -> Option<u64> {
        let first = self.fired + 1;
        let start = first as usize % SLOTS;
        let words = SLOTS / 64;
        for step in 0..=words {
            let word = (start / 64 + step) % words;
            let mut bits = self.occupied[word];
            if step == 0 {
                bits &= u64::MAX << (start % 64);
            } else if step == words {
                bits &= !(u64::MAX << (start % 64));
            }
            if bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                return Some(first + ((slot + SLOTS - start) % SLOTS) as u64);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(wheel: &mut Wheel, now_ms: u64) -> Vec<u32> {
        let mut entries = Vec::new();
        wheel.expire(Monotonic(now_ms * 1_000), |_, index| entries.push(index));
        entries
    }

    fn put(wheel: &mut Wheel, deadline_ms: u64, index: u32) {
        let tick = wheel.tick_of(Monotonic(deadline_ms * 1_000));
        wheel.put(tick, index);
    }

    #[test]
    fn an_entry_fires_once_and_never_early() {
        let start = 1_000_003;
        for wait in [0, 1, 63, 64, 65, 1_000, 5_000, 60_000] {
            let mut wheel = Wheel::new(Monotonic(start * 1_000));
            put(&mut wheel, start + wait, 7);
            let mut at = None;
            for now in start..start + wait + 200 {
                for index in fired(&mut wheel, now) {
                    assert_eq!((index, at), (7, None));
                    at = Some(now);
                }
            }
            let at = at.unwrap();
            assert!(at >= start + wait && at <= start + wait + 65, "{wait}: {at}");
            assert_eq!(wheel.poll_timeout(), None);
        }
    }

    #[test]
    fn the_next_deadline_is_that_of_the_earliest_entry() {
        let mut wheel = Wheel::new(Monotonic(0));
        put(&mut wheel, 30_000, 1);
        put(&mut wheel, 1_000, 2);
        let next = wheel.poll_timeout().unwrap().0;
        assert!((1_000_000..1_064_000).contains(&next), "{next}");
        assert_eq!(fired(&mut wheel, 1_064), [2]);
        assert_eq!(fired(&mut wheel, 40_000), [1]);
    }

    #[test]
    fn what_lies_beyond_the_horizon_fires_at_it() {
        let mut wheel = Wheel::new(Monotonic(0));
        put(&mut wheel, 10_000_000, 1);
        assert!(wheel.poll_timeout().unwrap().0 < 66_000_000);
        assert_eq!(fired(&mut wheel, 66_000), [1]);
    }

    #[test]
    fn a_long_sleep_fires_everything_that_was_due() {
        let mut wheel = Wheel::new(Monotonic(0));
        for index in 0..100 {
            put(&mut wheel, u64::from(index) * 600, index);
        }
        assert_eq!(fired(&mut wheel, 500_000).len(), 100);
        put(&mut wheel, 500_100, 5);
        assert_eq!(fired(&mut wheel, 500_200), [5]);
    }
}
