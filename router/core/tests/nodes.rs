//! Rooms whose owner and members are on different nodes: links that break, owners that change, with and without a standby.

mod bench;

use bench::{Client, World, join, peer, publish};
use ringway_cluster::{Slot, Term};
use ringway_core::settings::Namespace;
use ringway_core::{ClusterUpdate, SlotWord, Task};
use ringway_protocol::command::{Command, Presence, Publish};
use ringway_protocol::{RequestId, RoomHandle, RoomName};

const ROOM: &str = "room";

fn slot() -> Slot {
    Slot::of(RoomHandle::of(&bench::KEY, ROOM))
}

fn number() -> u16 {
    slot().number()
}

fn acquire(node: usize, term: u64, continues: bool) -> (usize, Task) {
    (node, Task::Acquire { slot: slot(), term: Term(term), continues, given: false, taken: true })
}

/// Given by its owner.
fn receive(node: usize, term: u64) -> (usize, Task) {
    (node, Task::Acquire { slot: slot(), term: Term(term), continues: true, given: true, taken: true })
}

/// Three nodes of which the second owns the room under term 1, and a member on each of the others.
fn world(replicas: u8) -> (World, Client, Client) {
    let mut world = World::nodes(3, Namespace { replicas, ..Namespace::default() });
    world.map(number(), Some(1), 1, &[acquire(1, 1, false)]);
    let (ann, bob) = (world.open(0, "ann"), world.open(2, "bob"));
    world.join(ann, ROOM, None);
    world.join(bob, ROOM, None);
    assert_eq!(world.read(ann), ["joined room at #0, recovered, replay 0, 1: ann"]);
    assert_eq!(world.read(bob), ["joined room at #0, recovered, replay 0, 2: ann,bob"]);
    (world, ann, bob)
}

/// With an id, so that it is answered, and with a `msg_id` if it may be sent again.
fn say<'a>(id: u32, text: &'a str, msg_id: Option<&'a [u8]>) -> Command<'a> {
    Command::Publish(Publish { id: RequestId::new(id), msg_id, ..publish(ROOM, text) })
}

fn sound(world: &World) {
    for shard in &world.shards {
        shard.audit().expect("nothing is amiss");
        let counters = shard.counters();
        assert_eq!((counters.holes, counters.forks_prevented, counters.heirs_without_order), (0, 0, 0));
    }
}

#[test]
fn members_on_other_nodes_hear_each_other() {
    let (mut world, ann, bob) = world(1);
    world.send(ann, &say(7, "hi", None));
    assert_eq!(world.read(ann), ["#1 hi", "published #1"]);
    assert_eq!(world.read(bob), ["#1 hi"]);
    world.leave(ann, ROOM);
    assert_eq!(world.read(ann), ["left room"]);
    sound(&world);
}

#[test]
fn what_a_broken_link_lost_follows_when_it_is_back() {
    let (mut world, ann, bob) = world(1);
    world.link(1, 2, false);
    world.publish(ann, ROOM, "one");
    world.publish(ann, ROOM, "two");
    world.send(bob, &say(3, "three", Some(b"m")));
    assert_eq!(world.read(bob), ["error unavailable"]);
    world.link(1, 2, true);
    assert_eq!(world.read(bob), ["#1 one", "#2 two"]);
    world.send(bob, &say(4, "four", None));
    assert_eq!(world.read(bob), ["error unavailable"], "it would overtake what is to be repeated");
    world.send(bob, &say(5, "three", Some(b"m")));
    assert_eq!(world.read(ann), ["#1 one", "#2 two", "#3 three"]);
    world.send(bob, &say(6, "four", None));
    assert_eq!(world.read(bob), ["#3 three", "published #3", "#4 four", "published #4"]);
    sound(&world);
}

#[test]
fn without_a_standby_the_order_begins_anew() {
    let (mut world, ann, bob) = world(1);
    world.publish(ann, ROOM, "old");
    assert_eq!((world.read(ann), world.read(bob)), (vec!["#1 old".into()], vec!["#1 old".into()]));
    world.crash(1);
    world.map(number(), Some(2), 2, &[acquire(2, 2, false)]);
    world.run();
    assert_eq!(world.read(ann), ["reset: failover"]);
    assert_eq!(world.read(bob), ["reset: failover"]);
    world.publish(ann, ROOM, "new");
    assert_eq!((world.read(ann), world.read(bob)), (vec!["#1 new".into()], vec!["#1 new".into()]));
    world.shards.remove(1);
    sound(&world);
}

