//! What the simulator found, each in the smallest world that shows it.

mod bench;

use bench::{World, join, join_streamed, latest, publish, since};
use ringway_core::settings::{KeyScope, Limits, Namespace, Overflow};
use ringway_core::{Departure, Output, Taken, Via};
use ringway_protocol::command::{
    Command, History, HistoryFrom, Join, JoinMany, KnownVersion, Leave, Publish,
};
use ringway_protocol::{Epoch, ErrorCode, Lane, Offset, RequestId, RoomHandle, RoomName, Version};

fn epoch_of(world: &mut World, room: &str) -> Epoch {
    let owner = world.owner(room) as usize;
    world.shards[owner].room_span(handle(room)).map_or(Epoch(0), |span| span.epoch)
}

fn handle(room: &str) -> RoomHandle {
    RoomHandle::of(&bench::KEY, room)
}

fn audit(world: &World) {
    for shard in &world.shards {
        assert_eq!(shard.audit(), Ok(()));
    }
}

fn body(bytes: usize) -> String {
    "x".repeat(bytes)
}

#[test]
fn the_largest_offset_may_be_named() {
    let mut world = World::new(1);
    let one = world.open(0, "one");
    world.join(one, "room", None);
    world.publish(one, "room", "text");
    world.read(one);
    for from in [HistoryFrom::After(Offset(u64::MAX)), HistoryFrom::Before(Offset(u64::MAX))] {
        let room = RoomName::new("room").unwrap();
        world.send(one, &Command::History(History { id: RequestId::new(1), room, from, limit: 5 }));
    }
    assert_eq!(world.read(one), ["history of 0, more false", "history of 1, more false", "#1 text"]);
}

#[test]
fn a_refusal_too_many_ends_a_join_many_where_it_is() {
    let limits = Limits { refusals_max: 0, ..Limits::default() };
    let mut world = World::with(1, Namespace::default(), limits);
    let one = world.open(0, "one");
    let rooms = ["unknown:a", "b"].map(|name| match join(name, None) {
        Command::Join(join) => join,
        _ => unreachable!("join makes a join"),
    });
    world.send(one, &Command::JoinMany(JoinMany { id: RequestId::new(1), rooms: rooms.into() }));
    assert_eq!(world.closes(), [3505]);
    audit(&world);
}

#[test]
fn whoever_is_closed_over_a_fault_leaves_its_rooms_at_once() {
    let limits = Limits { refusals_max: 0, ..Limits::default() };
    let mut world = World::with(1, Namespace { detach_ms: 0, ..Namespace::default() }, limits);
    let one = world.open(0, "one");
    world.join(one, "room", None);
    world.shards[0].handle_fault(world.now, one.key, None, ErrorCode::BadFrame, "no frame");
    audit(&world);
    assert_eq!(world.shards[0].room_members(handle("room")), []);
}

#[test]
fn a_value_of_a_new_order_follows_its_reset() {
    let mut world = World::new(1);
    let one = world.open(0, "one");
    world.join(one, "room", None);
    world.read(one);
    world.publish(one, "room", "of the old order");
    assert!(world.shards[0].handle_reset(world.now, handle("room"), "because"));
    world.send(one, &latest("room", "x", "of the new order"));
    assert_eq!(world.read(one), ["#1 of the old order", "reset: because", "v1 x of the new order"]);
}

#[test]
fn an_answer_of_the_old_order_follows_the_reset_that_ends_its_wait() {
    let mut world = World::new(1);
    let (one, late) = (world.open(0, "one"), world.open(0, "late"));
    let text = body(40_000);
    for _ in 0..5 {
        world.publish(one, "room", &text);
    }
    let epoch = epoch_of(&mut world, "room");
    world.join(late, "room", since(epoch, 0));
    // The replay waits for the reader, and the answer for the replay.
    let silent = Publish { id: RequestId::new(7), echo: false, ..publish("room", "mine") };
    world.send(late, &Command::Publish(silent));
    assert!(world.shards[0].handle_reset(world.now, handle("room"), "because"));
    let seen: Vec<_> = world.read(late).into_iter().filter(|text| text.len() < 100).collect();
    assert!(seen[0].starts_with("joined"), "{seen:?}");
    assert_eq!(seen[1..], ["reset: because", "published #6"]);
}

