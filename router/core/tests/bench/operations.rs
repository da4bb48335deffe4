//! Bytes as a list of operations on two shards: whatever they say, the core neither panics nor stops.

use ringway_core::settings::{Limits, Namespace, Overflow};
use ringway_core::{Departure, EdgeId, PeerId, SessionKey, ShardId, Taken, Target, Way};
use ringway_protocol::command::{
    Command, History, HistoryFrom, Join, JoinMany, KnownVersion, Leave, Presence, Publish, Since,
};
use ringway_protocol::{
    Body, BodyKind, Epoch, Format, Generation, Lane, Offset, Position, RequestId, RoomName, SessionId,
    Version,
};

use crate::bench::{Client, KEY, Ways, World, publish};

const ROOMS: [&str; 4] = ["a", "b", "c", "nowhere:d"];
const TEXTS: [&str; 4] = ["", "x", "hello", "0123456789012345678901234567890123456789"];

/// Reads operands off the bytes; zeros after the end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
        self.0 = rest;
        first
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.next() as usize % choices.len()]
    }
}

/// Runs the operations; then lets everything drain and asserts that it does.
pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let namespace = Namespace {
        overflow: if bytes.next().is_multiple_of(2) { Overflow::Close } else { Overflow::DropOldest },
        history_count_max: u32::from(bytes.next() % 8),
        members_max: 6,
        key_ttl_ms: u64::from(bytes.next() % 2) * 3_000,
        ..Namespace::default()
    };
    let limits = Limits { outbox_bytes_max: 600, work_per_s: 200, refusals_max: 50, ..Limits::default() };
    let mut world = World::with(2, namespace, limits);
    let mut clients: Vec<Client> = Vec::new();
    for operation in 0..2_000u32 {
        if bytes.0.is_empty() {
            break;
        }
        operate(&mut world, &mut clients, &mut bytes, operation);
    }
    world.run();
    for client in &clients {
        drain(&mut world, *client);
    }
    world.run();
    for shard in &world.shards {
        assert_eq!(shard.audit(), Ok(()));
    }
    assert!(world.shards.iter().all(|shard| !shard.has_outbound() && shard.takes_requests()));
    for client in clients {
        world.drop(client, Departure::Left);
    }
    for _ in 0..4 {
        world.advance_ms(100_000);
    }
    for shard in &world.shards {
        assert_eq!(
            (shard.counters().sessions, shard.counters().rooms, shard.counters().held_bytes),
            (0, 0, 0)
        );
        assert!(shard.counters().namespaces.iter().all(|one| one.members == 0 && one.rooms == 0));
    }
}

/// Reads all that there is, on the stream and apart from it, as long as one makes room for the other.
fn drain(world: &mut World, client: Client) {
    loop {
        let mut read = world.read(client).len();
        world.read_values(client, |_| {
            read += 1;
            Taken::Sent
        });
        if read == 0 {
            break;
        }
    }
    assert_eq!(world.waiting(client), 0);
}

fn operate(world: &mut World, clients: &mut Vec<Client>, bytes: &mut Bytes<'_>, operation: u32) {
    let kind = bytes.next() % 16;
    if clients.is_empty() || kind == 0 {
        if clients.len() < 12 {
            clients.push(open(world, bytes, operation));
        }
        return;
    }
    let index = bytes.next() as usize % clients.len();
    let client = clients[index];
    let room = RoomName::new(bytes.pick(&ROOMS)).expect("a valid name");
    let id = RequestId::new(u32::from(bytes.next() % 4));
    match kind {
        1 | 2 => command(world, client, &Command::Join(join(bytes, id, room))),
        3 => {
            let rooms = vec![join(bytes, id, room), join(bytes, id, room)];
            command(world, client, &Command::JoinMany(JoinMany { id, rooms }));
        }
        4 => command(world, client, &Command::Leave(Leave { id, room })),
        5..=8 => command(world, client, &Command::Publish(publication(bytes, id, room))),
        9 => {
            let offset = Offset(u64::from(bytes.next()));
            let from = if offset.0.is_multiple_of(2) {
                HistoryFrom::Before(offset)
            } else {
                HistoryFrom::After(offset)
            };
            let limit = u32::from(bytes.next());
            command(world, client, &Command::History(History { id, room, from, limit }));
        }
        10 => command(
            world,
            client,
            &Command::Presence(Presence { id, room, cursor: Some(u64::from(bytes.next())) }),
        ),
        11 => {
            let (bytes_max, taken) = (usize::from(bytes.next()) * 4, u64::from(bytes.next()));
            let verdict = [Taken::Sent, Taken::WithStream, Taken::NotNow][bytes_max / 4 % 3];
            let now = world.now;
            world.shards[client.shard].poll_values(now, client.key, &mut |_, _, _| verdict);
            world.read_bytes(client, bytes_max, taken);
        }
        12 => world.advance_ms(u64::from(bytes.next()) * 20),
        13 => {
            let departure = bytes.pick(&[Departure::Left, Departure::Detached]);
            clients.swap_remove(index);
            world.drop(client, departure);
        }
        14 => one_message(world, bytes),
        _ => operator(world, client.key, bytes, room),
    }
}