#[test]
fn who_waits_for_a_lost_owner_is_told_and_joins_wait_for_the_next() {
    let (mut world, ann, _) = world(1);
    world.apart.as_mut().unwrap().insert((0, 1));
    world.send(ann, &say(1, "without id", None));
    world.send(ann, &say(2, "with id", Some(b"m")));
    let cat = world.open(0, "cat");
    world.send(cat, &join(ROOM, None));
    world.crash(1);
    assert_eq!(world.read(ann), ["error outcome_unknown", "error unavailable"]);
    // It may have been sent before those answers were read.
    world.map(number(), Some(2), 2, &[acquire(2, 2, false)]);
    world.run();
    world.send(ann, &say(3, "too soon", None));
    assert_eq!(world.read(ann), ["reset: failover", "error unavailable"]);
    assert!(world.read(cat)[0].starts_with("joined room at #0, recovered"), "the join has waited");
    world.advance_ms(1_001);
    world.send(ann, &say(4, "again", Some(b"m")));
    assert_eq!(world.read(ann), ["#1 again", "published #1"]);
    assert_eq!(world.read(cat), ["#1 again"]);
}

/// The link is back. The owner gives back what the edge says first, as it may not speak then; so what a client asks next is answered before the
/// edge has said again who is there. Both answers wait at the owner.
fn joins_ahead_of_a_registration(world: &mut World, client: Client) {
    let now = world.now;
    world.shards[1].handle_lease(now, now.monotonic);
    world.apart.as_mut().unwrap().insert((1, 0));
    world.link(0, 1, true);
    world.shards[1].handle_lease(now, now.monotonic.plus_ms(3_600_000));
    world.send(client, &join(ROOM, None));
    world.apart.as_mut().unwrap().clear();
}

#[test]
fn who_joins_while_its_edge_registers_is_not_forgotten() {
    let (mut world, _, _) = world(1);
    let cat = world.open(0, "cat");
    world.link(0, 1, false);
    joins_ahead_of_a_registration(&mut world, cat);
    assert_eq!(world.carry(1, 0, 1), 1);
    world.apart.as_mut().unwrap().insert((1, 0));
    // The edge says anew who is there, and does not know that the other member is.
    world.advance_ms(50);
    world.apart.as_mut().unwrap().clear();
    world.run();
    assert!(world.read(cat)[0].starts_with("joined room at #0"));
    world.advance_ms(60_000);
    let dan = world.open(2, "dan");
    world.join(dan, ROOM, None);
    assert_eq!(world.read(dan), ["joined room at #0, recovered, replay 0, 4: ann,bob,cat,dan"]);
    sound(&world);
}

#[test]
fn who_joins_before_the_others_have_caught_up_takes_nothing_from_them() {
    let (mut world, ann, bob) = world(1);
    let cat = world.open(0, "cat");
    world.link(0, 1, false);
    world.publish(bob, ROOM, "missed");
    joins_ahead_of_a_registration(&mut world, cat);
    world.run();
    assert!(world.read(cat)[0].starts_with("joined room at #1"));
    world.publish(bob, ROOM, "seen");
    world.advance_ms(50);
    assert_eq!(world.read(ann), ["#1 missed", "#2 seen"]);
    assert_eq!(world.read(cat), ["#2 seen"]);
    world.publish(bob, ROOM, "live");
    assert_eq!((world.read(ann), world.read(cat)), (vec!["#3 live".into()], vec!["#3 live".into()]));
    sound(&world);
}

#[test]
fn who_joins_in_a_new_order_is_not_told_of_it_when_the_others_are() {
    let (mut world, ann, bob) = world(1);
    let cat = world.open(0, "cat");
    world.publish(bob, ROOM, "old");
    world.link(0, 1, false);
    // Another owner for a moment, which the first node hears nothing of: the order is another one.
    world.shards[1].handle_cluster(
        world.now,
        &ClusterUpdate { routes: vec![], tasks: vec![Task::Drop { slot: slot() }] },
    );
    world.publish(bob, ROOM, "new");
    joins_ahead_of_a_registration(&mut world, cat);
    world.run();
    assert!(world.read(cat)[0].starts_with("joined room at #"));
    world.advance_ms(50);
    assert_eq!(world.read(ann), ["#1 old", "reset: failover"]);
    assert_eq!(world.read(cat), [] as [String; 0]);
    world.advance_ms(1_001);
    world.publish(bob, ROOM, "live");
    let heard = world.read(ann);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard, world.read(cat));
}

