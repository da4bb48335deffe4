//! The order of one session's publications in a room, while links break, leases end and owners change.

mod bench;

use bench::{Client, World, peer, publish};
use ringway_cluster::{Slot, Term};
use ringway_core::settings::Namespace;
use ringway_core::{ClusterUpdate, Holder, Route, SlotWord, Task};
use ringway_protocol::command::{Command, Publish};
use ringway_protocol::{RequestId, RoomHandle};

const ROOM: &str = "room";

fn slot() -> Slot {
    Slot::of(RoomHandle::of(&bench::KEY, ROOM))
}

fn acquire(node: usize, term: u64) -> (usize, Task) {
    (node, Task::Acquire { slot: slot(), term: Term(term), continues: false, given: false, taken: true })
}

/// Three nodes of which the second owns the room under term 1; a member on the first.
fn world(replicas: u8) -> (World, Client) {
    let mut world = World::nodes(3, Namespace { replicas, ..Namespace::default() });
    world.map(slot().number(), Some(1), 1, &[acquire(1, 1)]);
    let ann = world.open(0, "ann");
    world.join(ann, ROOM, None);
    assert_eq!(world.read(ann), ["joined room at #0, recovered, replay 0, 1: ann"]);
    (world, ann)
}

fn say(id: u32, text: &str) -> Command<'_> {
    Command::Publish(Publish { id: RequestId::new(id), ..publish(ROOM, text) })
}

/// Nothing gets from the first node to the second by itself.
fn hold(world: &mut World, held: bool) {
    let apart = world.apart.as_mut().unwrap();
    if held {
        apart.insert((0, 1))
    } else {
        apart.remove(&(0, 1))
    };
}

/// Carries what the first node asks the second, one by one.
fn carry_one(world: &mut World) {
    hold(world, false);
    assert!(world.carry(0, 1, 1) > 0);
    hold(world, true);
    world.run();
}

/// The owner may speak for so long from now.
fn lease(world: &mut World, ms: u64) {
    let now = world.now;
    world.shards[1].handle_lease(now, now.monotonic.plus_ms(ms));
}

#[test]
fn what_is_behind_a_refused_publication_is_refused_though_the_lease_is_back() {
    let (mut world, ann) = world(1);
    hold(&mut world, true);
    for (id, text) in [(1, "one"), (2, "two"), (3, "three")] {
        world.send(ann, &say(id, text));
    }
    lease(&mut world, 0);
    carry_one(&mut world);
    assert_eq!(world.read(ann), ["error unavailable"]);
    // Longer than anything that is about clients: what is on its way is told by its number.
    lease(&mut world, 60_000);
    world.advance_ms(3_000);
    carry_one(&mut world);
    assert_eq!(world.read(ann), ["error unavailable"]);
    world.send(ann, &say(4, "too soon"));
    assert_eq!(world.read(ann), ["error unavailable"]);
    world.advance_ms(1_001);
    world.send(ann, &say(5, "one"));
    hold(&mut world, false);
    world.run();
    assert_eq!(world.read(ann), ["error unavailable"; 2], "the third, and the first that knew only of two");
    world.advance_ms(1_001);
    world.send(ann, &say(6, "one"));
    assert_eq!(world.read(ann), ["#1 one", "published #1"]);
    world.advance_ms(20_000);
    world.advance_ms(20_000);
    assert_eq!(world.shards.iter().map(|shard| shard.census().barred).sum::<usize>(), 0);
}

#[test]
fn what_an_owner_returns_does_not_overtake_what_it_refused() {
    let (mut world, ann) = world(1);
    hold(&mut world, true);
    world.send(ann, &say(1, "one"));
    world.send(ann, &say(2, "two"));
    lease(&mut world, 0);
    carry_one(&mut world);
    assert_eq!(world.read(ann), ["error unavailable"]);
    world.map(slot().number(), Some(2), 2, &[(1, Task::Drop { slot: slot() }), acquire(2, 2)]);
    hold(&mut world, false);
    world.run();
    assert_eq!(world.read(ann), ["error unavailable", "reset: failover"]);
    world.advance_ms(1_001);
    world.send(ann, &say(3, "one"));
    assert_eq!(world.read(ann), ["#1 one", "published #1"]);
}

