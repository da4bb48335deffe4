//! How fast connections are begun, whatever carries them. Thread view.

use super::Nanos;

/// How fast connections are made.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Connections a second; 0: no bound.
    pub rate: u32,
    /// On their way at once.
    pub concurrency: u32,
}

/// Whether one more connection may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// Yes: begin it.
    Given,
    /// Not yet: ask again when time has gone by.
    Later,
    /// Not before one of those on their way is decided.
    Full,
}

/// A bucket of connections that fills at the pace's rate, a tenth of a second's worth at most.
#[derive(Debug)]
pub(super) struct Pacer {
    pace: Pace,
    /// Connections that the rate allows, and when that was reckoned.
    allowance: f64,
    reckoned: Nanos,
    held_until: Nanos,
}

impl Pacer {
    pub(super) const fn new(pace: Pace, now: Nanos) -> Self {
        Self { pace, allowance: 0.0, reckoned: now, held_until: Nanos(0) }
    }

    /// Nothing begins before this time.
    pub(super) const fn hold(&mut self, until: Nanos) {
        self.held_until = until;
    }

    /// Asks for one more connection beside those that are on their way.
    pub(super) fn ask(&mut self, now: Nanos, opening: u32) -> Leave {
        if now < self.held_until {
            return Leave::Later;
        }
        if opening >= self.pace.concurrency {
            return Leave::Full;
        }
        if self.pace.rate > 0 {
            let rate = f64::from(self.pace.rate);
            let grown = self.allowance + now.since(self.reckoned).as_secs_f64() * rate;
            self.allowance = grown.min(rate / 10.0 + 1.0);
            self.reckoned = now;
            if self.allowance < 1.0 {
                return Leave::Later;
            }
            self.allowance -= 1.0;
        }
        Leave::Given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_rate_lets_in_so_many_a_second() {
        let mut pacer = Pacer::new(Pace { rate: 100, concurrency: 1_000 }, Nanos(0));
        let given = |pacer: &mut Pacer, at: u64| {
            std::iter::repeat_with(|| pacer.ask(Nanos(at * MS), 0))
                .take_while(|leave| *leave == Leave::Given)
                .count()
        };
        assert_eq!(given(&mut pacer, 9), 0);
        assert_eq!(given(&mut pacer, 11), 1);
        assert_eq!(given(&mut pacer, 32), 2);
        assert_eq!(given(&mut pacer, 60_000), 11, "what was not used is not saved up");
    }

    #[test]
    fn those_on_their_way_are_bounded() {
        let mut pacer = Pacer::new(Pace { rate: 0, concurrency: 2 }, Nanos(0));
        assert_eq!(pacer.ask(Nanos(0), 1), Leave::Given);
        assert_eq!(pacer.ask(Nanos(0), 2), Leave::Full);
    }

    #[test]
    fn nothing_begins_while_it_is_held() {
        let mut pacer = Pacer::new(Pace { rate: 0, concurrency: 2 }, Nanos(0));
        pacer.hold(Nanos(5));
        assert_eq!(pacer.ask(Nanos(4), 0), Leave::Later);
        assert_eq!(pacer.ask(Nanos(5), 0), Leave::Given);
    }
}
