//! The core's paths on one shard: a publication to its members' outboxes, outboxes to the socket, joining, and refusing.

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use ringway_core::settings::{Limits, Namespace, Settings};
use ringway_core::{Encoder, Identity, Monotonic, Now, Open, SessionKey, Shard, ShardConfig, ShardId};
use ringway_protocol::codec::{BinaryEncoder, binary_to_json};
use ringway_protocol::command::{Join, Leave, Publish};
use ringway_protocol::{
    Body, BodyKind, ClusterKey, Command, Event, Format, Generation, Lane, RequestId, RoomName, SessionId,
    UnixMicros,
};

use crate::micro::{Case, Measure};

const BODY: [u8; 64] = [b'x'; 64];
const PUBLICATIONS: u64 = 4;
const FLUSH_BYTES_MAX: usize = 64 * 1024;

pub(super) const CASES: &[Case] = &[
    Case::new("publish to 1 member", |measure| publish(measure, 1, Lane::Reliable)),
    Case::new("publish to 100 members", |measure| publish(measure, 100, Lane::Reliable)),
    Case::new("publish to 10,000 members", |measure| publish(measure, 10_000, Lane::Reliable)),
    Case::new("publish latest to 100 members", |measure| publish(measure, 100, Lane::Latest)),
    Case::new("transmit 1 message to a session", |measure| transmit(measure, 1)),
    Case::new("transmit 16 messages to a session", |measure| transmit(measure, 16)),
    Case::new("join and leave among 100 members", join_and_leave),
];

/// Frames as the router builds them, but for the header of WebSocket.
#[derive(Default)]
struct Binary {
    encoder: BinaryEncoder,
}

impl Encoder for Binary {
    type Frame = Rc<Vec<u8>>;
    type Shared = Vec<u8>;

    fn reply(&mut self, event: &Event<'_>, _: Format) -> Rc<Vec<u8>> {
        Rc::new(self.encoder.event(event).to_vec())
    }

    fn broadcast(&mut self, event: &Event<'_>) -> Rc<Vec<u8>> {
        Rc::new(self.encoder.event(event).to_vec())
    }

    fn prepare(&mut self, frame: &Rc<Vec<u8>>, format: Format, room: &str) {
        if format == Format::Json {
            let _ = binary_to_json(frame, room, &mut Vec::new());
        }
    }

    fn bytes(frame: &Rc<Vec<u8>>, _: Format) -> usize {
        frame.len()
    }

    fn bytes_held(frame: &Rc<Vec<u8>>) -> usize {
        frame.len()
    }

    fn share(frame: &Rc<Vec<u8>>) -> Vec<u8> {
        frame.to_vec()
    }

    fn adopt(shared: Vec<u8>) -> Rc<Vec<u8>> {
        Rc::new(shared)
    }
}

/// One shard with one room and its members.
struct House {
    shard: Shard<Binary>,
    now: Now,
    members: Vec<SessionKey>,
}

impl House {
    fn of(members: u64) -> Self {
        // The room is below the size from which presence is merged, or says nothing: joins are not what is counted here.
        let namespace =
            Namespace { presence: ringway_core::settings::PresenceMode::Off, ..Namespace::default() };
        let limits = Limits { work_per_s: u32::MAX / 2, work_burst: u32::MAX / 2, ..Limits::default() };
        let settings = Arc::new(Settings {
            namespaces: [("default".to_owned(), namespace)].into(),
            limits,
            node: "node".into(),
            heartbeat_ms: 25_000,
        });
        let config = ShardConfig { id: ShardId(0), shards: 1, key: ClusterKey([3; 16]), seed: 1 };
        let now = Now { monotonic: Monotonic(1_000_000), unix: UnixMicros(1_700_000_000_000_000) };
        let shard = Shard::new(config, settings, Binary::default());
        let mut house = Self { shard, now, members: Vec::new() };
        for number in 0..members {
            let member = house.open(number);
            house.command(member, &join());
            house.members.push(member);
        }
        house.drain();
        house
    }

    fn open(&mut self, number: u64) -> SessionKey {
        let identity = Identity {
            user: format!("user-{number}").into(),
            anonymous: false,
            grants: Vec::new(),
            info: None,
            expires: None,
        };
        let open = Open {
            id: None,
            session: SessionId(number + 1),
            generation: Generation(1),
            identity,
            format: Format::Binary,
            resume: "",
            connection: number as u32,
            values_apart: false,
            room_streams: false,
        };
        self.shard.handle_open(self.now, open).expect("the shard has room")
    }

    fn command(&mut self, session: SessionKey, command: &Command<'_>) {
        self.shard.handle_command(self.now, session, command).expect("nothing blocks on one shard");
        assert!(self.shard.poll_output().is_none(), "nobody is closed or blocked here");
    }

    /// Takes everything that waits, as the pump does; how many sessions had something.
    fn drain(&mut self) -> u64 {
        let mut sessions = 0;
        while let Some(session) = self.shard.poll_dirty() {
            let offered = self.shard.poll_transmit(session, FLUSH_BYTES_MAX, &mut |frame, _, _| {
                black_box(frame);
            });
            self.shard.on_written(self.now, session, offered as _);
            sessions += 1;
        }
        sessions
    }
}

fn room() -> RoomName<'static> {
    RoomName::new("lobby").expect("a valid name")
}

fn join() -> Command<'static> {
    Command::Join(Join {
        id: RequestId::new(1),
        room: room(),
        since: None,
        versions: Vec::new(),
        presence: false,
        stream: false,
    })
}

fn publication(lane: Lane) -> Command<'static> {
    Command::Publish(Publish {
        id: None,
        room: room(),
        body: Body { kind: BodyKind::Bytes, bytes: &BODY },
        lane,
        key: (lane == Lane::Latest).then_some("cursor"),
        msg_id: None,
        retry: None,
        echo: true,
    })
}

fn publish(measure: &mut Measure, members: u64, lane: Lane) {
    let mut house = House::of(members);
    let command = publication(lane);
    for _ in 0..PUBLICATIONS {
        house.command(house.members[0], &command);
    }
    assert_eq!(house.drain(), members);
    measure.run(PUBLICATIONS, || {
        for _ in 0..PUBLICATIONS {
            house.command(house.members[0], black_box(&command));
        }
    });
    assert_eq!(house.drain(), members);
}

fn transmit(measure: &mut Measure, messages: u64) {
    const MEMBERS: u64 = 100;
    let mut house = House::of(MEMBERS);
    let command = publication(Lane::Reliable);
    for _ in 0..messages {
        house.command(house.members[0], &command);
    }
    let mut sessions = 0;
    measure.run(MEMBERS, || sessions = house.drain());
    assert_eq!(sessions, MEMBERS);
}

fn join_and_leave(measure: &mut Measure) {
    const ROUNDS: u64 = 10;
    let mut house = House::of(100);
    let visitor = house.open(1_000);
    let (join, leave) = (join(), Command::Leave(Leave { id: RequestId::new(2), room: room() }));
    house.command(visitor, &join);
    house.command(visitor, &leave);
    house.drain();
    measure.run(ROUNDS, || {
        for _ in 0..ROUNDS {
            house.command(visitor, &join);
            house.command(visitor, &leave);
        }
    });
    house.drain();
}
