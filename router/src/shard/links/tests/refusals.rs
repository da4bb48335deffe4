//! Who is not taken, and what it is told.

use ringway_link::{HelloError, VersionRange};

use super::*;

/// What nodes 1 and 2 are told, of which 1 dials, while each says of itself what it is made to say.
fn refused(
    one: impl FnOnce(&mut LinkIdentity),
    two: impl FnOnce(&mut LinkIdentity),
    known_to_two: &[LinkTarget],
) -> [Vec<LinkEvent>; 2] {
    let mut net = pair(1);
    net.targets(2, known_to_two);
    one(&mut net.links(1).identity);
    two(&mut net.links(2).identity);
    // They stay apart, however often the one asks.
    net.run(3_000);
    [1, 2].map(|node| {
        let events: Vec<LinkEvent> = net.events_of(node).into_iter().cloned().collect();
        assert!(events.len() >= 2, "asked once: {events:?}");
        assert!(net.links(node).views().next().is_none());
        assert_eq!(net.links(node).figures().refused, events.len() as u64);
        events
    })
}

fn refusal(event: &LinkEvent) -> (Option<NodeId>, bool, u16) {
    match event {
        LinkEvent::Failed { node, why: LinkDown::Refused { by_peer, number, .. }, .. } => {
            (*node, *by_peer, *number)
        }
        other => panic!("not a refusal: {other:?}"),
    }
}

/// Node 2 does not take node 1, and both are told so.
#[track_caller]
fn assert_refused_by_two(one: impl FnOnce(&mut LinkIdentity), known: &[LinkTarget], error: HelloError) {
    let [of_one, of_two] = refused(one, |_| {}, known);
    of_one.iter().for_each(|event| assert_eq!(refusal(event), (Some(NodeId(2)), true, error.number())));
    of_two.iter().for_each(|event| assert_eq!(refusal(event), (Some(NodeId(1)), false, error.number())));
}

/// Each finds this wrong with the other; which of them says so first is no matter.
#[track_caller]
fn assert_refused(
    one: impl FnOnce(&mut LinkIdentity),
    two: impl FnOnce(&mut LinkIdentity),
    by_one: HelloError,
    by_two: HelloError,
) {
    let [of_one, of_two] = refused(one, two, &[target(1, false), target(2, false)]);
    for (events, ours, theirs) in [(of_one, by_one, by_two), (of_two, by_two, by_one)] {
        for event in events {
            let (_, by_peer, number) = refusal(&event);
            assert_eq!(number, if by_peer { theirs.number() } else { ours.number() });
        }
    }
}

#[test]
fn a_node_that_the_map_does_not_know() {
    assert_refused_by_two(|_| {}, &[target(3, false)], HelloError::UnknownNode);
}

#[test]
fn an_earlier_start_of_a_node() {
    let known = LinkTarget { incarnation: 8, ..target(1, false) };
    assert_refused_by_two(|one| one.incarnation = 7, &[known], HelloError::StaleIncarnation);
}

#[test]
fn a_node_with_the_certificate_of_another() {
    let known = [target(1, false), target(3, false)];
    assert_refused_by_two(|one| one.node = NodeId(3), &known, HelloError::WrongCertificate);
}

#[test]
fn another_cluster() {
    let one = |one: &mut LinkIdentity| one.cluster = "other".into();
    assert_refused(one, |_| {}, HelloError::OtherCluster, HelloError::OtherCluster);
}

#[test]
fn a_node_that_says_it_is_this_one() {
    assert_refused(|one| one.node = NodeId(2), |_| {}, HelloError::SameNode, HelloError::SameNode);
}

#[test]
fn versions_that_are_two_apart() {
    let newer = |newer: &mut LinkIdentity| newer.versions = VersionRange { oldest: 2, own: 3 };
    assert_refused(newer, |_| {}, HelloError::VersionTooOld, HelloError::VersionTooNew);
    assert_refused(|_| {}, newer, HelloError::VersionTooNew, HelloError::VersionTooOld);
}

#[test]
fn neighbours_settle_on_the_older_version() {
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(1);
    let mut newer = setup(shown(&authority, 1), 1);
    newer.identity.versions = VersionRange { oldest: 1, own: 2 };
    net.start(newer);
    net.start(setup(shown(&authority, 2), 1));
    net.link(1, 2);
    net.run(100);
    assert!(matches!(net.events_of(1)[..], [LinkEvent::Up { version: 1, .. }]));
    assert!(matches!(net.events_of(2)[..], [LinkEvent::Up { version: 1, .. }]));
}

#[test]
fn a_node_of_another_authority() {
    let (ours, others) = (made_authority(CLUSTER), made_authority(CLUSTER));
    for (one, two) in [(&ours, &others), (&others, &ours)] {
        let mut net = Net::new(1);
        net.start(setup(shown(one, 1), 1));
        net.start(setup(shown(two, 2), 1));
        net.link(1, 2);
        net.run(3_000);
        for node in [1, 2] {
            let events = net.events_of(node);
            assert!(events.len() >= 2, "{events:?}");
            let broken =
                |event: &&LinkEvent| matches!(event, LinkEvent::Failed { why: LinkDown::Broken(_), .. });
            assert!(events.iter().all(broken), "{events:?}");
            assert!(net.links(node).figures().failed >= 2);
        }
    }
}

#[test]
fn a_node_whose_certificate_is_of_whom_was_not_dialled() {
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(1);
    net.start(setup(shown(&authority, 1), 1));
    net.start(setup(shown(&authority, 2), 1));
    net.targets(2, &[target(1, false)]);
    // Node 3 is said to be where node 2 is.
    net.targets(1, &[LinkTarget { dial: vec![address(2)], ..target(3, false) }]);
    net.run(1_000);
    let of_one = net.events_of(1);
    assert!(!of_one.is_empty());
    let broken = |event: &&LinkEvent| {
        matches!(event, LinkEvent::Failed { node: Some(NodeId(3)), why: LinkDown::Broken(_), .. })
    };
    assert!(of_one.iter().all(broken), "{of_one:?}");
    assert!(!net.is_up(2, 1));
}
