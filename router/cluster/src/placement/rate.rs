//! How fast slots may move, and how long a node must stand before it gets any (the controller's view).

use crate::Monotonic;
use crate::slot::SLOTS;

/// Slots that may move in a second: 10 % of all. Those of a dead owner are not counted, as nobody serves them, nor those that
/// a draining one gives away.
pub(super) const MOVES_PER_SECOND: u64 = SLOTS as u64 * 10 / 100;
/// Slots that move together: those of one part of the map cost one change of it.
const MOVES_TOGETHER: u64 = if MOVES_PER_SECOND < 64 { 1 } else { 64 };
/// How long a node must be up before it gets slots, while it never failed.
pub(super) const HOLD_MS: u64 = 5_000;
/// The longest that it must.
pub(super) const HOLD_MS_MAX: u64 = 60_000;

/// How long a node that was declared dead `flaps` times in a row must be up before it gets slots, in milliseconds.
#[must_use]
pub const fn hold_ms(flaps: u8) -> u64 {
    let doubled = if flaps >= 8 { HOLD_MS_MAX } else { HOLD_MS << flaps };
    if doubled < HOLD_MS_MAX { doubled } else { HOLD_MS_MAX }
}

/// A bucket of moves: at most a second's worth at once, filled by time, and opened when there are some for a change that is worth it.
#[derive(Clone, Debug)]
pub struct MoveRate {
    tokens: u64,
    filled: Monotonic,
}

impl MoveRate {
    /// Empty at `now`.
    #[must_use]
    pub const fn new(now: Monotonic) -> Self {
        Self { tokens: 0, filled: now }
    }

    /// How many slots may move at `now`: none, or many.
    pub fn allowed(&mut self, now: Monotonic) -> u64 {
        let earned = now.since(self.filled).saturating_mul(MOVES_PER_SECOND) / 1_000_000;
        if earned > 0 {
            self.tokens = (self.tokens + earned).min(MOVES_PER_SECOND);
            // What was not a whole token stays in the clock.
            self.filled = if self.tokens == MOVES_PER_SECOND {
                now
            } else {
                self.filled + earned * 1_000_000 / MOVES_PER_SECOND
            };
        }
        if self.tokens < MOVES_TOGETHER { 0 } else { self.tokens }
    }

    /// Takes what was used of [`MoveRate::allowed`].
    pub fn spend(&mut self, moves: u64) {
        self.tokens = self.tokens.saturating_sub(moves);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_percent_move_in_a_second_and_no_idle_time_is_saved_up() {
        let mut rate = MoveRate::new(Monotonic(0));
        assert_eq!(rate.allowed(Monotonic(0)), 0);
        assert_eq!(rate.allowed(Monotonic(1_000_000)), 409);
        rate.spend(409);
        let mut moved = 0;
        for step in 1..=100 {
            let allowed = rate.allowed(Monotonic(1_000_000 + step * 10_000));
            rate.spend(allowed);
            moved += allowed;
        }
        assert!((409 - MOVES_TOGETHER..=409).contains(&moved), "{moved}");
        assert_eq!(rate.allowed(Monotonic(1_000_000_000)), 409);
    }

    #[test]
    fn the_hold_doubles_to_a_minute() {
        let holds: Vec<u64> = (0..6).map(hold_ms).collect();
        assert_eq!(holds, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
        assert_eq!(hold_ms(255), 60_000);
    }
}
