//! The latest and unreliable lanes, and slow consumers.

mod bench;

use bench::{World, latest, publish};
use ringway_core::settings::{Limits, Namespace, Overflow};
use ringway_core::{Departure, Target};
use ringway_protocol::command::{Command, Publish};
use ringway_protocol::{Body, Lane};

#[test]
fn a_slow_session_gets_only_the_newest_value_of_each_key() {
    for shard in [0, 1] {
        let mut world = World::new(2);
        let room = world.room_on(0);
        let (one, reader) = (world.open(0, "one"), world.open(shard, "reader"));
        world.join(one, &room, None);
        world.join(reader, &room, None);
        world.read(reader);
        for text in ["a", "b", "c"] {
            world.send(one, &latest(&room, "x", text));
            world.send(one, &latest(&room, "y", text));
        }
        assert_eq!(world.read(reader), ["v5 x c", "v6 y c"], "on shard {shard}");
    }
}

#[test]
fn a_late_joiner_gets_the_current_value_of_each_key_after_joined() {
    let mut world = World::new(1);
    let (one, late) = (world.open(0, "one"), world.open(0, "late"));
    world.join(one, "room", None);
    world.send(one, &latest("room", "x", "old"));
    world.send(one, &latest("room", "x", "new"));
    world.send(one, &latest("room", "y", "other"));
    world.join(late, "room", None);
    let seen = world.read(late);
    assert!(seen[0].starts_with("joined"));
    assert_eq!(seen[1..], ["v2 x new", "v3 y other"]);
}

#[test]
fn a_publish_without_body_removes_the_key() {
    let mut world = World::new(1);
    let (one, late) = (world.open(0, "one"), world.open(0, "late"));
    world.join(one, "room", None);
    world.send(one, &latest("room", "x", "value"));
    let removal =
        Publish { lane: Lane::Latest, key: Some("x"), body: Body::default(), ..publish("room", "") };
    world.send(one, &Command::Publish(removal));
    assert_eq!(world.read(one)[1..], ["v2 x nothing"]);
    world.join(late, "room", None);
    assert_eq!(world.read(late).len(), 1);
}

#[test]
fn a_session_s_keys_vanish_when_it_leaves() {
    for (departure, wait_ms) in [(Departure::Left, 0), (Departure::Detached, 20_000)] {
        let mut world = World::new(2);
        let room = world.room_on(1);
        let (one, other) = (world.open(0, "one"), world.open(0, "other"));
        world.join(one, &room, None);
        world.join(other, &room, None);
        world.send(one, &latest(&room, "x", "value"));
        world.read(other);
        world.drop(one, departure);
        world.advance_ms(wait_ms);
        assert_eq!(world.read(other), ["v2 x nothing"], "{departure:?}");
    }
}

#[test]
fn keys_with_a_time_to_live_outlast_their_session_by_it() {
    let namespace = Namespace { key_ttl_ms: 5_000, ..Namespace::default() };
    let mut world = World::with(1, namespace, Limits::default());
    let (one, other) = (world.open(0, "one"), world.open(0, "other"));
    world.join(one, "room", None);
    world.join(other, "room", None);
    world.send(one, &latest("room", "x", "value"));
    world.drop(one, Departure::Left);
    world.read(other);
    world.advance_ms(4_999);
    assert_eq!(world.read(other), [] as [&str; 0]);
    world.advance_ms(1);
    assert_eq!(world.read(other), ["v2 x nothing"]);
}

#[test]
fn the_unreliable_lane_is_dropped_for_a_session_that_lags() {
    let mut world = World::new(1);
    let (one, slow) = (world.open(0, "one"), world.open(0, "slow"));
    world.join(slow, "room", None);
    world.read(slow);
    world.publish(one, "room", "reliable");
    world.read_bytes(slow, 64, 3);
    let unreliable = Publish { lane: Lane::Unreliable, ..publish("room", "too late") };
    world.send(one, &Command::Publish(unreliable.clone()));
    assert_eq!(world.read(slow), ["#1 reliable"]);
    world.send(one, &Command::Publish(unreliable));
    assert_eq!(world.read(slow), ["v2 too late"]);
    assert_eq!(world.shards[0].counters().dropped_unreliable, 1);
}

