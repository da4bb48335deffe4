//! Joining, publishing, leaving: on one shard and over two.

mod bench;

use bench::{World, join, publish};
use ringway_core::Departure;
use ringway_core::settings::{Admission, Namespace};
use ringway_protocol::command::Command;
use ringway_protocol::{Body, Lane, RequestId};

#[test]
fn members_on_every_shard_get_a_publication_once_and_in_order() {
    let mut world = World::new(3);
    let room = world.room_on(1);
    let clients: Vec<_> = (0..6).map(|n| world.open(n % 3, &format!("user-{n}"))).collect();
    for client in &clients {
        world.join(*client, &room, None);
        let joined = world.read(*client);
        assert!(joined[0].starts_with(&format!("joined {room} at #0, recovered, replay 0")), "{joined:?}");
    }
    for text in ["one", "two", "three"] {
        world.publish(clients[2], &room, text);
    }
    for client in clients {
        assert_eq!(world.read(client), ["#1 one", "#2 two", "#3 three"]);
    }
}

#[test]
fn one_publication_is_one_delivery_per_interested_shard() {
    let mut world = World::new(2);
    let room = world.room_on(0);
    let publisher = world.open(0, "publisher");
    let readers = [world.open(1, "a"), world.open(1, "b"), world.open(1, "c")];
    for reader in readers {
        world.join(reader, &room, None);
    }
    let command = Command::Publish(publish(&room, "hello"));
    world.shards[0].handle_command(world.now, publisher.key, &command).unwrap();
    let mut deliveries = 0;
    while let Some(delivery) =
        world.shards[0].poll_delivery(ringway_core::Way::Shard(ringway_core::ShardId(1)))
    {
        world.shards[1].handle_delivery(world.now, ringway_core::PeerId::HERE, delivery);
        deliveries += 1;
    }
    assert_eq!(deliveries, 1);
    for reader in readers {
        assert_eq!(world.read(reader).last().unwrap(), "#1 hello");
    }
}

#[test]
fn who_left_gets_nothing_more() {
    for shard in [0, 1] {
        let mut world = World::new(2);
        let room = world.room_on(0);
        let (one, other) = (world.open(shard, "one"), world.open(0, "other"));
        world.join(one, &room, None);
        world.join(other, &room, None);
        world.publish(other, &room, "before");
        world.leave(one, &room);
        world.publish(other, &room, "after");
        let seen = world.read(one);
        assert_eq!(seen[1..], ["#1 before".to_owned(), format!("left {room}")], "on shard {shard}");
    }
}

#[test]
fn leaving_and_joining_again_in_one_breath_works() {
    let mut world = World::new(2);
    let room = world.room_on(1);
    let client = world.open(0, "one");
    world.join(client, &room, None);
    world.read(client);
    for _ in 0..3 {
        let leave = Command::Leave(ringway_protocol::command::Leave {
            id: RequestId::new(5),
            room: ringway_protocol::RoomName::new(&room).unwrap(),
        });
        world.shards[0].handle_command(world.now, client.key, &leave).unwrap();
        world.shards[0].handle_command(world.now, client.key, &join(&room, None)).unwrap();
    }
    world.run();
    world.publish(client, &room, "hello");
    let seen = world.read(client);
    assert_eq!(seen.iter().filter(|text| text.starts_with("left")).count(), 3);
    assert_eq!(seen.iter().filter(|text| text.starts_with("joined")).count(), 3);
    assert_eq!(seen.last().unwrap(), "#1 hello");
}

#[test]
fn a_second_join_is_refused() {
    let mut world = World::new(1);
    let client = world.open(0, "one");
    world.join(client, "room", None);
    world.join(client, "room", None);
    assert_eq!(world.read(client)[1], "error already_joined");
}

#[test]
fn a_namespace_that_is_not_configured_is_refused() {
    let mut world = World::new(1);
    let client = world.open(0, "one");
    world.join(client, "nowhere:room", None);
    assert_eq!(world.read(client), ["error unknown_namespace"]);
}

#[test]
fn a_room_by_grant_only_refuses_who_has_none() {
    let namespace =
        Namespace { join: Admission::Granted, publish: Admission::Granted, ..Namespace::default() };
    let mut world = World::with(1, namespace, Default::default());
    let client = world.open(0, "one");
    world.join(client, "room", None);
    world.publish(client, "room", "hello");
    assert_eq!(world.read(client), ["error join_denied", "error publish_denied"]);
}

#[test]
fn what_a_publish_may_not_be_is_said_by_number() {
    let mut world = World::new(1);
    let client = world.open(0, "one");
    let refused = [
        ("bad_key", bench_publish(|publish| publish.key = Some("key"))),
        ("body_required", bench_publish(|publish| publish.body = Body::default())),
        ("id_required", bench_publish(|publish| publish.echo = false)),
        ("bad_msg_id", bench_publish(|publish| publish.msg_id = Some(&[]))),
        (
            "bad_msg_id",
            bench_publish(|publish| {
                publish.msg_id = Some(b"1");
                publish.lane = Lane::Latest;
            }),
        ),
        ("not_joined", bench_publish(|publish| publish.lane = Lane::Latest)),
    ];
    for (name, command) in refused {
        world.send(client, &command);
        assert_eq!(world.read(client), [format!("error {name}")]);
    }
}

fn bench_publish(change: impl FnOnce(&mut ringway_protocol::command::Publish<'static>)) -> Command<'static> {
    let mut command = publish("room", "text");
    change(&mut command);
    Command::Publish(command)
}

#[test]
fn a_publisher_without_echo_gets_published_in_its_message_s_place() {
    for shard in [0, 1] {
        let mut world = World::new(2);
        let room = world.room_on(0);
        let (one, other) = (world.open(shard, "one"), world.open(1, "other"));
        world.join(one, &room, None);
        world.join(other, &room, None);
        world.read(one);
        world.read(other);
        world.publish(other, &room, "first");
        let silent = Command::Publish(ringway_protocol::command::Publish {
            id: RequestId::new(7),
            echo: false,
            ..publish(&room, "mine")
        });
        world.send(one, &silent);
        world.publish(other, &room, "third");
        assert_eq!(world.read(one), ["#1 first", "published #2", "#3 third"], "on shard {shard}");
        assert_eq!(world.read(other), ["#1 first", "#2 mine", "#3 third"]);
    }
}

#[test]
fn an_empty_room_ends_after_its_idle_time_and_begins_a_new_order() {
    let mut world = World::new(1);
    let client = world.open(0, "one");
    world.join(client, "room", None);
    world.publish(client, "room", "hello");
    world.drop(client, Departure::Left);
    world.advance_ms(60_000);
    assert_eq!(world.shards[0].counters().rooms, 0);
    assert_eq!(world.shards[0].counters().held_bytes, 0);
    let client = world.open(0, "one");
    world.join(client, "room", None);
    assert!(world.read(client)[0].starts_with("joined room at #0"));
}
