//! When a delivery leaves: how long each waits, which ones wait now, and the one time at which nothing happens. Pure.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

/// Deliveries that may wait: more than any rate that this is for makes in the longest delay.
pub(super) const WAITING_MAX: usize = 1 << 20;

/// How long each delivery waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delay {
    /// Each as long.
    Fixed(Duration),
    /// Evenly spread between two bounds, each delivery for itself.
    Uniform(Duration, Duration),
}

impl Delay {
    /// Nanoseconds for the next delivery.
    pub(super) fn draw(self, random: &mut Random) -> u64 {
        match self {
            Self::Fixed(delay) => delay.as_nanos() as u64,
            Self::Uniform(low, high) => {
                let (low, high) = (low.as_nanos() as u64, high.as_nanos() as u64);
                low + random.below(high - low + 1)
            }
        }
    }
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(bounds) = text.strip_prefix("uniform:") else {
            return duration(text).map(Self::Fixed);
        };
        let (low, high) = bounds.split_once("..").ok_or("write uniform:1ms..9ms")?;
        match (duration(low)?, duration(high)?) {
            (low, high) if low <= high => Ok(Self::Uniform(low, high)),
            _ => Err(format!("`{low}` is above `{high}`")),
        }
    }
}

/// `5ms`, `250us`, `1.5s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        _ => return Err(format!("`{text}` is not a time: write 5ms, 250us or 1s")),
    };
    let number: f64 =
        number.parse().map_err(|_| format!("`{text}` is not a time: write 5ms, 250us or 1s"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|fault| fault.to_string())
}

/// SplitMix64: the same numbers for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// Evenly below a bound that is not 0.
    const fn below(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }
}

/// The one time at which the server stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stall {
    /// From then on, counted from the first publication.
    pub(super) at: Duration,
    /// For so long.
    pub(super) length: Duration,
}

/// Deliveries that wait, soonest first; of two for the same moment the one that came first.
pub(super) struct Waiting<T> {
    heap: BinaryHeap<Entry<T>>,
    entered: u64,
}

/// What leaves, when, and to whom.
pub(super) struct Entry<T> {
    due: u64,
    number: u64,
    pub(super) link: usize,
    pub(super) what: Rc<T>,
}

impl<T> Waiting<T> {
    pub(super) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), entered: 0 }
    }

    /// # Errors
    /// When too many wait.
    pub(super) fn push(&mut self, due: u64, link: usize, what: Rc<T>) -> Result<(), String> {
        if self.heap.len() >= WAITING_MAX {
            return Err(format!("more than {WAITING_MAX} deliveries wait: lower the rate or the delay"));
        }
        self.entered += 1;
        self.heap.push(Entry { due, number: self.entered, link, what });
        Ok(())
    }

    /// Takes the next one that is due.
    pub(super) fn pop(&mut self, now: u64) -> Option<Entry<T>> {
        if self.heap.peek()?.due > now {
            return None;
        }
        self.heap.pop()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<T> Entry<T> {
    const fn place(&self) -> (u64, u64) {
        (self.due, self.number)
    }
}

// The heap gives its greatest first.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.place().cmp(&self.place())
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_read_as_they_are_written() {
        let ms = Duration::from_millis;
        assert_eq!("5ms".parse(), Ok(Delay::Fixed(ms(5))));
        assert_eq!("uniform:1ms..9ms".parse(), Ok(Delay::Uniform(ms(1), ms(9))));
        assert_eq!("250us".parse(), Ok(Delay::Fixed(Duration::from_micros(250))));
        for bad in ["5", "ms", "uniform:1ms", "uniform:9ms..1ms", "-1ms", "1..2ms"] {
            assert!(bad.parse::<Delay>().is_err(), "{bad}");
        }
    }

    #[test]
    fn draws_stay_within_their_bounds_and_repeat_with_their_seed() {
        let delay = Delay::Uniform(Duration::from_nanos(100), Duration::from_nanos(109));
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..1_000).map(|_| delay.draw(&mut random)).collect::<Vec<_>>()
        };
        let drawn = draw(1);
        assert_eq!(drawn, draw(1));
        assert_ne!(drawn, draw(2));
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&100), Some(&109)));
    }

    #[test]
    fn what_is_due_first_leaves_first_and_equals_in_their_order() {
        let mut waiting = Waiting::new();
        for (due, what) in [(30, 'd'), (10, 'a'), (20, 'b'), (20, 'c')] {
            waiting.push(due, 0, Rc::new(what)).unwrap();
        }
        assert!(waiting.pop(9).is_none());
        let taken: String = std::iter::from_fn(|| waiting.pop(20)).map(|entry| *entry.what).collect();
        assert_eq!(taken, "abc");
        assert!(!waiting.is_empty());
    }
}