#[test]
fn a_gap_does_not_grow_over_a_new_membership() {
    let limits = Limits { outbox_bytes_max: 100, ..Limits::default() };
    let namespace = Namespace { overflow: Overflow::DropOldest, ..Namespace::default() };
    let mut world = World::with(1, namespace, limits);
    let (one, slow) = (world.open(0, "one"), world.open(0, "slow"));
    world.join(slow, "room", None);
    world.read(slow);
    world.publish(one, "room", "first");
    world.leave(slow, "room");
    world.join(slow, "room", None);
    // Enough to drop everything of both memberships.
    for _ in 0..3 {
        world.publish(one, "room", &body(150));
    }
    let seen = world.read(slow);
    let first = seen.iter().position(|text| text.starts_with("left")).expect("it left");
    assert!(seen[..first].iter().all(|text| !text.starts_with("gap #1-#2")), "{seen:?}");
    let again = seen.iter().rposition(|text| text.starts_with("joined")).expect("it came back");
    assert!(seen[again + 1].starts_with("gap #2") || seen[again + 1].starts_with("#2"), "{seen:?}");
}

#[test]
fn a_key_of_somebody_who_was_refused_as_a_member_is_refused_too() {
    let mut world = World::with(2, Namespace { members_max: 1, ..Namespace::default() }, Limits::default());
    let room = world.room_on(1);
    let (one, two) = (world.open(0, "one"), world.open(0, "two"));
    world.join(one, &room, None);
    // Both in one breath: when the key reaches the owner, the edge still waits for the answer to the join.
    world.shards[0].handle_command(world.now, two.key, &join(&room, None)).unwrap();
    world.send(two, &latest(&room, "x", "stray"));
    assert_eq!(world.shards[1].room_keys(handle(&room)), []);
}

#[test]
fn versions_of_an_earlier_order_keep_no_value_back() {
    let mut world = World::with(1, Namespace { idle_ms: 10, ..Namespace::default() }, Limits::default());
    let (one, two) = (world.open(0, "one"), world.open(0, "two"));
    world.join(one, "room", None);
    for text in ["a", "b", "c"] {
        world.send(one, &latest("room", "x", text));
    }
    let epoch = epoch_of(&mut world, "room");
    world.drop(one, Departure::Left);
    world.advance_ms(20);
    let three = world.open(0, "one");
    world.join(three, "room", None);
    world.send(three, &latest("room", "x", "anew"));
    let held = KnownVersion { user: Some("one"), key: "x", version: Version((1 << 40) + 9) };
    let room = RoomName::new("room").unwrap();
    let join =
        Join { id: None, room, since: since(epoch, 0), versions: vec![held], presence: false, stream: false };
    world.send(two, &Command::Join(join));
    // The removal of what the first had set took a version, too.
    assert_eq!(world.read(two)[1..], ["v5 x anew"]);
}

#[test]
fn joined_and_reset_tell_the_newest_version_and_versions_rise_over_every_new_order() {
    let mut world = World::with(1, Namespace { idle_ms: 10, ..Namespace::default() }, Limits::default());
    let (one, two) = (world.open(0, "one"), world.open(0, "two"));
    world.join(one, "room", None);
    world.send(one, &latest("room", "x", "a"));
    assert_eq!(world.read(one)[1..], ["v1 x a"]);
    world.join(two, "room", None);
    assert_eq!(world.read(two), ["joined room at #0, recovered, replay 0, 2: one,two, above v1", "v1 x a"]);
    world.send(one, &latest("room", "x", "b"));
    assert!(world.shards[0].handle_reset(world.now, handle("room"), "because"));
    world.send(one, &latest("room", "x", "c"));
    assert_eq!(world.read(two), ["reset: because, above v2", "v3 x c"]);
    for member in [one, two] {
        world.drop(member, Departure::Left);
    }
    world.advance_ms(20);
    let three = world.open(0, "three");
    world.join(three, "room", None);
    let seen = world.read(three);
    // The room has ended and begun anew.
    assert_eq!(seen, ["joined room at #0, recovered, replay 0, 1: three, above v4"]);
    world.send(three, &latest("room", "x", "d"));
    assert_eq!(world.read(three), ["v5 x d"]);
}

