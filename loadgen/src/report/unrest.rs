//! What clients saw of nodes that came and went. Thread view; those of threads are added up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Acknowledgements, repetitions, and how long rooms stood still.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unrest {
    /// Publications that were acknowledged.
    pub acked: u64,
    /// Of those, such whose acknowledgement came while measuring.
    pub acked_measured: u64,
    /// Of those that were acknowledged, such that stand nowhere in their room's order.
    pub acked_lost: u64,
    /// Of those, such whose order was given up for a new one.
    pub acked_before_anew: u64,
    /// Publications that were sent again.
    pub repeated: u64,
    /// Longest time without a publication of any room, by round.
    pub stalls: Vec<Duration>,
    /// Longest time in which one client heard nothing of its room.
    pub client_stall: Duration,
    /// Rounds of disturbance that were begun.
    pub rounds: u64,
    /// Why a disturbance failed.
    pub disturb_faults: Vec<String>,
}

impl Unrest {
    /// A room stood still for so long, until this round.
    pub fn stalled(&mut self, round: usize, time: Duration) {
        if self.stalls.len() <= round {
            self.stalls.resize(round + 1, Duration::ZERO);
        }
        self.stalls[round] = self.stalls[round].max(time);
    }

    /// The stall that a quantile of the rounds does not exceed (nearest rank), in ms; 0 without rounds.
    #[must_use]
    pub fn stall_ms(&self, quantile: f64) -> f64 {
        let mut stalls = self.stalls.clone();
        stalls.sort_unstable();
        let rank = (quantile * stalls.len() as f64).ceil().max(1.0) as usize;
        stalls.get(rank - 1).map_or(0.0, |stall| stall.as_secs_f64() * 1e3)
    }

    /// Adds another thread's.
    pub fn add(&mut self, other: &Self) {
        self.acked += other.acked;
        self.acked_measured += other.acked_measured;
        self.acked_lost += other.acked_lost;
        self.acked_before_anew += other.acked_before_anew;
        self.repeated += other.repeated;
        for (round, stall) in other.stalls.iter().enumerate() {
            self.stalled(round, *stall);
        }
        self.client_stall = self.client_stall.max(other.client_stall);
        self.rounds += other.rounds;
        self.disturb_faults.extend(other.disturb_faults.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_room_of_a_round_counts_over_all_threads() {
        let ms = Duration::from_millis;
        let mut unrest = Unrest::default();
        unrest.stalled(1, ms(40));
        unrest.stalled(1, ms(30));
        let mut other = Unrest::default();
        other.stalled(0, ms(20));
        other.stalled(2, ms(900));
        unrest.add(&other);
        assert_eq!(unrest.stalls, [ms(20), ms(40), ms(900)]);
        assert_eq!((unrest.stall_ms(0.5), unrest.stall_ms(1.0)), (40.0, 900.0));
        assert_eq!(Unrest::default().stall_ms(0.5), 0.0);
    }
}
