//! How old the newest state of another player is, at each millisecond. Player view.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::{Nanos, Schedule};
use crate::report::Latency;

/// Between two looks.
const GRID: Duration = Duration::from_millis(1);

/// The newest state of each other player.
#[derive(Default)]
pub(super) struct Ages(BTreeMap<u32, Newest>);

struct Newest {
    /// When it was meant to be sent.
    intended: Nanos,
    /// From here on its age is not recorded yet.
    from: Nanos,
}

impl Ages {
    /// A state of `player` came; one that is not newer changes nothing.
    pub(super) fn see(
        &mut self,
        player: u32,
        intended: Nanos,
        now: Nanos,
        schedule: Option<&Schedule>,
        into: &mut Latency,
    ) {
        let newest = self.0.entry(player).or_insert(Newest { intended, from: now });
        if intended > newest.intended {
            newest.record(now, schedule, into);
            newest.intended = intended;
        }
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, schedule: &Schedule, into: &mut Latency) {
        for newest in self.0.values_mut() {
            newest.record(schedule.end, Some(schedule), into);
        }
    }
}

impl Newest {
    /// What a look at each millisecond up to now would have seen.
    fn record(&mut self, now: Nanos, schedule: Option<&Schedule>, into: &mut Latency) {
        let from = std::mem::replace(&mut self.from, now);
        let Some(schedule) = schedule else { return };
        let grid = GRID.as_nanos() as u64;
        let mut look = Nanos(from.max(schedule.measure).0.div_ceil(grid) * grid);
        let end = now.min(schedule.end);
        while look < end {
            into.record(look.since(self.intended));
            look = look + GRID;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn an_age_grows_until_something_newer_comes() {
        let schedule = Schedule { start: Nanos(0), measure: Nanos(10 * MS), end: Nanos(40 * MS) };
        let (mut ages, mut into) = (Ages::default(), Latency::default());
        let mut see = |intended: u64, now: u64, into: &mut Latency| {
            ages.see(7, Nanos(intended * MS), Nanos(now * MS), Some(&schedule), into);
        };
        see(5, 8, &mut into);
        see(3, 9, &mut into);
        assert_eq!(into.count(), 0, "what is older changes nothing");
        see(20, 22, &mut into);
        // Looks at 10 to 21 ms saw the state of 5 ms.
        assert_eq!(into.count(), 12);
        assert!((15_900.0..16_100.0).contains(&into.max_us()), "{}", into.max_us());
        ages.finish(&schedule, &mut into);
        assert_eq!(into.count(), 30);
    }
}
