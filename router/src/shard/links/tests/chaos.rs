//! Three nodes to which everything happens, by a seed: what is told stays consistent, and afterwards all is well again.

use std::collections::BTreeMap;

use ringway_link::GoodbyeReason;

use super::super::backoff::next_random;
use super::net::Weather;
use super::*;
use crate::quic::write::write;
use link::{Stage, id_of};

const NODES: [u64; 3] = [1, 2, 3];

fn knows_all(net: &mut Net, node: u64) {
    // The lower number dials.
    let others = NODES.iter().filter(|other| **other != node);
    let targets: Vec<LinkTarget> = others.map(|other| target(*other, node < *other)).collect();
    net.targets(node, &targets);
}

fn all_up(net: &mut Net) -> bool {
    NODES.iter().all(|node| net.links(*node).views().count() == NODES.len() - 1)
}

/// One thing that happens; numbers are its choices.
fn happen(net: &mut Net, what: u64, node: u64, other: u64, sequence: u32) {
    let now = net.now;
    match what {
        0 => net.machine(node).frozen = true,
        1 | 2 => net.machine(node).frozen = false,
        3 => net.links(node).end(now, NodeId(other), GoodbyeReason::Replaced),
        4 => net.targets(node, &[target(other, node < other)]),
        5 => knows_all(net, node),
        6 => net.machine(node).polls = sequence.is_multiple_of(2),
        7 => {
            let links = net.links(node);
            if let Some((index, link)) = links.link_of(NodeId(other)) {
                let _ =
                    write(link.connection.send_stream(id_of(sequence as u16 % 16)), &sequence.to_le_bytes());
                links.touch(index);
            }
        }
        8 => net.weather = Weather { lost_permille: 200, doubled_permille: 100, late_us: 5_000 },
        9 => net.weather = Weather::default(),
        _ => {
            for slot in 0..20 {
                let _ = net.links(node).push(NodeId(other), &frame(slot, sequence, &[3; 700]));
            }
        }
    }
}

/// Ups and downs take turns, for each node with each other.
fn assert_told_in_turn(net: &Net) {
    let mut up: BTreeMap<(u64, NodeId), bool> = BTreeMap::new();
    for (at, of, event) in &net.events {
        let (node, is_up) = match event {
            LinkEvent::Up { node, .. } => (*node, true),
            LinkEvent::Down { node, .. } => (*node, false),
            LinkEvent::Failed { .. } => continue,
        };
        let before = up.insert((*of, node), is_up).unwrap_or(false);
        assert_ne!(before, is_up, "at {at} ms node {of} with {node}: {:#?}", net.events);
    }
}

#[test]
fn whatever_happens_all_is_well_afterwards() {
    for seed in 0..25 {
        let authority = made_authority(CLUSTER);
        let mut net = Net::new(seed);
        NODES.iter().for_each(|node| net.start(setup(shown(&authority, *node), 1)));
        NODES.iter().for_each(|node| knows_all(&mut net, *node));
        let mut random = seed;
        for sequence in 0..150 {
            let mut choose = |end: u64| next_random(&mut random) % end;
            let (what, node) = (choose(16), NODES[choose(3) as usize]);
            let other = NODES[(node as usize + choose(2) as usize) % 3];
            happen(&mut net, what, node, other, sequence);
            net.run(choose(300));
        }
        net.weather = Weather::default();
        for node in NODES {
            (net.machine(node).frozen, net.machine(node).polls) = (false, true);
            knows_all(&mut net, node);
        }
        net.run(5_000);
        net.run_until(10_000, all_up);
        net.run(5_000);
        assert!(all_up(&mut net), "seed {seed}: a link that does not stay: {:#?}", net.events);
        assert_told_in_turn(&net);
        for node in NODES {
            let links = net.links(node);
            let stages: Vec<Stage> = links.links.iter().flatten().map(|link| link.stage).collect();
            assert_eq!(stages, [Stage::Up; 2], "seed {seed}: something is left");
            assert!(links.views().all(|view| view.unsent_bytes == 0 && view.frames_held == 0));
            assert_eq!((links.greeting, links.ready.len(), links.has_work()), (0, 0, false));
            let figures = links.figures();
            assert_eq!(figures.ups - figures.downs, 2);
        }
    }
}
