//! Every interleaving of the ring and of sleeping and waking, as far as loom can walk them.

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::spsc::ring;
use crate::{Bounds, Doorbell, Inbound, Wake, seats};

/// A wake that loom understands: a sleep that nobody ends is a deadlock, which it reports.
#[derive(Clone, Default)]
struct Bed(Arc<(Mutex<bool>, Condvar)>);

impl Bed {
    fn sleep(&self) {
        let (woken, changed) = &*self.0;
        let mut guard = woken.lock().unwrap();
        while !*guard {
            guard = changed.wait(guard).unwrap();
        }
        *guard = false;
    }
}

impl Wake for Bed {
    fn wake(&self) {
        let (woken, changed) = &*self.0;
        *woken.lock().unwrap() = true;
        changed.notify_one();
    }
}

#[test]
fn a_ring_hands_over_each_item_once_and_in_order() {
    loom::model(|| {
        let (mut sender, mut receiver) = ring::<Box<u32>>(2, 100);
        let producer = thread::spawn(move || {
            let mut taken = 0;
            for item in 0..3 {
                if sender.push(Box::new(item), 1).is_err() {
                    break;
                }
                taken += 1;
            }
            taken
        });
        let mut seen = 0;
        for _ in 0..3 {
            if let Some(item) = receiver.pop() {
                assert_eq!(*item, seen);
                seen += 1;
            }
        }
        let taken = producer.join().unwrap();
        while let Some(item) = receiver.pop() {
            assert_eq!(*item, seen);
            seen += 1;
        }
        assert_eq!(seen, taken);
    });
}

#[test]
fn a_ring_that_is_dropped_full_drops_its_items() {
    loom::model(|| {
        let (mut sender, mut receiver) = ring::<Arc<()>>(1, 100);
        let alive = Arc::new(());
        let item = Arc::clone(&alive);
        let producer = thread::spawn(move || drop(sender.push(item, 1)));
        drop(receiver.pop());
        drop(receiver);
        producer.join().unwrap();
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

#[test]
fn a_doorbell_never_leaves_a_consumer_asleep_with_work() {
    loom::model(|| {
        let bed = Bed::default();
        let bell = Arc::new(Doorbell::new(bed.clone()));
        let work = Arc::new(AtomicBool::new(false));
        let producer = {
            let (bell, work) = (Arc::clone(&bell), Arc::clone(&work));
            thread::spawn(move || {
                work.store(true, Ordering::Release);
                bell.ring();
            })
        };
        bell.doze();
        if !work.load(Ordering::Acquire) {
            bed.sleep();
        }
        bell.rise();
        assert!(work.load(Ordering::Acquire));
        producer.join().unwrap();
    });
}

#[test]
fn a_mark_is_never_lost_between_two_writers_and_a_reader_that_sleeps() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let bed = Bed::default();
        let front = Arc::new(Inbound::new(2, bed.clone()));
        let (mut sender, mut receiver) = ring::<u32>(2, 100);
        let writer = {
            let front = Arc::clone(&front);
            thread::spawn(move || {
                for item in 0..2 {
                    sender.push(item, 1).unwrap();
                    front.announce(0);
                }
            })
        };
        let mut seen = 0;
        while seen < 2 {
            front.take(|_| {});
            while receiver.pop().is_some() {
                seen += 1;
            }
            if seen < 2 && front.doze() {
                bed.sleep();
                front.rise();
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_starved_sender_that_sleeps_is_woken_when_there_is_room() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let beds = [Bed::default(), Bed::default()];
        let fronts: Vec<_> = beds.iter().map(|bed| Arc::new(Inbound::new(2, bed.clone()))).collect();
        let mut seats = seats::<u32, u32, Bed>(&fronts, Bounds { items: 1, bytes: 100 });
        let mut high = seats.pop().unwrap();
        let mut low = seats.pop().unwrap();
        let [low_bed, high_bed] = beds;
        let sender = thread::spawn(move || {
            let mut sent = 0;
            while sent < 2 {
                low.front().take(|_| {});
                while sent < 2 && low.has_room_for_request(1) {
                    low.push_request(1, sent, 1).unwrap();
                    sent += 1;
                }
                low.announce();
                if sent < 2 && low.front().doze() {
                    low_bed.sleep();
                    low.front().rise();
                }
            }
        });
        let mut seen = 0;
        while seen < 2 {
            high.front().take(|_| {});
            while let Some(item) = high.pop_request(0) {
                assert_eq!(item, seen);
                seen += 1;
            }
            high.note_room(0);
            high.announce();
            if seen < 2 && high.front().doze() {
                high_bed.sleep();
                high.front().rise();
            }
        }
        sender.join().unwrap();
    });
}
