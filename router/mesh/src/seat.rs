//! One shard's place in the mesh.

use crate::doorbell::Wake;
use crate::inbound::Inbound;
use crate::spsc::{Receiver, Sender, ring};
use crate::sync::Arc;

/// Bounds of each ring of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Items in one ring.
    pub items: usize,
    /// Bytes that the items of one ring hold.
    pub bytes: usize,
}

impl Bounds {
    /// An equal part for each ring of a budget for the whole node; never below what lets a mesh work well.
    #[must_use]
    pub const fn of_budget(shards: usize, budget_bytes: usize) -> Self {
        let rings = if shards < 2 { 1 } else { shards * (shards - 1) * 2 };
        let bytes = budget_bytes / rings;
        let bytes = if bytes < 256 * 1024 { 256 * 1024 } else { bytes };
        let items = bytes / 1024;
        Self { items: if items > 8192 { 8192 } else { items }, bytes }
    }
}

/// The lines between a shard and one other.
struct Line<R, D, W> {
    requests_out: Sender<R>,
    deliveries_out: Sender<D>,
    requests_in: Receiver<R>,
    deliveries_in: Receiver<D>,
    /// The other shard's front.
    front: Arc<Inbound<W>>,
    /// Something was written, or room was made for a starved sender, since the other was last told.
    news: bool,
}

/// One shard's place: its ends of all rings, and its front.
pub struct Seat<R, D, W> {
    number: usize,
    /// By shard; `None` at its own number.
    lines: Vec<Option<Line<R, D, W>>>,
    front: Arc<Inbound<W>>,
}

/// The seats of a node with these fronts, one per shard. Writers at each front are numbered by shard; numbers from the
/// count of shards on are free for mailboxes.
#[must_use]
pub fn seats<R, D, W: Wake>(fronts: &[Arc<Inbound<W>>], bounds: Bounds) -> Vec<Seat<R, D, W>> {
    let mut seats: Vec<Seat<R, D, W>> = fronts
        .iter()
        .enumerate()
        .map(|(number, front)| Seat {
            number,
            lines: fronts.iter().map(|_| None).collect(),
            front: Arc::clone(front),
        })
        .collect();
    for low in 0..fronts.len() {
        for high in low + 1..fronts.len() {
            let (requests_up, requests_at_high) = ring(bounds.items, bounds.bytes);
            let (requests_down, requests_at_low) = ring(bounds.items, bounds.bytes);
            let (deliveries_up, deliveries_at_high) = ring(bounds.items, bounds.bytes);
            let (deliveries_down, deliveries_at_low) = ring(bounds.items, bounds.bytes);
            seats[low].lines[high] = Some(Line {
                requests_out: requests_up,
                deliveries_out: deliveries_up,
                requests_in: requests_at_low,
                deliveries_in: deliveries_at_low,
                front: Arc::clone(&fronts[high]),
                news: false,
            });
            seats[high].lines[low] = Some(Line {
                requests_out: requests_down,
                deliveries_out: deliveries_down,
                requests_in: requests_at_high,
                deliveries_in: deliveries_at_high,
                front: Arc::clone(&fronts[low]),
                news: false,
            });
        }
    }
    seats
}