#[test]
fn whose_value_a_joiner_holds_does_not_matter_where_keys_are_the_room_s() {
    let namespace = Namespace { key_scope: KeyScope::Room, ..Namespace::default() };
    let mut world = World::with(1, namespace, Limits::default());
    let (one, two) = (world.open(0, "one"), world.open(0, "two"));
    world.join(one, "room", None);
    world.send(one, &latest("room", "x", "value"));
    let epoch = epoch_of(&mut world, "room");
    let held = KnownVersion { user: Some("one"), key: "x", version: Version((1 << 40) + 1) };
    let room = RoomName::new("room").unwrap();
    let join =
        Join { id: None, room, since: since(epoch, 0), versions: vec![held], presence: false, stream: false };
    world.send(two, &Command::Join(join));
    assert_eq!(world.read(two).len(), 1);
}

#[test]
fn a_session_that_lagged_with_nothing_left_gets_unreliable_values_again() {
    let mut world = World::new(1);
    let (one, slow) = (world.open(0, "one"), world.open(0, "slow"));
    world.join(slow, "room", None);
    world.read(slow);
    let say = |text| Command::Publish(Publish { lane: Lane::Unreliable, ..publish("room", text) });
    world.send(one, &say("lost"));
    // The transport takes nothing, and what waited is dropped; then it can be written again.
    world.read_bytes(slow, usize::MAX, 0);
    let offered = world.shards[0].poll_transmit(slow.key, usize::MAX, &mut |_, _, _| {});
    assert_eq!(offered, 0);
    world.send(one, &say("fresh"));
    assert_eq!(world.read(slow).len(), 1);
}

#[test]
fn all_keys_of_a_room_fit_into_an_outbox() {
    let limits = Limits { outbox_bytes_max: 10_000, ..Limits::default() };
    let mut world = World::with(1, Namespace::default(), limits);
    let (one, late) = (world.open(0, "one"), world.open(0, "late"));
    world.join(one, "room", None);
    for key in ["a", "b", "c", "d"] {
        world.send(one, &latest("room", key, &body(4_000)));
        world.read(one);
    }
    assert_eq!(world.shards[0].room_keys(handle("room")).len(), 2);
    world.join(late, "room", None);
    assert_eq!(world.read(late).len(), 3);
    assert_eq!(world.closes(), [] as [u16; 0]);
}

#[test]
fn a_reader_that_keeps_up_recovers_more_than_its_outbox_holds() {
    let limits = Limits { outbox_bytes_max: 4_000, ..Limits::default() };
    let mut world = World::with(2, Namespace::default(), limits);
    let names: Vec<_> = (0..12).map(|number| format!("room-{number}")).collect();
    let (one, late) = (world.open(0, "one"), world.open(1, "late"));
    for name in &names {
        for _ in 0..20 {
            world.publish(one, name, &body(1_000));
            world.read(one);
        }
    }
    let epochs: Vec<_> = names.iter().map(|name| epoch_of(&mut world, name)).collect();
    for (name, epoch) in names.iter().zip(epochs) {
        world.join(late, name, since(epoch, 0));
    }
    let seen = world.read(late);
    assert_eq!(world.outputs.iter().filter(|output| matches!(output, Output::Close(_))).count(), 0);
    assert_eq!(seen.iter().filter(|text| text.starts_with('#')).count(), 12 * 20);
}

