//! Shards of a node without a machine room: sessions, rooms and members for the cases of the core, and what carries words between shards.
//!
//! Frames are the router's own but for the header of WebSocket. Limits of work are out of the way: what is measured is work, not its refusal.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use ringway_core::settings::{Limits, Namespace, PresenceMode, Settings};
use ringway_core::{
    EdgeId, Encoder, Identity, Monotonic, Now, Open, PeerId, SessionKey, Shard, ShardConfig, ShardId, Way,
};
use ringway_protocol::codec::{BinaryEncoder, binary_to_json};
use ringway_protocol::command::{Join, Leave, Publish, Since};
use ringway_protocol::{
    Body, BodyKind, ClusterKey, Command, Event, Format, Generation, Lane, Position, RequestId, RoomHandle,
    RoomName, SessionId, UnixMicros,
};

/// Body of every publication.
pub(super) const BODY: [u8; 64] = [b'x'; 64];
/// What one flush takes of a session.
const FLUSH_BYTES_MAX: usize = 64 * 1024;
pub(super) const KEY: ClusterKey = ClusterKey([3; 16]);

/// Frames as the router builds them, and the position that the last `joined` told.
#[derive(Default)]
pub(super) struct Binary {
    encoder: BinaryEncoder,
    joined: Rc<Cell<Option<Position>>>,
}

impl Encoder for Binary {
    type Frame = Rc<Vec<u8>>;
    type Shared = Vec<u8>;

