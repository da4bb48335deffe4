//! Frames: whole, in order, and no more of them than there is credit for.

use std::collections::BTreeMap;

use ringway_link::Window;

use super::net::Weather;
use super::*;

/// Lengths of bodies that meet the bounds of packets and beyond, by sequence.
fn length(sequence: u32) -> usize {
    [0, 1, 190, 1_400, 200, 7_000, 30, 70_000][sequence as usize % 8]
}

#[test]
fn frames_arrive_whole_and_in_order_through_any_weather() {
    const COUNT: u32 = 400;
    let page: Vec<u8> = (0..70_000).map(|byte| byte as u8).collect();
    for seed in 0..6 {
        let mut net = linked(seed);
        net.weather = Weather { lost_permille: 30, doubled_permille: 30, late_us: 1_000 };
        let mut sequence = 0;
        net.run_until(120_000, |net| {
            let mut pushed = 0;
            while sequence < COUNT && pushed < 20 {
                // Both ways, over streams that share slots.
                let slot = (sequence % 40) as u16;
                let frame = frame(slot, sequence, &page[..length(sequence)]);
                let (there, back) = (slot % 16, NodeId(1));
                if net.links(1).room(NodeId(2), there) == 0 || net.links(2).room(back, there) == 0 {
                    break;
                }
                net.links(1).push(NodeId(2), &frame).unwrap();
                net.links(2).push(NodeId(1), &frame).unwrap();
                (sequence, pushed) = (sequence + 1, pushed + 1);
            }
            [1, 2].iter().all(|node| net.machines[node].frames.len() == COUNT as usize)
        });
        for (node, peer) in [(1, NodeId(2)), (2, NodeId(1))] {
            let mut last: BTreeMap<u16, u32> = BTreeMap::new();
            for (from, bytes) in &net.machines[&node].frames {
                let (slot, sequence) = told(bytes);
                assert_eq!(*from, peer);
                assert_eq!(**bytes, encoded(&frame(slot, sequence, &page[..length(sequence)])));
                let before = last.insert(slot % 16, sequence);
                assert!(before < Some(sequence), "stream {}: {before:?} then {sequence}", slot % 16);
            }
        }
        assert_eq!(net.events, []);
        let figures = *net.links(1).figures();
        assert_eq!((figures.frames_in, figures.frames_out), (COUNT.into(), COUNT.into()));
        assert_eq!(figures.bytes_in, figures.bytes_out);
        assert!(net.links(1).views().all(|view| view.packets_lost > 0 && view.unsent_bytes == 0));
    }
}

#[test]
fn a_turn_of_small_frames_is_few_packets() {
    let mut net = linked(1);
    let before = net.links(1).figures().datagrams_out;
    for sequence in 0..300 {
        net.links(1).push(NodeId(2), &frame(sequence as u16 % 64, sequence, &[7; 100])).unwrap();
    }
    net.run_until(100, |net| net.machines[&2].frames.len() == 300);
    let packets = net.links(1).figures().datagrams_out - before;
    assert!(packets < 60, "{packets} packets for 300 frames of 140 bytes");
}

#[test]
fn credit_stops_who_sends_until_the_other_polls() {
    let bounds = LinkBounds { span: Window { bytes: 10_000, frames: 30 }, ..LinkBounds::default() };
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(1);
    net.start(setup(shown(&authority, 1), 1));
    net.start(LinkSetup { bounds, ..setup(shown(&authority, 2), 1) });
    net.link(1, 2);
    net.run_until(1_000, |net| net.links(1).room(NodeId(2), 3) > 0 && net.links(1).room(NodeId(2), 4) > 0);
    net.machine(2).polls = false;
    assert_eq!(net.links(1).room(NodeId(2), 3), 10_000);

    // Large frames meet the bound of bytes, which the last one may pass.
    let large = frame(3, 0, &[1; 3_000]);
    let mut pushed = 0;
    while net.links(1).push(NodeId(2), &large) != Err(PushError::Full) {
        pushed += 1;
    }
    assert_eq!((pushed, net.links(1).room(NodeId(2), 3)), (4, 0));
    // Small ones that of frames; other streams have credit of their own.
    let small = frame(4, 0, &[]);
    let small_pushed = (0..100).take_while(|_| net.links(1).push(NodeId(2), &small).is_ok()).count();
    assert_eq!(small_pushed, 30);
    assert_eq!(net.links(1).figures().credit_stalls, 2);

    // However long it takes, nothing more goes, and the link stays up.
    net.run(5_000);
    assert_eq!(net.links(2).views().map(|view| view.frames_held).sum::<usize>(), 34);
    assert_eq!(net.links(1).push(NodeId(2), &large), Err(PushError::Full));
    assert!(net.is_up(1, 2) && net.is_up(2, 1));

    net.machine(2).polls = true;
    net.run_until(100, |net| net.links(1).room(NodeId(2), 3) > 0 && net.links(1).room(NodeId(2), 4) > 0);
    assert_eq!(net.machines[&2].frames.len(), 34);
    net.links(1).push(NodeId(2), &large).unwrap();
    net.run_until(100, |net| net.machines[&2].frames.len() == 35);
}