#[test]
fn who_leaves_while_the_owner_changes_has_left() {
    let (mut world, ann, bob) = world(1);
    world.apart.as_mut().unwrap().insert((0, 1));
    world.leave(ann, ROOM);
    assert_eq!(world.read(ann), [] as [String; 0]);
    // The old owner gives it back, and the new one has never heard of the room.
    world.map(number(), Some(0), 2, &[acquire(0, 2, false)]);
    world.apart.as_mut().unwrap().clear();
    world.run();
    assert_eq!(world.read(ann), ["left room"]);
    world.publish(bob, ROOM, "still here");
    assert_eq!(world.read(bob), ["reset: failover", "#1 still here"]);
    assert_eq!(world.read(ann), [] as [String; 0]);
    sound(&world);
}

fn asks_who_is_there() -> Command<'static> {
    let (id, room) = (RequestId::new(90), RoomName::new(ROOM).unwrap());
    Command::Presence(Presence { id, room, cursor: None })
}

#[test]
fn who_is_there_is_partial_for_a_while_where_nobody_knew() {
    let (mut world, ann, bob) = world(1);
    world.crash(1);
    world.map(number(), Some(2), 2, &[acquire(2, 2, false)]);
    world.run();
    assert_eq!(
        (world.read(ann), world.read(bob)),
        (vec!["reset: failover".into()], vec!["reset: failover".into()])
    );
    world.send(bob, &asks_who_is_there());
    assert_eq!(world.read(bob), ["presence 2 or more: ann,bob"]);
    world.advance_ms(2_000);
    world.send(bob, &asks_who_is_there());
    assert_eq!(world.read(bob), ["presence 2: ann,bob"]);
}

#[test]
fn an_heir_knows_who_is_there() {
    let (mut world, ann, bob) = world(2);
    stand_by(&mut world);
    world.crash(1);
    world.map(number(), Some(2), 2, &[acquire(2, 2, true)]);
    world.run();
    world.send(bob, &asks_who_is_there());
    assert_eq!(world.read(bob), ["presence 2: ann,bob"]);
    assert!(world.read(ann).is_empty());
}

/// Node 2 becomes the standby; commits wait for it from then on.
fn stand_by(world: &mut World) {
    let (slot, term) = (slot(), Term(1));
    let standby = Some((peer(2), 5));
    let tasks = [
        (1, Task::Replicate { slot, term, standby, waits: false }),
        (2, Task::Standby { slot, term, of: Some(peer(1)) }),
    ];
    world.map(number(), Some(1), 1, &tasks[1..]);
    world.map(number(), Some(1), 1, &tasks[..1]);
    world.run();
    assert_eq!(world.words(), [SlotWord::InSync { standby: peer(2), registration: 5 }]);
    world.map(number(), Some(1), 1, &[(1, Task::Replicate { slot, term, standby, waits: true })]);
}

#[test]
fn nothing_is_told_before_the_standby_has_it() {
    let (mut world, ann, _) = world(2);
    world.publish(ann, ROOM, "before");
    stand_by(&mut world);
    world.apart.as_mut().unwrap().insert((2, 1));
    world.send(ann, &say(1, "waits", Some(b"m")));
    world.send(ann, &say(2, "waits", Some(b"m")));
    assert_eq!(world.read(ann), ["#1 before"]);
    world.apart.as_mut().unwrap().clear();
    world.run();
    assert_eq!(world.read(ann), ["#2 waits", "published #2", "published #2 duplicate"]);
    sound(&world);
}

#[test]
fn a_standby_gets_the_past_of_some_slots_at_a_time() {
    let mut world = World::nodes(3, Namespace { replicas: 2, ..Namespace::default() });
    let (term, standby) = (Term(1), Some((peer(2), 5)));
    // Nothing that the standby says arrives.
    world.apart.as_mut().unwrap().insert((2, 1));
    for slot in (0..40).filter_map(Slot::new) {
        let acquire = Task::Acquire { slot, term, continues: false, given: false, taken: false };
        let tasks = [
            (2, Task::Standby { slot, term, of: Some(peer(1)) }),
            (1, acquire),
            (1, Task::Replicate { slot, term, standby, waits: false }),
        ];
        world.map(slot.number(), Some(1), 1, &tasks);
    }
    world.run();
    assert_eq!(
        world.shards[1].counters().records_sent,
        16 * 2,
        "the beginning and the end of sixteen without rooms"
    );
    world.apart.as_mut().unwrap().clear();
    world.run();
    assert_eq!(world.words(), [SlotWord::InSync { standby: peer(2), registration: 5 }; 40]);
    sound(&world);
}

