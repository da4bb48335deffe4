//! The network as a pure function: a packet comes, and its fate is said at once. No socket, no clock, no thread.
//!
//! A [`Line`] is one direction. A packet first waits for the line's rate in a queue that is bounded in bytes, may then
//! be lost, and arrives a fixed delay later, with some jitter. What chance decides (loss and jitter) depends on nothing
//! but the seed, the direction and the packet's ordinal, so that the hundredth packet of two runs meets the same luck
//! (or, where loss goes by time, on the time since the first packet); what the queue decides depends on when packets come and how large they are, as it must.

mod bottleneck;
mod chance;
mod loss;

use std::time::Duration;

pub use bottleneck::Rate;
pub use loss::{BadLoss, Loss};

use self::bottleneck::Bottleneck;
use self::chance::{Chance, Purpose};
use self::loss::Weather;
use crate::engine::Nanos;

/// Which way a packet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What a packet meets in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// How long every packet is under way.
    pub delay: Duration,
    /// How much longer at most; evenly spread.
    pub jitter: Duration,
    /// Whether jitter lets packets overtake each other; otherwise a late one holds up those behind it.
    pub reorder: bool,
    /// How packets are lost.
    pub loss: Loss,
    /// How fast packets leave; at once without.
    pub rate: Option<Rate>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives, at this time.
    Deliver(Nanos),
    /// It was lost under way.
    Lost,
    /// It found the queue full.
    QueueFull,
}

/// One direction of the network.
#[derive(Clone, Debug)]
pub struct Line {
    conditions: Conditions,
    chance: Chance,
    weather: Weather,
    bottleneck: Option<Bottleneck>,
    /// The ordinal of the packet that comes next.
    next: u64,
    latest_arrival: Nanos,
}

impl Line {
    /// A line on which nothing has travelled yet. Both directions may share one seed: their luck differs all the same.
    #[must_use]
    pub fn new(conditions: Conditions, seed: u64, direction: Direction) -> Self {
        Self {
            conditions,
            chance: Chance::new(seed, direction),
            weather: Weather::new(conditions.loss),
            bottleneck: conditions.rate.map(Bottleneck::new),
            next: 0,
            latest_arrival: Nanos::default(),
        }
    }

    /// Decides about the next packet. `now` never goes back; `bytes` is the packet's length with its IP header.
    pub fn handle_packet(&mut self, now: Nanos, bytes: usize) -> Verdict {
        let ordinal = self.next;
        self.next += 1;
        // Drawn whatever the queue says: the luck of those that follow must not depend on it.
        let lost = self.weather.loses(now, ordinal, self.chance);
        let Some(departure) = self.departure(now, bytes) else { return Verdict::QueueFull };
        if lost {
            return Verdict::Lost;
        }
        let jitter = self.conditions.jitter.mul_f64(self.chance.draw(ordinal, Purpose::Jitter));
        let mut arrival = departure + self.conditions.delay + jitter;
        if !self.conditions.reorder {
            arrival = arrival.max(self.latest_arrival);
        }
        self.latest_arrival = self.latest_arrival.max(arrival);
        Verdict::Deliver(arrival)
    }

    fn departure(&mut self, now: Nanos, bytes: usize) -> Option<Nanos> {
        match &mut self.bottleneck {
            Some(bottleneck) => bottleneck.pass(now, bytes as u64),
            None => Some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(conditions: Conditions, seed: u64, direction: Direction, packets: u64) -> Vec<Verdict> {
        let mut line = Line::new(conditions, seed, direction);
        (0..packets).map(|number| line.handle_packet(Nanos(number * 1_000_000), 1_000)).collect()
    }

    fn rough() -> Conditions {
        Conditions {
            delay: Duration::from_millis(40),
            jitter: Duration::from_millis(10),
            loss: Loss::independent(0.05).unwrap(),
            ..Conditions::default()
        }
    }

    fn arrivals(fates: &[Verdict]) -> Vec<Nanos> {
        let arrival = |fate: &Verdict| if let Verdict::Deliver(at) = fate { Some(*at) } else { None };
        fates.iter().filter_map(arrival).collect()
    }

    #[test]
    fn without_conditions_packets_arrive_when_they_leave() {
        let mut line = Line::new(Conditions::default(), 1, Direction::Up);
        assert_eq!(line.handle_packet(Nanos(7), 1_500), Verdict::Deliver(Nanos(7)));
    }

    #[test]
    fn the_same_seed_gives_the_same_fates() {
        assert_eq!(fates(rough(), 7, Direction::Up, 2_000), fates(rough(), 7, Direction::Up, 2_000));
    }

    #[test]
    fn another_seed_and_the_other_direction_give_others() {
        let one = fates(rough(), 7, Direction::Up, 2_000);
        assert_ne!(one, fates(rough(), 8, Direction::Up, 2_000));
        assert_ne!(one, fates(rough(), 7, Direction::Down, 2_000));
    }

    #[test]
    fn jitter_keeps_the_order_unless_told_otherwise() {
        let kept = arrivals(&fates(rough(), 1, Direction::Up, 5_000));
        assert!(kept.is_sorted());
        let free = arrivals(&fates(Conditions { reorder: true, ..rough() }, 1, Direction::Up, 5_000));
        assert!(!free.is_sorted());
    }

    #[test]
    fn delay_and_jitter_bound_the_arrival() {
        let mut line = Line::new(Conditions { reorder: true, ..rough() }, 1, Direction::Up);
        for number in 0..5_000 {
            let now = Nanos(number * 1_000);
            if let Verdict::Deliver(at) = line.handle_packet(now, 1_000) {
                let under_way = at.since(now);
                assert!((Duration::from_millis(40)..=Duration::from_millis(50)).contains(&under_way));
            }
        }
    }

    #[test]
    fn luck_does_not_depend_on_the_queue() {
        let rate = Some(Rate { kbit: 1_000, queue_bytes: 5_000 });
        let free = fates(rough(), 3, Direction::Up, 2_000);
        let tight = fates(Conditions { rate, ..rough() }, 3, Direction::Up, 2_000);
        assert!(tight.contains(&Verdict::QueueFull));
        for (free, tight) in free.iter().zip(&tight) {
            assert!(*tight == Verdict::QueueFull || (*free == Verdict::Lost) == (*tight == Verdict::Lost));
        }
    }
}
