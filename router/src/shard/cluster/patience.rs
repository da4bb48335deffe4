//! How long publishers wait for a link that is behind.
//!
//! A burst that is more than a link carries at once is the publishers' to wait for: nobody misses anything. A node that does not
//! keep up for longer must not hold up everybody else: it falls behind until its link is cut, and asks for what it missed.

use ringway_core::Monotonic;

/// Messages of one shard that wait behind the full link: from here on publishers wait as well.
const BEHIND: usize = 1_024;
/// They go on when so few are left.
const CAUGHT_UP: usize = 256;
/// So long the node may take to catch up. A link that carries 20,000 messages a second does, with all others at their usual pace.
const PATIENCE_MS: u64 = 50;

/// With one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Patience {
    /// It keeps up.
    #[default]
    Even,
    /// Publishers wait for it, at most until then.
    Until(Monotonic),
    /// It has had its time, and is still behind.
    Spent,
}

impl Patience {
    /// So many messages wait for it now; whether publishers wait.
    pub(super) fn waits(&mut self, now: Monotonic, waiting: usize) -> bool {
        *self = match *self {
            _ if waiting <= CAUGHT_UP => Self::Even,
            Self::Even if waiting > BEHIND => Self::Until(now.plus_ms(PATIENCE_MS)),
            Self::Until(until) if now >= until => Self::Spent,
            same => same,
        };
        matches!(self, Self::Until(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Monotonic {
        Monotonic(ms * 1_000)
    }

    #[test]
    fn publishers_wait_for_a_burst_to_pass() {
        let mut patience = Patience::default();
        assert!(!patience.waits(at(0), BEHIND));
        assert!(patience.waits(at(1), BEHIND + 1));
        assert!(patience.waits(at(2), CAUGHT_UP + 1), "they don't come and go with every message");
        assert!(!patience.waits(at(3), CAUGHT_UP));
        assert!(patience.waits(at(4), BEHIND + 1), "and for the next one");
    }

    #[test]
    fn nobody_waits_for_long_for_a_node_that_does_not_keep_up() {
        let mut patience = Patience::default();
        assert!(patience.waits(at(0), 2 * BEHIND));
        assert!(patience.waits(at(PATIENCE_MS - 1), 2 * BEHIND));
        assert!(!patience.waits(at(PATIENCE_MS), 2 * BEHIND));
        assert!(!patience.waits(at(10_000), 90 * BEHIND), "not again before it has caught up");
        assert!(!patience.waits(at(10_001), 0));
        assert!(patience.waits(at(10_002), 2 * BEHIND));
    }
}
