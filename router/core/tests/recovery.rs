//! Coming back: replay, gaps, resumes, idempotent publishes.

mod bench;

use bench::{World, join, publish, since};
use ringway_core::settings::{Limits, Namespace};
use ringway_core::{Departure, Output};
use ringway_protocol::command::{Command, Publish, Since};
use ringway_protocol::event::Place;
use ringway_protocol::{Epoch, Format, Generation, Offset, Position, RequestId, SessionId};

/// The room's epoch, as the API learns it by publishing.
fn epoch_of(world: &mut World, room: &str) -> Epoch {
    let owner = world.owner(room) as usize;
    let now = world.now;
    world.shards[owner].handle_api_publish(now, 99, "api".into(), &publish(room, "probe")).unwrap();
    world.run();
    let answer = world.outputs.iter().rev().find_map(|output| match output {
        Output::Answered { ticket: 99, result } => Some(result.unwrap()),
        _ => None,
    });
    let answer = answer.expect("the API is answered");
    assert!(matches!(answer.place, Place::Offset(_)));
    answer.epoch
}

#[test]
fn a_late_joiner_recovers_exactly_what_it_missed() {
    for shard in [0, 1] {
        let mut world = World::new(2);
        let room = world.room_on(0);
        let epoch = epoch_of(&mut world, &room);
        let publisher = world.open(0, "publisher");
        for text in ["two", "three", "four"] {
            world.publish(publisher, &room, text);
        }
        let late = world.open(shard, "late");
        world.join(late, &room, since(epoch, 2));
        world.publish(publisher, &room, "five");
        let seen = world.read(late);
        assert!(seen[0].contains("at #4, recovered, replay 2"), "{seen:?}");
        assert_eq!(seen[1..], ["#3 three", "#4 four", "#5 five"]);
    }
}

#[test]
fn what_history_lost_is_told_as_a_gap_and_not_as_recovered() {
    let namespace = Namespace { history_count_max: 2, ..Namespace::default() };
    let mut world = World::with(1, namespace, Limits::default());
    let epoch = epoch_of(&mut world, "room");
    let publisher = world.open(0, "publisher");
    for text in ["two", "three", "four", "five"] {
        world.publish(publisher, "room", text);
    }
    let late = world.open(0, "late");
    world.join(late, "room", since(epoch, 1));
    let seen = world.read(late);
    assert!(seen[0].contains("not recovered, replay 2"), "{seen:?}");
    assert_eq!(seen[1..], ["gap #2-#3", "#4 four", "#5 five"]);
}

#[test]
fn a_position_of_another_epoch_is_not_recovered() {
    let mut world = World::new(1);
    epoch_of(&mut world, "room");
    let late = world.open(0, "late");
    world.join(late, "room", since(Epoch(1), 1));
    let seen = world.read(late);
    assert!(seen[0].contains("at #1, not recovered, replay 0"), "{seen:?}");
}

#[test]
fn the_last_n_are_what_there_is_of_them() {
    let mut world = World::new(1);
    let publisher = world.open(0, "publisher");
    for text in ["one", "two", "three"] {
        world.publish(publisher, "room", text);
    }
    for (count, expected) in
        [(2, &["#2 two", "#3 three"][..]), (9, &["#1 one", "#2 two", "#3 three"]), (0, &[])]
    {
        let late = world.open(0, "late");
        world.join(late, "room", Some(Since::Last(count)));
        let seen = world.read(late);
        assert!(seen[0].contains(&format!("recovered, replay {}", expected.len())), "{seen:?}");
        assert_eq!(seen[1..], *expected);
    }
}

#[test]
fn a_replay_is_paced_by_the_transport_and_live_ones_wait_behind_it() {
    for shard in [0, 1] {
        let mut world = World::new(2);
        let room = world.room_on(0);
        let publisher = world.open(0, "publisher");
        let text = "x".repeat(1_000);
        for _ in 0..500 {
            world.publish(publisher, &room, &text);
        }
        let late = world.open(shard, "late");
        world.join(late, &room, Some(Since::Last(500)));
        assert!(world.waiting(late) < 70_000, "only a page waits: {}", world.waiting(late));
        let mut seen = Vec::new();
        for round in 0..1_000 {
            if round < 20 {
                world.publish(publisher, &room, &text);
            }
            seen.extend(world.read_bytes(late, 4_000, u64::MAX));
            world.run();
        }
        assert!(seen[0].contains("replay 500"));
        for (index, message) in seen[1..].iter().enumerate() {
            assert!(message.starts_with(&format!("#{} ", index + 1)), "{index}: {message:.10}");
        }
        assert_eq!(seen.len(), 521);
    }
}

