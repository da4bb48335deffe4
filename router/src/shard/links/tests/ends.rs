//! How links end, and what comes after.

use std::time::Duration;

use ringway_link::GoodbyeReason;

use super::*;

fn down(node: u64, why: LinkDown) -> LinkEvent {
    LinkEvent::Down { node: NodeId(node), why }
}

/// Whether an event is a goodbye of the peer for this reason.
fn is_goodbye(event: &LinkEvent, of: GoodbyeReason) -> bool {
    matches!(event, LinkEvent::Down { why: LinkDown::Goodbye { reason, number: 0, .. }, .. } if *reason == of)
}

#[test]
fn a_peer_that_vanishes_is_noticed_and_dialled_until_it_is_back() {
    let mut net = linked(3);
    let vanished = net.elapsed_ms();
    net.machine(2).frozen = true;
    net.run(20_000);
    let events = net.events_of(1);
    assert_eq!(*events[0], down(2, LinkDown::Silent));
    let noticed = net.events[0].0 - vanished;
    // The idle time from the last sign of life, which is at most a keep-alive old.
    assert!((700..=1_300).contains(&noticed), "{noticed} ms");
    // From then on: a second for each try, and waits that grow to two.
    let tries: Vec<u64> = net.events[1..].iter().map(|(at, _, _)| *at).collect();
    assert!((7..=14).contains(&tries.len()), "{tries:?}");
    let waits: Vec<u64> = tries.windows(2).map(|two| two[1] - two[0] - 1_000).collect();
    assert!(waits[0] <= 101 && *waits.last().unwrap() >= 990, "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 2_001), "{waits:?}");

    // It is back as it was: it has forgotten the link as well.
    net.machine(2).frozen = false;
    net.run_until(4_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
    assert_eq!(net.events_of(2)[0], &down(1, LinkDown::Silent));
}

#[test]
fn a_peer_that_is_started_anew_is_noticed_at_once() {
    let authority = made_authority(CLUSTER);
    let (one, two) = (shown(&authority, 1), shown(&authority, 2));
    let mut net = Net::new(1);
    net.start(setup(one, 1));
    net.start(setup(Arc::clone(&two), 1));
    net.link(1, 2);
    net.run_until(1_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
    net.events.clear();
    net.start(setup(two, 2));
    net.targets(2, &[target(1, false)]);
    let began = net.elapsed_ms();
    net.run_until(1_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
    // A keep-alive, a reset, and the shortest wait.
    assert!(net.elapsed_ms() - began < 400, "{:?}", net.events);
    let up = LinkEvent::Up { node: NodeId(2), incarnation: 2, version: 1, shards: 4 };
    assert_eq!(net.events_of(1), [&down(2, LinkDown::Reset), &up]);
}

#[test]
fn a_newer_link_of_the_same_node_takes_the_place_of_the_older() {
    let authority = made_authority(CLUSTER);
    let one = shown(&authority, 1);
    for incarnation in [4, 5] {
        let mut net = Net::new(1);
        net.start(setup(Arc::clone(&one), 4));
        net.start(setup(shown(&authority, 2), 1));
        net.link(1, 2);
        net.run_until(1_000, |net| net.is_up(2, 1));
        net.events.clear();
        // The first start lives on, unheard.
        let mut later = setup(Arc::clone(&one), incarnation);
        later.reset_secret = [99; 32];
        net.start(later);
        net.targets(1, &[target(2, true)]);
        net.run_until(100, |net| net.is_up(1, 2) && net.events_of(2).len() == 2);
        let up = LinkEvent::Up { node: NodeId(1), incarnation, version: 1, shards: 4 };
        assert_eq!(net.events_of(2), [&down(1, LinkDown::Ended(GoodbyeReason::Replaced)), &up]);
        assert!(net.is_up(2, 1));
        net.run(5_000);
        assert!(net.is_up(1, 2) && net.is_up(2, 1));
    }
}

#[test]
fn who_is_replaced_is_told_so() {
    let mut net = linked(1);
    let now = net.now;
    net.links(2).end(now, NodeId(1), GoodbyeReason::Replaced);
    net.run_until(50, |net| !net.events_of(1).is_empty());
    assert!(is_goodbye(net.events_of(1)[0], GoodbyeReason::Replaced), "{:?}", net.events);
    assert_eq!(net.events_of(2), [&down(1, LinkDown::Ended(GoodbyeReason::Replaced))]);
}

#[test]
fn a_node_that_leaves_the_map_is_told_and_not_dialled_again() {
    for (leaves, stays) in [(1, 2), (2, 1)] {
        let mut net = linked(1);
        net.targets(stays, &[]);
        net.run_until(50, |net| !net.is_up(leaves, stays));
        assert!(is_goodbye(net.events_of(leaves)[0], GoodbyeReason::Removed), "{:?}", net.events);
        assert_eq!(net.events_of(stays), [&down(leaves, LinkDown::Ended(GoodbyeReason::Removed))]);
        net.run(3_000);
        assert!(!net.is_up(1, 2) && !net.is_up(2, 1));
        assert!(net.links(stays).links.iter().flatten().next().is_none(), "something is left");
        net.link(1, 2);
        net.run_until(3_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
    }
}

#[test]
fn who_stays_in_the_map_stays_linked_however_it_is_told() {
    let mut net = linked(1);
    // Twice, at another address, and no longer dialled.
    net.targets(1, &[target(2, true), target(2, true), target(3, false)]);
    net.run(2_000);
    net.targets(1, &[LinkTarget { dial: vec![address(9)], ..target(2, false) }]);
    net.run(2_000);
    net.targets(1, &[target(2, false)]);
    net.run(2_000);
    assert!(net.is_up(1, 2) && net.is_up(2, 1));
    assert_eq!(net.events, []);
    assert_eq!(net.links(1).figures().dials, 1);
}

#[test]
fn a_node_that_stops_says_goodbye_and_is_idle() {
    let mut net = linked(1);
    let now = net.now;
    net.links(1).stop(now);
    assert!(!net.links(1).is_idle());
    net.run_until(50, |net| net.links(1).is_idle() && !net.is_up(2, 1));
    assert!(is_goodbye(net.events_of(2)[0], GoodbyeReason::Stopping), "{:?}", net.events);
    assert_eq!(net.events_of(1), [&down(2, LinkDown::Ended(GoodbyeReason::Stopping))]);
    net.run(5_000);
    assert_eq!(net.links(1).figures().dials, 1);
    assert_eq!(net.links(1).poll_timeout(), None);
}

#[test]
fn a_node_that_is_cut_off_says_so_in_one_flush() {
    let mut net = linked(1);
    let now = net.now;
    net.links(1).cut_all(now);
    net.run(0);
    assert!(net.links(1).is_idle());
    net.machine(1).frozen = true;
    net.run_until(50, |net| !net.is_up(2, 1));
    assert!(is_goodbye(net.events_of(2)[0], GoodbyeReason::Stopping), "{:?}", net.events);
}

#[test]
fn a_goodbye_arrives_where_packets_are_lost() {
    for seed in 0..10 {
        let mut net = linked(seed);
        net.weather = super::net::Weather { lost_permille: 300, ..Default::default() };
        let now = net.now;
        net.links(2).end(now, NodeId(1), GoodbyeReason::Removed);
        net.run_until(900, |net| !net.events_of(1).is_empty());
        assert!(is_goodbye(net.events_of(1)[0], GoodbyeReason::Removed), "seed {seed}: {:?}", net.events);
    }
}

#[test]
fn new_credentials_are_for_new_handshakes() {
    let (old, new) = (made_authority(CLUSTER), made_authority(CLUSTER));
    let mut net = Net::new(1);
    net.start(setup(shown(&old, 1), 1));
    net.start(setup(shown(&old, 2), 1));
    net.link(1, 2);
    net.run_until(1_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
    net.events.clear();
    net.links(1).handle_credentials(shown(&new, 1)).unwrap();
    net.run(3_000);
    assert_eq!(net.events, [], "links that are up stay");

    // One has new ones, the other not yet: they can't meet.
    let now = net.now;
    net.links(1).end(now, NodeId(2), GoodbyeReason::Replaced);
    net.run(3_000);
    assert!(!net.is_up(1, 2) && net.links(1).figures().failed > 0);
    net.links(2).handle_credentials(shown(&new, 2)).unwrap();
    net.run_until(5_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
}

#[test]
fn what_was_neither_sent_nor_polled_is_gone_with_its_link() {
    let mut net = linked(1);
    net.machine(2).polls = false;
    net.links(1).push(NodeId(2), &frame(1, 1, &[])).unwrap();
    net.run(10);
    assert_eq!(net.links(2).views().map(|view| view.frames_held).sum::<usize>(), 1);
    let now = net.now;
    net.links(1).end(now, NodeId(2), GoodbyeReason::Replaced);
    net.run_until(1_000, |net| !net.is_up(2, 1));
    assert!(net.links(2).ready.is_empty());
    net.run_until(1_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
    net.machine(2).polls = true;
    net.run_until(1_000, |net| net.links(1).push(NodeId(2), &frame(1, 3, &[])).is_ok());
    net.run(100);
    let polled: Vec<(u16, u32)> = net.machines[&2].frames.iter().map(|(_, bytes)| told(bytes)).collect();
    assert_eq!(polled, [(1, 3)], "the first was of the link before");
}

#[test]
fn a_link_that_falls_soon_each_time_is_dialled_less_and_less() {
    let mut net = linked(1);
    for _ in 0..8 {
        net.run_until(5_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
        let now = net.now;
        net.links(2).end(now, NodeId(1), GoodbyeReason::Replaced);
        net.run_until(100, |net| !net.is_up(1, 2));
    }
    let began = net.now;
    net.run_until(5_000, |net| net.is_up(1, 2));
    assert!(net.now - began > Duration::from_millis(900));
    // One that stood makes good for them.
    net.run(3_000);
    let now = net.now;
    net.links(2).end(now, NodeId(1), GoodbyeReason::Replaced);
    net.run_until(100, |net| !net.is_up(1, 2));
    let began = net.now;
    net.run_until(5_000, |net| net.is_up(1, 2));
    assert!(net.now - began < Duration::from_millis(200));
}