#[test]
fn a_standby_that_is_lost_holds_commits_until_the_map_lets_go() {
    let (mut world, ann, _) = world(2);
    stand_by(&mut world);
    world.link(1, 2, false);
    world.send(ann, &say(1, "waits", None));
    assert_eq!(world.read(ann), [] as [String; 0]);
    assert_eq!(world.words(), [SlotWord::StandbyLost]);
    let (slot, term, standby) = (slot(), Term(1), Some((peer(2), 5)));
    world.map(number(), Some(1), 1, &[(1, Task::Replicate { slot, term, standby, waits: false })]);
    world.run();
    assert_eq!(world.read(ann), ["#1 waits", "published #1"]);
    world.link(1, 2, true);
    assert_eq!(world.words(), [SlotWord::InSync { standby: peer(2), registration: 5 }], "filled anew");
    sound(&world);
}

#[test]
fn an_heir_goes_on_with_all_that_was_told() {
    let (mut world, ann, bob) = world(2);
    world.publish(ann, ROOM, "before");
    stand_by(&mut world);
    world.send(ann, &say(1, "one", Some(b"1")));
    assert_eq!(world.read(ann), ["#1 before", "#2 one", "published #2"]);
    // The last one reaches the standby, and its ack nobody.
    world.apart.as_mut().unwrap().insert((2, 1));
    world.send(ann, &say(2, "two", Some(b"2")));
    world.crash(1);
    assert_eq!(world.read(ann), ["error unavailable"]);
    assert_eq!(world.read(bob), ["#1 before", "#2 one"]);
    world.map(number(), Some(2), 2, &[acquire(2, 2, true)]);
    world.run();
    assert_eq!(world.read(ann), ["#3 two"]);
    assert_eq!(world.read(bob), ["#3 two"]);
    world.advance_ms(1_001);
    world.send(ann, &say(3, "two", Some(b"2")));
    assert_eq!(world.read(ann), ["published #3 duplicate"]);
    world.send(ann, &say(4, "four", Some(b"4")));
    assert_eq!(world.read(ann), ["#4 four", "published #4"]);
    assert_eq!(world.read(bob), ["#4 four"]);
    world.shards.remove(1);
    sound(&world);
}

#[test]
fn a_handover_is_a_short_stall_and_nothing_else() {
    let (mut world, ann, bob) = world(1);
    world.publish(ann, ROOM, "one");
    assert_eq!(world.read(ann), ["#1 one"]);
    let (slot, term) = (slot(), Term(1));
    world.map(number(), Some(1), 1, &[(1, Task::Freeze { slot, term })]);
    world.run();
    assert_eq!(world.words(), [SlotWord::Frozen]);
    world.send(ann, &say(2, "two", None));
    assert_eq!(world.read(ann), [] as [String; 0]);
    world.map(number(), Some(1), 1, &[(1, Task::Transfer { slot, to: peer(2) })]);
    world.run();
    assert_eq!(world.words(), [SlotWord::Transferred { done: true }]);
    world.map(number(), Some(2), 2, &[(1, Task::Drop { slot }), receive(2, 2)]);
    world.run();
    assert_eq!(world.read(ann), ["#2 two", "published #2"]);
    assert_eq!(world.read(bob), ["#1 one", "#2 two"]);
    assert_eq!(world.shards[1].census().rooms, 0);
    world.send(bob, &say(3, "three", None));
    assert_eq!(world.read(ann), ["#3 three"]);
    sound(&world);
}

#[test]
fn ids_whose_publications_are_gone_come_together() {
    let mut world = World::nodes(3, Namespace { replicas: 2, history_count_max: 1, ..Namespace::default() });
    world.map(number(), Some(1), 1, &[acquire(1, 1, false)]);
    let ann = world.open(0, "ann");
    world.join(ann, ROOM, None);
    for id in 1..=600_u32 {
        world.send(ann, &say(id, "x", Some(&id.to_be_bytes())));
    }
    world.read(ann);
    let before = world.shards[2].counters().records_taken;
    stand_by(&mut world);
    let records = world.shards[2].counters().records_taken - before;
    // Begin, the room, three of ids, its newest publication, all was sent.
    assert_eq!(records, 7);
    world.crash(1);
    world.map(number(), Some(2), 2, &[acquire(2, 2, true)]);
    world.run();
    world.send(ann, &say(601, "x", Some(&300_u32.to_be_bytes())));
    assert_eq!(world.read(ann), ["published #300 duplicate"]);
}

