//! How links come up.

use super::net::Weather;
use super::*;
use crate::quic::write::write;

fn up(node: u64, incarnation: u64) -> LinkEvent {
    LinkEvent::Up { node: NodeId(node), incarnation, version: 1, shards: 4 }
}

#[test]
fn both_ends_learn_who_the_other_is() {
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(1);
    net.start(setup(shown(&authority, 1), 7));
    net.start(setup(shown(&authority, 2), 9));
    net.link(1, 2);
    net.run(500);
    assert_eq!(net.events_of(1), [&up(2, 9)]);
    assert_eq!(net.events_of(2), [&up(1, 7)]);
    for (node, peer, incarnation) in [(1, 2, 9), (2, 1, 7)] {
        let views: Vec<LinkView> = net.links(node).views().collect();
        assert_eq!(views.len(), 1);
        assert_eq!((views[0].node, views[0].incarnation), (NodeId(peer), incarnation));
    }
}

#[test]
fn a_link_comes_up_through_any_weather() {
    for seed in 0..12 {
        let mut net = pair(seed);
        net.weather = Weather { lost_permille: 150, doubled_permille: 100, late_us: 3_000 };
        net.run_until(20_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
    }
}

#[test]
fn what_comes_on_other_streams_before_the_hellos_are_done_waits_for_them() {
    let mut net = pair(1);
    net.run_until(1_000, |net| net.links(1).links.iter().flatten().any(|link| link.connected));
    let ping = encoded(&Frame::Word(ringway_link::Word::Ping { token: 1 }));
    let link = net.links(1).links[0].as_deref_mut().unwrap();
    assert_eq!(write(link.connection.send_stream(link::id_of(5)), &ping), Ok(ping.len()));
    net.links(1).touch(0);
    net.run_until(1_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
    net.run(100);
    assert_eq!(net.events_of(1), [&up(2, 1)]);
    assert_eq!(net.events_of(2), [&up(1, 1)]);
}

#[test]
fn an_idle_link_stays_up() {
    let mut net = linked(1);
    net.run(20_000);
    assert_eq!(net.events, []);
    assert_eq!(net.links(1).figures().dials, 1);
}

#[test]
fn a_dialler_that_hears_nothing_goes_through_its_addresses() {
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(1);
    net.start(setup(shown(&authority, 1), 1));
    net.start(setup(shown(&authority, 2), 1));
    net.targets(2, &[target(1, false)]);
    let dial = vec![address(8), address(9), address(2)];
    net.targets(1, &[LinkTarget { dial, ..target(2, false) }]);
    net.run_until(10_000, |net| net.is_up(1, 2));
    let failed =
        |to| LinkEvent::Failed { node: Some(NodeId(2)), address: address(to), why: LinkDown::Silent };
    assert_eq!(net.events_of(1), [&failed(8), &failed(9), &up(2, 1)]);
}

#[test]
fn an_address_of_a_kind_that_no_socket_has_is_told() {
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(1);
    net.start(setup(shown(&authority, 1), 1));
    net.targets(1, &[LinkTarget { dial: vec!["[::1]:7410".parse().unwrap()], ..target(2, false) }]);
    net.run(10);
    assert!(matches!(
        net.events_of(1)[..],
        [LinkEvent::Failed { why: LinkDown::Broken(_), node: Some(NodeId(2)), .. }]
    ));
}

#[test]
fn many_nodes_dial_one_at_once() {
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(1);
    net.start(setup(shown(&authority, 50), 1));
    let targets: Vec<LinkTarget> = (1..=30).map(|node| target(node, false)).collect();
    net.targets(50, &targets);
    for node in 1..=30 {
        net.start(setup(shown(&authority, node), 1));
        net.targets(node, &[target(50, true)]);
    }
    net.run_until(5_000, |net| net.links(50).views().count() == 30);
    assert!(net.links(50).figures().retries > 0, "nobody had to show where it is");
}

#[test]
fn who_never_says_hello_is_let_go() {
    let mut net = pair(1);
    // It gets as far as TLS and falls silent for good.
    net.run_until(1_000, |net| net.links(2).links.iter().flatten().any(|link| link.open > 0));
    net.links(2).links.iter_mut().flatten().for_each(|link| link.met = None);
    net.machine(1).frozen = true;
    net.links(2).times.idle = std::time::Duration::from_secs(60);
    net.run(3_000);
    assert!(net.links(2).links.iter().flatten().next().is_none());
    assert_eq!(net.links(2).greeting, 0);
}