#[test]
fn a_link_holds_no_more_than_its_bound_whatever_the_peer_grants() {
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(1);
    let unsent_bytes = 100_000;
    net.start(LinkSetup {
        bounds: LinkBounds { unsent_bytes, ..LinkBounds::default() },
        ..setup(shown(&authority, 1), 1)
    });
    net.start(setup(shown(&authority, 2), 1));
    net.link(1, 2);
    net.run_until(1_000, |net| net.links(1).room(NodeId(2), 0) > 0);
    let pushed = (0..1_000).take_while(|sequence| {
        net.links(1).push(NodeId(2), &frame(*sequence as u16, *sequence, &[1; 1_000])).is_ok()
    });
    let pushed = pushed.count();
    assert!((95..=100).contains(&pushed), "{pushed}");
    assert_eq!(net.links(1).room(NodeId(2), 5), 0);
    net.run_until(1_000, |net| net.machines[&2].frames.len() == pushed);
    assert!(net.links(1).room(NodeId(2), 5) > 0);
}

#[test]
fn what_is_not_taken_holds_up_its_own_stream_alone() {
    let mut net = linked(1);
    net.machine(2).polls = false;
    for sequence in 0..8 {
        net.links(1).push(NodeId(2), &frame(sequence as u16 % 4, sequence, &[])).unwrap();
    }
    net.run(100);
    let mut polled = Vec::new();
    while let Some((_, bytes)) = net.links(2).poll_frame(|_, head| head.room.slot() != 2) {
        polled.push(told(&bytes));
    }
    // Streams take turns, for each to have its first frame before any has its second.
    assert_eq!(polled, [(0, 0), (1, 1), (3, 3), (0, 4), (1, 5), (3, 7)]);
    let mut rest = std::iter::from_fn(|| net.links(2).poll_frame(|_, _| true));
    assert_eq!(rest.next().map(|(_, bytes)| told(&bytes)), Some((2, 2)));
    assert_eq!(rest.next().map(|(_, bytes)| told(&bytes)), Some((2, 6)));
    assert_eq!(rest.next(), None);
}

#[test]
fn the_largest_frame_passes_a_smaller_window() {
    let mut net = linked(1);
    let page = vec![9; limit::FRAME_BYTES_MAX - 64];
    let largest = frame(1, 5, &page);
    net.links(1).push(NodeId(2), &largest).unwrap();
    assert_eq!(net.links(1).push(NodeId(2), &largest), Err(PushError::Full));
    net.run_until(10_000, |net| net.machines[&2].frames.len() == 1);
    assert!(net.machines[&2].frames[0].1 == encoded(&largest));
    net.run_until(100, |net| net.links(1).room(NodeId(2), 1) > 0);
}

#[test]
fn what_can_never_be_sent_is_told_from_what_must_wait() {
    let mut net = linked(1);
    let page = vec![9; limit::FRAME_BYTES_MAX];
    let pushed = net.links(1).push(NodeId(2), &frame(1, 5, &page));
    assert!(matches!(pushed, Err(PushError::Unfit(error)) if error.fault == ringway_link::Fault::TooLarge));
    let ping = Frame::Word(ringway_link::Word::Ping { token: 1 });
    assert_eq!(net.links(1).push(NodeId(2), &ping), Err(PushError::Word));
    assert_eq!(net.links(1).push(NodeId(3), &frame(1, 5, &[])), Err(PushError::Down));
    assert_eq!(net.links(1).room(NodeId(3), 1), 0);
    assert_eq!(net.links(1).room(NodeId(2), 16), 0);
}