#[test]
fn who_stands_by_and_is_about_to_own_says_of_both_streams_what_it_has() {
    let (mut world, _, _) = world(2);
    let (slot, term) = (slot(), Term(1));
    let standby = Some((peer(2), 5));
    // What it has is told in one go.
    world.apart.as_mut().unwrap().insert((2, 1));
    world.map(number(), Some(1), 1, &[(2, Task::Standby { slot, term, of: Some(peer(1)) })]);
    world.map(number(), Some(1), 1, &[(1, Task::Replicate { slot, term, standby, waits: false })]);
    world.map(number(), Some(1), 1, &[(1, Task::Freeze { slot, term })]);
    world.map(number(), Some(1), 1, &[(1, Task::Transfer { slot, to: peer(2) })]);
    world.run();
    assert_eq!(world.words(), [SlotWord::Frozen]);
    world.apart.as_mut().unwrap().clear();
    world.run();
    let in_sync = SlotWord::InSync { standby: peer(2), registration: 5 };
    assert_eq!(world.words(), [in_sync, SlotWord::Transferred { done: true }]);
}

#[test]
fn a_handover_that_comes_to_nothing_goes_on_where_it_was() {
    let (mut world, ann, _) = world(1);
    let (slot, term) = (slot(), Term(1));
    world.map(number(), Some(1), 1, &[(1, Task::Freeze { slot, term })]);
    world.send(ann, &say(1, "one", None));
    world.link(1, 2, false);
    world.map(number(), Some(1), 1, &[(1, Task::Transfer { slot, to: peer(2) })]);
    world.run();
    assert_eq!(world.words(), [SlotWord::Frozen, SlotWord::Transferred { done: false }]);
    world.map(number(), Some(1), 1, &[(1, Task::Thaw { slot, term })]);
    world.run();
    assert_eq!(world.read(ann), ["#1 one", "published #1"]);
    sound(&world);
}

#[test]
fn an_owner_without_a_lease_says_nothing() {
    let (mut world, ann, bob) = world(1);
    let now = world.now;
    world.shards[1].handle_lease(now, now.monotonic);
    world.send(ann, &say(1, "one", Some(b"m")));
    assert_eq!((world.read(ann), world.read(bob)), (vec!["error unavailable".into()], vec![]));
    world.advance_ms(1_001);
    world.shards[1].handle_lease(now, now.monotonic.plus_ms(5_000));
    world.send(ann, &say(2, "two", None));
    assert_eq!(world.read(ann), ["error unavailable"]);
    world.send(ann, &say(3, "one", Some(b"m")));
    world.send(ann, &say(4, "two", None));
    assert_eq!(world.read(ann), ["#1 one", "published #1", "#2 two", "published #2"]);
    sound(&world);
}

#[test]
fn what_an_owner_without_a_lease_refused_comes_first_at_the_next_one() {
    let (mut world, ann, _) = world(1);
    let cat = world.open(1, "cat");
    let now = world.now;
    world.shards[1].handle_lease(now, now.monotonic);
    for who in [ann, cat] {
        world.send(who, &say(1, "one", Some(b"m")));
        assert_eq!(world.read(who), ["error unavailable"]);
    }
    world.map(number(), Some(2), 2, &[(1, Task::Drop { slot: slot() }), acquire(2, 2, false)]);
    world.run();
    assert_eq!(world.read(ann), ["reset: failover"]);
    for who in [ann, cat] {
        world.send(who, &say(2, "two", None));
        assert_eq!(world.read(who), ["error unavailable"], "it would overtake what is to be repeated");
    }
    world.send(ann, &say(3, "one", Some(b"m")));
    world.send(ann, &say(4, "two", None));
    assert_eq!(world.read(ann), ["#1 one", "published #1", "#2 two", "published #2"]);
    world.send(cat, &say(3, "one", Some(b"m")));
    world.send(cat, &say(4, "two", None));
    assert_eq!(world.read(cat), ["published #3", "published #4"]);
    sound(&world);
}

