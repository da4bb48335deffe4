use super::*;

#[test]
fn items_come_out_in_the_order_they_went_in() {
    let (mut sender, mut receiver) = ring(3, usize::MAX);
    let mut next = 0;
    for round in 0..1_000 {
        for _ in 0..=(round % 3) {
            sender.push(Box::new(next), 1).unwrap();
            next += 1;
        }
        for back in (0..=(round % 3)).rev() {
            assert_eq!(*receiver.pop().unwrap(), next - 1 - back);
        }
        assert!(receiver.pop().is_none());
    }
}

#[test]
fn a_ring_holds_exactly_its_capacity_even_if_that_is_no_power_of_two() {
    for capacity in [1, 2, 3, 5, 8] {
        let (mut sender, mut receiver) = ring(capacity, usize::MAX);
        for item in 0..capacity {
            sender.push(item, 0).unwrap();
        }
        assert_eq!(sender.push(99, 0), Err(99));
        assert_eq!(receiver.len(), capacity);
        assert_eq!(receiver.pop(), Some(0));
        assert!(sender.push(100, 0).is_ok());
    }
}

#[test]
fn weight_bounds_a_ring_before_its_slots_do() {
    let (mut sender, mut receiver) = ring(100, 10);
    assert!(sender.push("a", 9).is_ok());
    assert!(sender.push("b", 9).is_ok(), "the last one may overshoot");
    assert_eq!(sender.push("c", 1), Err("c"));
    receiver.pop().unwrap();
    assert!(sender.push("d", 1).is_ok());
    assert_eq!(sender.push("e", 1), Err("e"));
}

#[test]
fn a_starved_sender_is_noticed_once() {
    let (mut sender, mut receiver) = ring(1, usize::MAX);
    sender.push(1, 0).unwrap();
    assert!(!receiver.was_starved());
    assert!(!sender.has_room());
    receiver.pop().unwrap();
    assert!(receiver.was_starved());
    assert!(!receiver.was_starved());
}

#[test]
fn what_was_never_taken_is_dropped_with_the_ring() {
    let alive = std::rc::Rc::new(());
    let (mut sender, mut receiver) = ring(4, usize::MAX);
    for _ in 0..3 {
        sender.push(std::rc::Rc::clone(&alive), 0).unwrap();
    }
    drop(receiver.pop());
    drop(sender);
    drop(receiver);
    assert_eq!(std::rc::Rc::strong_count(&alive), 1);
}

#[test]
fn two_threads_lose_nothing_through_a_ring_of_one() {
    for capacity in [1, 2, 64] {
        let (mut sender, mut receiver) = ring(capacity, usize::MAX);
        let producer = std::thread::spawn(move || {
            for item in 0..10_000_u64 {
                while !sender.has_room() {
                    std::thread::yield_now();
                }
                sender.push(item, 1).unwrap();
            }
        });
        for expected in 0..10_000_u64 {
            let item = loop {
                match receiver.pop() {
                    Some(item) => break item,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(item, expected);
        }
        producer.join().unwrap();
    }
}
