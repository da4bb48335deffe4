//! Packets under way in one direction, by when they are due. Bounded in packets; their buffers are used again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::Nanos;

/// Packets under way at most: a second of what the forwarder carries at best.
const PACKETS_MAX: usize = 1 << 17;
/// Buffers kept for packets to come.
const SPARES_MAX: usize = 1 << 12;

/// A packet and the room that it may take.
pub(super) type Buffer = Vec<u8>;

/// What is under way in one direction.
pub(super) struct Flight {
    under_way: BinaryHeap<Reverse<UnderWay>>,
    spares: Vec<Buffer>,
    packet_bytes_max: usize,
    next: u64,
}

/// A packet that has arrived.
pub(super) struct Arrival {
    /// When it was to arrive.
    pub(super) due: Nanos,
    /// Its place among the packets that set out.
    pub(super) ordinal: u64,
    /// It.
    pub(super) packet: Buffer,
}

/// Ordered by the first two fields, which no two packets share.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct UnderWay {
    due: Nanos,
    ordinal: u64,
    packet: Buffer,
}

impl Flight {
    pub(super) fn new(packet_bytes_max: usize) -> Self {
        Self { under_way: BinaryHeap::new(), spares: Vec::new(), packet_bytes_max, next: 0 }
    }

    /// A buffer as long as the largest packet, to read into.
    pub(super) fn buffer(&mut self) -> Buffer {
        let mut buffer = self.spares.pop().unwrap_or_default();
        buffer.resize(self.packet_bytes_max, 0);
        buffer
    }

    /// Takes a buffer back.
    pub(super) fn recycle(&mut self, buffer: Buffer) {
        if self.spares.len() < SPARES_MAX {
            self.spares.push(buffer);
        }
    }

    /// Sends a packet on its way; gives it back when too many are.
    pub(super) fn depart(&mut self, due: Nanos, packet: Buffer) -> Result<(), Buffer> {
        if self.under_way.len() == PACKETS_MAX {
            return Err(packet);
        }
        self.under_way.push(Reverse(UnderWay { due, ordinal: self.next, packet }));
        self.next += 1;
        Ok(())
    }

    /// The next packet that is due by now.
    pub(super) fn arrive(&mut self, now: Nanos) -> Option<Arrival> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse(UnderWay { due, ordinal, packet }) = self.under_way.pop()?;
        Some(Arrival { due, ordinal, packet })
    }

    /// When the next packet is due.
    pub(super) fn next_due(&self) -> Option<Nanos> {
        self.under_way.peek().map(|Reverse(packet)| packet.due)
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(flight: &mut Flight, now: u64) -> Vec<Buffer> {
        std::iter::from_fn(|| flight.arrive(Nanos(now))).map(|arrival| arrival.packet).collect()
    }

    #[test]
    fn packets_arrive_when_due_and_in_order() {
        let mut flight = Flight::new(4);
        for (due, packet) in [(20, b"c"), (10, b"a"), (10, b"b"), (30, b"d")] {
            flight.depart(Nanos(due), packet.to_vec()).unwrap();
        }
        assert_eq!(flight.next_due(), Some(Nanos(10)));
        assert!(arrivals(&mut flight, 9).is_empty());
        assert_eq!(arrivals(&mut flight, 20), [b"a", b"b", b"c"]);
        assert_eq!(flight.len(), 1);
    }

    #[test]
    fn no_more_than_the_bound_are_under_way() {
        let mut flight = Flight::new(4);
        assert!((0..PACKETS_MAX).all(|_| flight.depart(Nanos(0), Vec::new()).is_ok()));
        assert_eq!(flight.depart(Nanos(0), vec![7]), Err(vec![7]));
    }

    #[test]
    fn a_buffer_used_again_is_as_long_as_a_new_one() {
        let mut flight = Flight::new(4);
        flight.recycle(vec![1]);
        assert_eq!(flight.buffer().len(), 4);
    }
}