#[test]
fn what_waited_for_a_standby_at_an_owner_that_is_none_any_more_may_be_repeated() {
    let (mut world, ann, _) = world(2);
    stand_by(&mut world);
    world.link(1, 2, false);
    world.send(ann, &say(1, "one", Some(b"m")));
    world.send(ann, &say(2, "two", None));
    assert_eq!(world.read(ann), [] as [String; 0]);
    world.map(number(), Some(2), 2, &[(1, Task::Drop { slot: slot() }), acquire(2, 2, true)]);
    world.run();
    assert_eq!(world.read(ann), ["error unavailable", "error outcome_unknown"]);
    world.send(ann, &say(3, "one", Some(b"m")));
    assert_eq!(world.read(ann), ["#1 one", "published #1"]);
    world.shards.remove(1);
    sound(&world);
}

#[test]
fn what_waited_for_a_standby_is_repeated_before_what_was_refused_since() {
    let (mut world, _, _) = world(2);
    let cat = world.open(1, "cat");
    stand_by(&mut world);
    world.link(1, 2, false);
    world.send(cat, &say(1, "one", Some(b"m")));
    let now = world.now;
    world.shards[1].handle_lease(now, now.monotonic);
    world.send(cat, &say(2, "two", Some(b"n")));
    assert_eq!(world.read(cat), ["error unavailable"]);
    world.map(number(), Some(2), 2, &[(1, Task::Drop { slot: slot() }), acquire(2, 2, true)]);
    world.run();
    assert_eq!(world.read(cat), ["error unavailable"]);
    world.link(1, 2, true);
    world.send(cat, &say(3, "two", Some(b"n")));
    assert_eq!(world.read(cat), ["error unavailable"]);
    world.send(cat, &say(4, "one", Some(b"m")));
    world.send(cat, &say(5, "two", Some(b"n")));
    assert_eq!(world.read(cat), ["published #1", "published #2"]);
    world.shards.remove(1);
    sound(&world);
}

#[test]
fn an_edge_ahead_of_the_owner_s_map_is_heard_when_that_catches_up() {
    let (mut world, ann, _) = world(1);
    // The node that is to own the slot hears of it last.
    let routes = |world: &mut World, node: usize, holder, tasks: Vec<Task>| {
        let routes = vec![(slot(), ringway_core::Route { holder, term: Term(2) })];
        let now = world.now;
        world.shards[node].handle_cluster(now, &ringway_core::ClusterUpdate { routes, tasks });
        world.run();
    };
    use ringway_core::Holder::{Here, Peer};
    routes(&mut world, 1, Peer(peer(2)), vec![Task::Drop { slot: slot() }]);
    routes(&mut world, 0, Peer(peer(2)), Vec::new());
    world.send(ann, &say(1, "one", None));
    assert_eq!(world.read(ann), [] as [String; 0]);
    world.send(ann, &say(2, "two", None));
    assert_eq!(world.read(ann), [] as [String; 0]);
    assert_eq!(world.shards[0].census().crossings, 0, "nothing came back");
    routes(&mut world, 2, Here, vec![acquire(2, 2, false).1]);
    let heard = ["reset: failover", "#1 one", "published #1", "#2 two", "published #2"];
    assert_eq!(world.read(ann), heard);
    sound(&world);
}

#[test]
fn who_needs_an_owner_that_its_node_does_not_reach_is_told_to_go_elsewhere() {
    let (mut world, ann, bob) = world(1);
    let eve = world.open(2, "eve");
    world.link(1, 2, false);
    for _ in 0..29 {
        world.advance_ms(100);
    }
    assert_eq!(world.read(bob), [] as [String; 0], "an owner that is lost is replaced by then");
    for _ in 0..40 {
        world.advance_ms(100);
    }
    assert_eq!(world.read(bob), ["closing 3008"]);
    assert_eq!((world.closes(), world.read(ann)), (vec![3008], vec![]));
    assert_eq!(world.read(eve), [] as [String; 0], "it has no such room");
    sound(&world);
}

#[test]
fn nobody_goes_when_the_owner_is_reached_again_in_time() {
    let (mut world, _, bob) = world(1);
    world.link(1, 2, false);
    // It is to go in a moment.
    for _ in 0..31 {
        world.advance_ms(100);
    }
    world.link(1, 2, true);
    world.advance_ms(10_000);
    assert_eq!(world.read(bob), [] as [String; 0]);
    sound(&world);
}