#[test]
fn what_comes_back_twice_is_before_what_came_back_after_it_once() {
    let (mut world, ann) = world(1);
    hold(&mut world, true);
    world.send(ann, &say(1, "one"));
    world.send(ann, &say(2, "two"));
    // The owner has been told that it is none any more, and nobody knows yet who is.
    let nobody = Route { holder: Holder::Nobody, term: Term(1) };
    let lost = ClusterUpdate { routes: vec![(slot(), nobody)], tasks: vec![Task::Drop { slot: slot() }] };
    let now = world.now;
    world.shards[1].handle_cluster(now, &lost);
    carry_one(&mut world);
    // Asked again, behind the second.
    world.advance_ms(60);
    hold(&mut world, false);
    world.run();
    world.map(slot().number(), Some(2), 2, &[acquire(2, 2)]);
    world.run();
    assert_eq!(world.read(ann), ["reset: failover", "#1 one", "published #1", "#2 two", "published #2"]);
}

#[test]
fn values_wait_for_no_repetition() {
    let (mut world, ann) = world(1);
    lease(&mut world, 0);
    world.send(ann, &say(1, "one"));
    assert_eq!(world.read(ann), ["error unavailable"]);
    lease(&mut world, 60_000);
    world.send(ann, &bench::latest(ROOM, "k", "1"));
    assert_eq!(world.read(ann), ["v1 k 1"]);
}

#[test]
fn who_is_not_told_of_its_own_publication_gets_it_if_the_answer_is_too_late() {
    let (mut world, ann) = world(2);
    let (slot, term, standby) = (slot(), Term(1), Some((peer(2), 5)));
    world.map(slot.number(), Some(1), 1, &[(2, Task::Standby { slot, term, of: Some(peer(1)) })]);
    let replicate = |waits| (1, Task::Replicate { slot, term, standby, waits });
    world.map(slot.number(), Some(1), 1, &[replicate(false)]);
    world.run();
    assert_eq!(world.words(), [SlotWord::InSync { standby: peer(2), registration: 5 }]);
    world.map(slot.number(), Some(1), 1, &[replicate(true)]);
    world.apart.as_mut().unwrap().insert((2, 1));
    let silent = Publish { id: RequestId::new(1), echo: false, ..publish(ROOM, "one") };
    world.send(ann, &Command::Publish(silent));
    world.link(0, 1, false);
    world.link(0, 1, true);
    assert_eq!(world.read(ann), ["error outcome_unknown"]);
    world.apart.as_mut().unwrap().clear();
    world.run();
    assert_eq!(world.read(ann), ["#1 one"]);
}

#[test]
fn an_owner_without_a_lease_makes_no_room_for_who_registers() {
    let (mut world, ann) = world(1);
    world.link(0, 1, false);
    world.shards[1].handle_cluster(
        world.now,
        &ringway_core::ClusterUpdate { routes: Vec::new(), tasks: vec![Task::Drop { slot: slot() }] },
    );
    lease(&mut world, 0);
    world.link(0, 1, true);
    assert_eq!(world.read(ann), [] as [String; 0]);
    assert_eq!(world.shards[1].census().rooms, 0);
    lease(&mut world, 60_000);
    world.advance_ms(51);
    assert_eq!(world.read(ann), ["reset: failover"]);
}

#[test]
fn an_answer_waits_for_what_a_registration_brings() {
    let (mut world, ann) = world(1);
    hold(&mut world, true);
    world.publish(ann, ROOM, "nobody waits");
    world.map(slot().number(), Some(2), 2, &[(1, Task::Drop { slot: slot() }), acquire(2, 2)]);
    world.advance_ms(1_001);
    world.run();
    assert_eq!(world.read(ann), ["reset: failover"]);
    world.apart.as_mut().unwrap().insert((2, 0));
    world.send(ann, &say(1, "one"));
    world
        .send(ann, &Command::Publish(Publish { id: RequestId::new(2), echo: false, ..publish(ROOM, "two") }));
    // Late, its old owner gives back what nobody waits for: the edge registers once more.
    hold(&mut world, false);
    world.run();
    world.advance_ms(51);
    world.apart.as_mut().unwrap().clear();
    world.run();
    assert_eq!(world.read(ann), ["published #1", "#1 one", "published #2", "#3 nobody waits"]);
}
