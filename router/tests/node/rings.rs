use ringway::node::Bounds;
use ringway_protocol::command::{Command, Leave};
use ringway_protocol::{Format, Lane, RoomName};

use crate::client::{Client, id};
use crate::support::start;

/// So many connections meet every shard, but for one chance in a million or so.
const CLIENTS: usize = 24;

#[test]
fn every_shard_s_sessions_get_every_room_s_messages_once_and_in_order() {
    let node = start(3, |_| {});
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Client::open(&node, if number % 2 == 0 { Format::Binary } else { Format::Json }))
        .collect();
    let rooms = ["a", "b", "c", "d", "e"];
    for client in &mut clients {
        for room in rooms {
            client.join(room);
        }
    }
    for round in 0..40 {
        for room in rooms {
            clients[round % CLIENTS].publish(room, &format!("{room} {round}"), Lane::Reliable, false);
        }
        for client in &mut clients {
            let mut texts: Vec<_> = rooms.iter().map(|_| client.text()).collect();
            texts.sort_unstable();
            assert_eq!(texts, rooms.map(|room| format!("{room} {round}")));
        }
    }
    let snapshot = node.handle.snapshot().wait().unwrap();
    assert_eq!(snapshot.shards.len(), 3);
    assert_eq!(snapshot.shards.iter().map(|shard| shard.core.sessions).sum::<u64>(), CLIENTS as u64);
    assert!(snapshot.shards.iter().map(|shard| shard.rim.mesh_in).sum::<u64>() > 0, "the rings were used");
}

#[test]
fn a_flood_through_the_rings_is_slowed_down_and_loses_nothing() {
    flood(None, 5_000);
}

#[test]
fn rings_of_one_item_lose_nothing_and_nobody_waits_in_a_circle() {
    flood(Some(Bounds { items: 1, bytes: 1 }), 2_000);
}

#[test]
fn a_burst_for_another_shard_goes_on_when_nothing_else_happens() {
    let node = start(2, |options| {
        crate::sessions::core(options, |settings| {
            settings.limits.work_per_s = u32::MAX;
            settings.limits.work_burst = u32::MAX;
        });
    });
    // Nothing else wakes a shard before reading gives up: deadlines of connections are further away.
    // Some pair is of two shards, and one of its rooms is the publisher's shard's own.
    for pair in 0..16 {
        let mut listener = Client::open(&node, Format::Binary);
        let mut publisher = Client::open(&node, Format::Binary);
        for room in ["left", "right"] {
            let room = format!("{room} {pair}");
            listener.join(&room);
            publisher.publish_at_once(&room, (0..2_000).map(|number| number.to_string()));
            while listener.text() != "1999" {}
        }
    }
}

/// Everybody publishes in rooms of both shards as fast as possible, while somebody on each shard checks the order.
fn flood(rings: Option<Bounds>, count: usize) {
    const FLOODERS: usize = 4;
    let node = start(2, |options| {
        options.rings = rings;
        crate::sessions::core(options, |settings| {
            settings.limits.work_per_s = u32::MAX;
            settings.limits.work_burst = u32::MAX;
            settings.limits.outbox_bytes_max = 64 << 20;
        });
    });
    let mut listeners: Vec<_> = (0..8).map(|_| Client::open(&node, Format::Binary)).collect();
    for listener in &mut listeners {
        listener.join("left");
        listener.join("right");
    }
    let floods: Vec<_> = (0..FLOODERS)
        .map(|flooder| {
            let mut client = Client::open(&node, Format::Binary);
            std::thread::spawn(move || {
                for number in 0..count / FLOODERS {
                    let room = if number % 2 == 0 { "left" } else { "right" };
                    client.publish(room, &format!("{flooder} {number}"), Lane::Reliable, false);
                }
                client
            })
        })
        .collect();
    for listener in &mut listeners {
        let mut last = [[None; 2]; FLOODERS];
        for _ in 0..count / FLOODERS * FLOODERS {
            let text = listener.text();
            let (flooder, number) = text.split_once(' ').unwrap();
            let (flooder, number): (usize, usize) = (flooder.parse().unwrap(), number.parse().unwrap());
            let before = last[flooder][number % 2].replace(number);
            assert_eq!(before.map_or(number % 2, |before: usize| before + 2), number);
        }
    }
    for flood in floods {
        drop(flood.join().unwrap());
    }
}

#[test]
fn presence_and_leaving_cross_shards() {
    let node = start(2, |_| {});
    let mut clients: Vec<_> = (0..8).map(|_| Client::open(&node, Format::Json)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.join("room")["count"], number + 1);
    }
    let room = RoomName::new("room").unwrap();
    for client in &mut clients[1..] {
        client.say(&Command::Leave(Leave { id: id(9), room }));
        assert_eq!(client.read_type("left")["room"], "room");
    }
    clients[1].join("other");
    let mut late = Client::open(&node, Format::Json);
    assert_eq!(late.join("room")["count"], 2);
}