fn tight(overflow: Overflow) -> World {
    let namespace = Namespace { overflow, ..Namespace::default() };
    let limits = Limits { outbox_bytes_max: 200, ..Limits::default() };
    World::with(1, namespace, limits)
}

#[test]
fn a_slow_consumer_is_closed_where_the_namespace_says_so() {
    let mut world = tight(Overflow::Close);
    let (one, slow) = (world.open(0, "one"), world.open(0, "slow"));
    world.join(slow, "room", None);
    world.read_bytes(slow, 64, 3);
    for _ in 0..20 {
        world.publish(one, "room", "0123456789");
    }
    assert_eq!(world.closes(), [3001]);
    assert_eq!(world.read(slow).last().unwrap(), "closing 3001");
    assert_eq!(world.shards[0].counters().slow_consumers, 1);
}

#[test]
fn a_slow_consumer_gets_one_merged_gap_where_the_namespace_says_so() {
    let mut world = tight(Overflow::DropOldest);
    let (one, slow) = (world.open(0, "one"), world.open(0, "slow"));
    world.join(slow, "room", None);
    world.read_bytes(slow, 64, 3);
    for _ in 0..50 {
        world.publish(one, "room", "0123456789");
    }
    assert_eq!(world.closes(), [] as [u16; 0]);
    let seen = world.read(slow);
    assert!(seen[1].starts_with("gap #1-#"), "{seen:?}");
    let next: u64 = seen[1].rsplit('#').next().unwrap().parse::<u64>().unwrap() + 1;
    assert!(seen[2].starts_with(&format!("#{next} ")), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "#50 0123456789");
}

#[test]
fn what_waited_too_long_is_treated_like_what_is_too_much() {
    let mut world = World::new(1);
    let (one, slow) = (world.open(0, "one"), world.open(0, "slow"));
    world.join(slow, "room", None);
    world.read(slow);
    world.publish(one, "room", "hello");
    world.read_bytes(slow, 64, 3);
    for _ in 0..12 {
        world.advance_ms(1_000);
    }
    assert_eq!(world.closes(), [3001]);
}

#[test]
fn a_flood_is_refused_and_in_the_end_closed() {
    let limits = Limits { work_per_s: 10, work_burst: 10, refusals_max: 5, ..Limits::default() };
    let mut world = World::with(1, Namespace::default(), limits);
    let one = world.open(0, "one");
    for _ in 0..30 {
        world.publish(one, "room", "hello");
    }
    let seen = world.read(one);
    assert_eq!(seen.iter().filter(|text| *text == "error rate_limited").count(), 6);
    assert_eq!(seen.last().unwrap(), "closing 3505");
}

#[test]
fn the_operator_ends_a_user_s_sessions() {
    let mut world = World::new(1);
    let (one, other) = (world.open(0, "one"), world.open(0, "other"));
    let now = world.now;
    assert_eq!(world.shards[0].handle_disconnect(now, Target::User("one"), 4001, "go"), 1);
    assert_eq!(world.read(one), ["closing 4001"]);
    assert_eq!(world.read(other), [] as [&str; 0]);
}

#[test]
fn a_drain_tells_everybody_within_its_spread() {
    let mut world = World::new(1);
    let clients: Vec<_> = (0..20).map(|n| world.open(0, &format!("user-{n}"))).collect();
    let now = world.now;
    world.shards[0].handle_drain(now, 10_000);
    world.advance_ms(5_000);
    let early = world.closes().len();
    assert!((1..20).contains(&early), "{early} of 20 after half the spread");
    world.advance_ms(5_000);
    assert_eq!(world.closes(), vec![3000; 20]);
    for client in clients {
        assert_eq!(world.read(client), ["closing 3000"]);
    }
}