fn open(world: &mut World, bytes: &mut Bytes<'_>, operation: u32) -> Client {
    let shard = usize::from(bytes.next() % 2);
    // Few session ids: two connections of one session are common.
    let session = SessionId(1 + u64::from(bytes.next() % 8));
    let kind = bytes.next();
    let format = [Format::Binary, Format::Json][usize::from(kind % 2)];
    let ways = Ways { values_apart: kind & 4 != 0, room_streams: kind & 8 != 0 };
    let generation = Generation(u64::from(operation) + u64::from(bytes.next()));
    world.open_on(shard, bytes.pick(&["ann", "bob"]), session, generation, format, ways)
}

fn command(world: &mut World, client: Client, command: &Command<'_>) {
    // Blocked is fine: nothing happened.
    let _ = world.shards[client.shard].handle_command(world.now, client.key, command);
}

fn join<'a>(bytes: &mut Bytes<'_>, id: Option<RequestId>, room: RoomName<'a>) -> Join<'a> {
    let offset = Offset(u64::from(bytes.next()));
    let since = match offset.0 % 3 {
        0 => None,
        1 => Some(Since::Last(offset.0 as u32)),
        _ => Some(Since::Position(Position { epoch: Epoch(offset.0), offset })),
    };
    let known = KnownVersion { user: Some("ann"), key: "k", version: Version(offset.0) };
    let versions = if offset.0.is_multiple_of(5) { vec![known] } else { Vec::new() };
    Join { id, room, since, versions, presence: offset.0.is_multiple_of(2), stream: offset.0 & 4 != 0 }
}

fn publication<'a>(bytes: &mut Bytes<'_>, id: Option<RequestId>, room: RoomName<'a>) -> Publish<'a> {
    let text = bytes.pick(&TEXTS);
    let kind = bytes.pick(&[BodyKind::Text, BodyKind::Text, BodyKind::None]);
    let lane = bytes.pick(&[Lane::Reliable, Lane::Latest, Lane::Unreliable]);
    let flags = bytes.next();
    Publish {
        id,
        room,
        body: Body { kind, bytes: if kind == BodyKind::None { b"" } else { text.as_bytes() } },
        lane,
        key: (flags & 1 == 1).then_some("k"),
        msg_id: (flags & 6 == 6).then_some(b"m"),
        retry: (flags & 8 == 8).then_some(Position { epoch: Epoch(1), offset: Offset(1) }),
        echo: flags & 16 == 0,
    }
}

/// Moves one message between the shards, or several.
fn one_message(world: &mut World, bytes: &mut Bytes<'_>) {
    let (from, to) = bytes.pick(&[(0, 1), (1, 0)]);
    let (from_id, to_id) = (ShardId(from), ShardId(to));
    if bytes.next().is_multiple_of(2) {
        if world.shards[to as usize].takes_requests()
            && let Some(request) = world.shards[from as usize].poll_request(Way::Shard(to_id))
        {
            world.shards[to as usize].handle_request(world.now, EdgeId::here(from_id), request);
        }
    } else if let Some(delivery) = world.shards[from as usize].poll_delivery(Way::Shard(to_id)) {
        world.shards[to as usize].handle_delivery(world.now, PeerId::HERE, delivery);
    }
}

fn operator(world: &mut World, session: SessionKey, bytes: &mut Bytes<'_>, room: RoomName<'_>) {
    let now = world.now;
    match bytes.next() % 6 {
        0 => drop(world.shards[0].handle_disconnect(now, Target::User("ann"), 4000, "operator")),
        1 => world.shards[1].handle_end(now, session, 3002, "heartbeat"),
        2 => world.shards[0].handle_drain(now, 100),
        3 => drop(world.shards[0].handle_api_publish(now, 1, "api".into(), &publish(room.as_str(), "api"))),
        4 => {
            let handle = ringway_protocol::RoomHandle::of(&KEY, room.as_str());
            let owner = world.owner(room.as_str()) as usize;
            world.shards[owner].handle_reset(now, handle, "operator");
        }
        _ => world.run(),
    }
}