impl<R, D, W: Wake> Seat<R, D, W> {
    /// This shard's number.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.number
    }

    /// The numbers of the other shards.
    pub fn others(&self) -> impl Iterator<Item = usize> + use<R, D, W> {
        let number = self.number;
        (0..self.lines.len()).filter(move |other| *other != number)
    }

    /// This shard's front.
    #[must_use]
    pub const fn front(&self) -> &Arc<Inbound<W>> {
        &self.front
    }

    /// Whether a request to that shard would be taken; if not, that shard rings once there is room.
    pub fn has_room_for_request(&mut self, to: usize) -> bool {
        self.line(to).requests_out.has_room()
    }

    /// Whether a delivery to that shard would be taken; if not, that shard rings once there is room.
    pub fn has_room_for_delivery(&mut self, to: usize) -> bool {
        self.line(to).deliveries_out.has_room()
    }

    /// Writes a request of so many bytes. Seen by the other shard at the latest after [`Seat::announce`].
    ///
    /// # Errors
    /// Gives it back when the ring is full.
    pub fn push_request(&mut self, to: usize, request: R, bytes: usize) -> Result<(), R> {
        let line = self.line(to);
        line.requests_out.push(request, bytes)?;
        line.news = true;
        Ok(())
    }

    /// Writes a delivery of so many bytes. Seen by the other shard at the latest after [`Seat::announce`].
    ///
    /// # Errors
    /// Gives it back when the ring is full.
    pub fn push_delivery(&mut self, to: usize, delivery: D, bytes: usize) -> Result<(), D> {
        let line = self.line(to);
        line.deliveries_out.push(delivery, bytes)?;
        line.news = true;
        Ok(())
    }

    /// Takes the oldest request of that shard.
    pub fn pop_request(&mut self, from: usize) -> Option<R> {
        self.line(from).requests_in.pop()
    }

    /// Takes the oldest delivery of that shard.
    pub fn pop_delivery(&mut self, from: usize) -> Option<D> {
        self.line(from).deliveries_in.pop()
    }

    /// Messages of that shard that wait: requests, deliveries.
    pub fn depth(&mut self, from: usize) -> (usize, usize) {
        let line = self.line(from);
        (line.requests_in.len(), line.deliveries_in.len())
    }

    /// After a batch was taken from that shard: notes whether it must be told that there is room again.
    pub fn note_room(&mut self, from: usize) {
        let line = self.line(from);
        line.news |= line.requests_in.was_starved() | line.deliveries_in.was_starved();
    }

    /// Tells every shard that has news, waking those that sleep: one fence and one look each. Gives how many were woken.
    pub fn announce(&mut self) -> usize {
        let number = self.number;
        let mut woken = 0;
        for line in self.lines.iter_mut().flatten() {
            if std::mem::take(&mut line.news) {
                woken += usize::from(line.front.announce(number));
            }
        }
        woken
    }

    fn line(&mut self, other: usize) -> &mut Line<R, D, W> {
        self.lines[other].as_mut().expect("a shard has no line to itself")
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    struct Thread(std::thread::Thread);

    impl Wake for Thread {
        fn wake(&self) {
            self.0.unpark();
        }
    }

    struct Nobody;

    impl Wake for Nobody {
        fn wake(&self) {}
    }

    fn fronts(count: usize) -> Vec<Arc<Inbound<Nobody>>> {
        (0..count).map(|_| Arc::new(Inbound::new(count + 1, Nobody))).collect()
    }

    #[test]
    fn every_pair_has_two_lines_each_way() {
        let mut seats =
            seats::<(usize, usize), (usize, usize), _>(&fronts(3), Bounds { items: 2, bytes: 100 });
        for (from, seat) in seats.iter_mut().enumerate() {
            for to in seat.others() {
                seat.push_request(to, (from, to), 1).unwrap();
                seat.push_delivery(to, (from, to), 1).unwrap();
            }
            assert_eq!(seat.announce(), 0, "nobody sleeps");
        }
        for (to, seat) in seats.iter_mut().enumerate() {
            let mut writers = Vec::new();
            seat.front().take(|writer| writers.push(writer));
            assert_eq!(writers, (0..3).filter(|from| *from != to).collect::<Vec<_>>());
            for from in writers {
                assert_eq!(seat.pop_request(from), Some((from, to)));
                assert_eq!(seat.pop_delivery(from), Some((from, to)));
                assert_eq!(seat.pop_request(from), None);
            }
        }
    }

    #[test]
    fn a_full_ring_announces_its_room_to_the_one_who_waits() {
        let mut seats = seats::<u8, u8, _>(&fronts(2), Bounds { items: 1, bytes: 100 });
        let mut high = seats.pop().unwrap();
        let mut low = seats.pop().unwrap();
        low.push_request(1, 1, 1).unwrap();
        assert!(!low.has_room_for_request(1));
        assert_eq!(high.pop_request(0), Some(1));
        high.note_room(0);
        high.announce();
        let mut told = false;
        low.front().take(|writer| told |= writer == 1);
        assert!(told);
        assert!(low.has_room_for_request(1));
    }

    #[test]
    fn two_sleepy_shards_exchange_everything_through_rings_of_one() {
        const COUNT: u32 = 5_000;
        let (handles, parked): (Vec<_>, Vec<_>) = (0..2)
            .map(|_| {
                let (give, take) = std::sync::mpsc::channel::<Seat<u32, u32, Thread>>();
                let thread = std::thread::spawn(move || {
                    let mut seat = take.recv().unwrap();
                    let other = 1 - seat.number();
                    let (mut sent, mut seen) = (0, 0);
                    while seen < COUNT || sent < COUNT {
                        while sent < COUNT && seat.has_room_for_request(other) {
                            seat.push_request(other, sent, 1).unwrap();
                            sent += 1;
                        }
                        seat.front().take(|_| {});
                        while let Some(item) = seat.pop_request(other) {
                            assert_eq!(item, seen);
                            seen += 1;
                        }
                        seat.note_room(other);
                        seat.announce();
                        if seat.front().doze() {
                            if seen < COUNT || (sent < COUNT && !seat.has_room_for_request(other)) {
                                std::thread::park();
                            }
                            seat.front().rise();
                        }
                    }
                });
                (thread, give)
            })
            .unzip();
        let fronts: Vec<_> =
            handles.iter().map(|handle| Arc::new(Inbound::new(2, Thread(handle.thread().clone())))).collect();
        for (seat, give) in seats(&fronts, Bounds { items: 1, bytes: 100 }).into_iter().zip(parked) {
            give.send(seat).unwrap();
        }
        for handle in handles {
            handle.join().unwrap();
        }
    }
}