    fn reply(&mut self, event: &Event<'_>, _: Format) -> Rc<Vec<u8>> {
        if let Event::Joined(joined) = event {
            self.joined.set(Some(joined.position));
        }
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
pub(super) struct House {
    pub(super) shard: Shard<Binary>,
    pub(super) now: Now,
    pub(super) members: Vec<SessionKey>,
    joined: Rc<Cell<Option<Position>>>,
}

impl House {
    /// A shard whose room has so many members.
    pub(super) fn of(members: u64) -> Self {
        Self::with(members, Namespace::default())
    }

    /// The same under another policy; presence is off, joins would tell the others otherwise.
    pub(super) fn with(members: u64, policy: Namespace) -> Self {
        Self::one_of(ShardId(0), 1, members, policy)
    }

    fn one_of(id: ShardId, shards: u16, members: u64, policy: Namespace) -> Self {
        let namespace = Namespace { presence: PresenceMode::Off, ..policy };
        let limits = Limits { work_per_s: u32::MAX / 2, work_burst: u32::MAX / 2, ..Limits::default() };
        let settings = Arc::new(Settings {
            namespaces: [("default".to_owned(), namespace)].into(),
            limits,
            node: "node".into(),
            heartbeat_ms: 25_000,
        });
        let config = ShardConfig { id, shards, key: KEY, seed: 1, route: ShardConfig::ALONE };
        let now = Now { monotonic: Monotonic(1_000_000), unix: UnixMicros(1_700_000_000_000_000) };
        let encoder = Binary::default();
        let joined = encoder.joined.clone();
        let shard = Shard::new(config, settings, encoder);
        let mut house = Self { shard, now, members: Vec::new(), joined };
        for number in 0..members {
            let member = house.open(number);
            house.command(member, &join(room(), None));
            house.members.push(member);
        }
        house.drain();
        house
    }

    /// One more session.
    pub(super) fn open(&mut self, number: u64) -> SessionKey {
        let open = Open {
            id: None,
            session: SessionId(number + 1),
            generation: Generation(1),
            identity: identity(number, None),
            format: Format::Binary,
            resume: "",
            connection: number as u32,
            values_apart: false,
            room_streams: false,
        };
        self.shard.handle_open(self.now, open).expect("the shard has room")
    }

    pub(super) fn command(&mut self, session: SessionKey, command: &Command<'_>) {
        self.shard.handle_command(self.now, session, command).expect("nothing blocks here");
        assert!(self.shard.poll_output().is_none(), "nobody is closed or blocked here");
    }

    /// Takes everything that waits, as the pump does; how many times a session had something.
    pub(super) fn drain(&mut self) -> u64 {
        self.drain_counting().0
    }

    /// The same; how many times a session had something, and how many frames there were.
    pub(super) fn drain_counting(&mut self) -> (u64, u64) {
        let (mut sessions, mut frames) = (0, 0);
        while let Some(session) = self.shard.poll_dirty() {
            let offered = self.shard.poll_transmit(session, FLUSH_BYTES_MAX, &mut |frame, _, _| {
                black_box(frame);
                frames += 1;
            });
            self.shard.on_written(self.now, session, offered as _);
            sessions += 1;
        }
        (sessions, frames)
    }

    /// Where the room stood when somebody joined last.
    pub(super) fn position(&self) -> Position {
        self.joined.get().expect("somebody has joined")
    }
}

/// Two shards and a room that the second one owns.
pub(super) struct Pair {
    /// Where the members are.
    pub(super) edge: House,
    /// Where the room is.
    pub(super) owner: House,
}

impl Pair {
    /// So many members on the shard that does not own the room, which must be [`Pair::room`].
    pub(super) fn of(members: u64, room: RoomName<'_>) -> Self {
        let [edge, owner] = [0, 1].map(|id| House::one_of(ShardId(id), 2, 0, Namespace::default()));
        let mut pair = Self { edge, owner };
        for number in 0..members {
            let member = pair.edge.open(number);
            pair.edge.members.push(member);
            pair.command(member, &join(room, None));
        }
        pair.edge.drain();
        pair
    }

    /// The name of a room that the second of two shards owns.
    pub(super) fn room() -> String {
        let is_theirs = |name: &String| RoomHandle::of(&KEY, name).slot() % 2 == 1;
        (0..).map(|number| format!("room-{number}")).find(is_theirs).expect("half of all names are")
    }

    /// A command of one of the edge's sessions, and everything that follows from it.
    pub(super) fn command(&mut self, session: SessionKey, command: &Command<'_>) {
        self.edge.command(session, command);
        self.carry();
    }

    /// Carries everything that one shard says to the other, as the rings do, until nothing is said.
    fn carry(&mut self) {
        let (edge, owner) = (ShardId(0), ShardId(1));
        loop {
            let (request, delivery) = (
                self.edge.shard.poll_request(Way::Shard(owner)),
                self.owner.shard.poll_delivery(Way::Shard(edge)),
            );
            if request.is_none() && delivery.is_none() {
                break;
            }
            if let Some(request) = request {
                self.owner.shard.handle_request(self.owner.now, EdgeId::here(edge), request);
            }
            if let Some(delivery) = delivery {
                self.edge.shard.handle_delivery(self.edge.now, PeerId::HERE, delivery);
            }
        }
    }
}

pub(super) fn identity(number: u64, expires: Option<UnixMicros>) -> Identity {
    Identity {
        user: format!("user-{number}").into(),
        anonymous: false,
        grants: Vec::new(),
        info: None,
        expires,
    }
}

/// The room of a [`House`].
pub(super) fn room() -> RoomName<'static> {
    RoomName::new("lobby").expect("a valid name")
}

pub(super) fn join(room: RoomName<'_>, since: Option<Since>) -> Command<'_> {
    Command::Join(Join {
        id: RequestId::new(1),
        room,
        since,
        versions: Vec::new(),
        presence: false,
        stream: false,
    })
}

pub(super) fn leave(room: RoomName<'_>) -> Command<'_> {
    Command::Leave(Leave { id: RequestId::new(2), room })
}

/// A publication that wants no answer; on the latest lane it has that key.
pub(super) fn publication<'a>(room: RoomName<'a>, lane: Lane, key: &'a str) -> Command<'a> {
    Command::Publish(Publish {
        id: None,
        room,
        body: Body { kind: BodyKind::Bytes, bytes: &BODY },
        lane,
        key: (lane == Lane::Latest).then_some(key),
        msg_id: None,
        retry: None,
        echo: true,
    })
}