#[test]
fn a_replay_goes_on_when_values_that_left_apart_made_room_for_it() {
    let limits = Limits { outbox_bytes_max: 400, ..Limits::default() };
    let mut world = World::with(1, Namespace::default(), limits);
    let (one, two) = (world.open(0, "one"), world.open_with_ways(0, "two"));
    world.join(one, "other", None);
    world.join(two, "other", None);
    world.join(one, "room", None);
    world.publish(one, "room", "missed");
    world.read_vias(two);
    // More than the quarter of an outbox below which a replay goes on, and the transport takes none of it.
    world.send(one, &latest("other", "key", &body(150)));
    let epoch = epoch_of(&mut world, "room");
    world.join(two, "room", since(epoch, 0));
    assert_eq!(world.read_vias(two).len(), 1, "joined");
    world.read_values(two, |_| Taken::NotNow);
    assert_eq!(world.read_vias(two), []);
    world.read_values(two, |_| Taken::Sent);
    assert_eq!(world.read_vias(two), [(Via::Control, "#1 missed".to_owned())]);
    audit(&world);
}

#[test]
fn a_room_s_stream_begins_with_joined_and_ends_with_left() {
    let mut world = World::new(2);
    let room = world.room_on(1);
    let via = handle(&room);
    let one = world.open_with_ways(0, "one");
    let send = |world: &mut World, command: &Command<'_>| {
        world.shards[0].handle_command(world.now, one.key, command).expect("nothing blocks");
    };
    let leave = Command::Leave(Leave { id: RequestId::new(1), room: RoomName::new(&room).unwrap() });
    // All of it is on its way before the first answer is.
    send(&mut world, &join(&room, None));
    send(&mut world, &leave);
    send(&mut world, &Command::Publish(Publish { id: RequestId::new(2), ..publish(&room, "text") }));
    send(&mut world, &join_streamed(&room));
    world.run();
    let vias: Vec<_> = world.read_vias(one).into_iter().map(|(via, _)| via).collect();
    assert_eq!(vias, [Via::Control, Via::Control, Via::Control, Via::Room(via)], "joined, left, published");
    send(&mut world, &leave);
    send(&mut world, &join(&room, None));
    world.run();
    let vias: Vec<_> = world.read_vias(one).into_iter().map(|(via, _)| via).collect();
    assert_eq!(vias, [Via::RoomEnd(via), Via::Control], "left, joined");
}

#[test]
fn a_leave_without_answer_does_not_end_the_stream_of_the_membership_before() {
    let mut world = World::new(2);
    let room = world.room_on(1);
    let one = world.open_with_ways(0, "one");
    world.send(one, &join_streamed(&room));
    world.read_vias(one);
    for (id, joins) in [(RequestId::new(1), true), (None, false)] {
        let leave = Command::Leave(Leave { id, room: RoomName::new(&room).unwrap() });
        world.shards[0].handle_command(world.now, one.key, &leave).expect("nothing blocks");
        if joins {
            let join = join_streamed(&room);
            world.shards[0].handle_command(world.now, one.key, &join).expect("nothing blocks");
        }
    }
    world.run();
    let frames = world.read_vias(one);
    assert_eq!(frames[0], (Via::RoomEnd(handle(&room)), format!("left {room}")));
    assert_eq!(frames[1].0, Via::Control, "joined, after it was left again");
}

#[test]
fn a_refused_join_leaves_no_stream_to_the_next() {
    let mut world = World::with(2, Namespace { members_max: 1, ..Namespace::default() }, Limits::default());
    let room = world.room_on(1);
    let (one, two) = (world.open(0, "one"), world.open_with_ways(0, "two"));
    world.join(one, &room, None);
    let leave = Command::Leave(Leave { id: RequestId::new(1), room: RoomName::new(&room).unwrap() });
    for command in [&join_streamed(&room), &leave] {
        world.shards[0].handle_command(world.now, two.key, command).expect("nothing blocks");
    }
    world.run();
    let vias: Vec<_> = world.read_vias(two).into_iter().map(|(via, _)| via).collect();
    assert_eq!(vias, [Via::Control; 2], "refused, left");
}