#[test]
fn published_waits_for_its_place_in_a_replay() {
    let mut world = World::new(2);
    let room = world.room_on(1);
    let publisher = world.open(0, "publisher");
    let text = "x".repeat(1_000);
    for _ in 0..200 {
        world.publish(publisher, &room, &text);
    }
    let late = world.open(0, "late");
    world.join(late, &room, Some(Since::Last(200)));
    let silent = Command::Publish(Publish { id: RequestId::new(7), echo: false, ..publish(&room, "mine") });
    world.send(late, &silent);
    world.publish(publisher, &room, "after");
    let seen = world.read(late);
    assert_eq!(seen.len(), 203);
    assert_eq!(seen[201..], ["published #201", "#202 after"]);
}

#[test]
fn a_resume_moves_the_member_silently_and_closes_the_older_connection() {
    let mut world = World::new(2);
    let room = world.room_on(0);
    let watcher = world.open(0, "watcher");
    let watching = match join(&room, None) {
        Command::Join(join) => Command::Join(ringway_protocol::command::Join { presence: true, ..join }),
        other => other,
    };
    world.send(watcher, &watching);
    let old = world.open_as(0, "one", SessionId(77), Generation(1), Format::Binary);
    world.join(old, &room, None);
    assert_eq!(world.read(watcher).last().unwrap(), "presence now 2, came one, went ");
    let new = world.open_as(1, "one", SessionId(77), Generation(2), Format::Binary);
    world.join(new, &room, None);
    assert_eq!(world.closes(), [3502]);
    assert_eq!(world.read(old).last().unwrap(), "closing 3502");
    world.drop(old, Departure::Detached);
    world.advance_ms(60_000);
    assert!(world.read(new)[0].contains(", 2: watcher,one"));
    assert_eq!(world.read(watcher), [] as [&str; 0], "nobody came or went");
    world.publish(watcher, &room, "hello");
    assert_eq!(world.read(new), ["#1 hello"]);
}

#[test]
fn an_older_generation_is_stale() {
    let mut world = World::new(1);
    let new = world.open_as(0, "one", SessionId(77), Generation(2), Format::Binary);
    world.join(new, "room", None);
    let old = world.open_as(0, "one", SessionId(77), Generation(1), Format::Binary);
    world.join(old, "room", None);
    assert_eq!(world.read(old), ["error resume_stale"]);
    assert_eq!(world.closes(), [] as [u16; 0]);
}

#[test]
fn a_member_whose_connection_broke_goes_after_a_while_unless_it_comes_back() {
    for comes_back in [false, true] {
        let mut world = World::new(1);
        let one = world.open_as(0, "one", SessionId(77), Generation(1), Format::Binary);
        world.join(one, "room", None);
        world.drop(one, Departure::Detached);
        let watcher = world.open(0, "watcher");
        world.join(watcher, "room", None);
        assert!(world.read(watcher)[0].contains("2: watcher,one"));
        if comes_back {
            let again = world.open_as(0, "one", SessionId(77), Generation(2), Format::Binary);
            world.join(again, "room", None);
        }
        world.advance_ms(20_000);
        let late = world.open(0, "late");
        world.join(late, "room", None);
        assert_eq!(world.read(late)[0].contains(",one"), comes_back);
    }
}

#[test]
fn a_retry_finds_what_it_published() {
    let mut world = World::new(2);
    let room = world.room_on(1);
    let epoch = epoch_of(&mut world, &room);
    let one = world.open(0, "one");
    let first = Publish { id: RequestId::new(1), msg_id: Some(b"m1"), ..publish(&room, "hello") };
    world.send(one, &Command::Publish(first.clone()));
    let retry = Some(Position { epoch, offset: Offset(1) });
    world.send(one, &Command::Publish(Publish { retry, ..first.clone() }));
    world.send(one, &Command::Publish(first.clone()));
    assert_eq!(world.read(one), ["published #2", "published #2 duplicate", "published #2 duplicate"]);
    let elsewhere = Some(Position { epoch: Epoch(1), offset: Offset(1) });
    world.send(one, &Command::Publish(Publish { retry: elsewhere, msg_id: Some(b"m2"), ..first }));
    assert_eq!(world.read(one), ["error outcome_unknown"]);
}

#[test]
fn a_json_member_on_another_shard_gets_frames_that_have_a_json_form() {
    let mut world = World::new(2);
    let room = world.room_on(0);
    let publisher = world.open(0, "publisher");
    world.publish(publisher, &room, "past");
    let json = world.open_as(1, "json", SessionId(500), Generation(1), Format::Json);
    world.join(json, &room, Some(Since::Last(1)));
    world.publish(publisher, &room, "live");
    // The bench counts a form that was not made as no bytes: what waits must be the sum of all sentences.
    let bytes = world.waiting(json);
    let seen = world.read(json);
    assert_eq!(seen[1..], ["#1 past", "#2 live"]);
    assert_eq!(bytes, seen.iter().map(|text| text.len() as u64).sum::<u64>());
}
