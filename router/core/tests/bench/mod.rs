//! A few shards in virtual time, with rings that never fill and transports that take what they are offered, unless a
//! test says otherwise. Frames are sentences.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use ringway_cluster::{Slot, Term};
use ringway_core::settings::{Limits, Namespace};
use ringway_core::{
    ClusterUpdate, Departure, EdgeId, Encoder, Holder, Identity, Monotonic, Now, Open, Output, Part, PeerId,
    Route, SessionKey, Settings, Shard, ShardConfig, ShardId, SlotWord, Taken, Task, Told, Via, Way,
};
use ringway_protocol::command::{Command, Join, Leave, Publish, Since};
use ringway_protocol::event::Place;
use ringway_protocol::{
    Body, BodyKind, ClusterKey, Epoch, Event, Format, Generation, Lane, Offset, Position, RequestId,
    RoomHandle, RoomName, SessionId, UnixMicros, Version,
};

pub const KEY: ClusterKey = ClusterKey([3; 16]);

/// A frame: its sentence, and whether its JSON form was made.
pub struct Sentence {
    text: String,
    json: Cell<bool>,
}

#[derive(Default)]
pub struct Sentences;

impl Encoder for Sentences {
    type Frame = Rc<Sentence>;
    type Shared = (String, bool);

    fn reply(&mut self, event: &Event<'_>, format: Format) -> Rc<Sentence> {
        Rc::new(Sentence { text: sentence(event), json: Cell::new(format == Format::Json) })
    }

    fn broadcast(&mut self, event: &Event<'_>) -> Rc<Sentence> {
        Rc::new(Sentence { text: sentence(event), json: Cell::new(false) })
    }

    fn prepare(&mut self, frame: &Rc<Sentence>, format: Format, _room: &str) {
        if format == Format::Json {
            frame.json.set(true);
        }
    }

    fn bytes(frame: &Rc<Sentence>, format: Format) -> usize {
        if format == Format::Json && !frame.json.get() { 0 } else { frame.text.len() }
    }

    fn bytes_held(frame: &Rc<Sentence>) -> usize {
        frame.text.len()
    }

    fn share(frame: &Rc<Sentence>) -> (String, bool) {
        (frame.text.clone(), frame.json.get())
    }

    fn adopt((text, json): (String, bool)) -> Rc<Sentence> {
        Rc::new(Sentence { text, json: Cell::new(json) })
    }
}

fn body(body: &Body<'_>) -> String {
    match body.kind {
        BodyKind::None => "nothing".into(),
        _ => String::from_utf8_lossy(body.bytes).into_owned(),
    }
}

fn place(place: Place) -> String {
    match place {
        Place::Offset(offset) => format!("#{offset}"),
        Place::Version(version) => format!("v{}", version.0 & 0xff_ffff_ffff),
    }
}

/// The newest version of a room that had any.
fn floor(version: Version) -> String {
    match version.0 & 0xff_ffff_ffff {
        0 => String::new(),
        counter => format!(", above v{counter}"),
    }
}

fn names(members: &[ringway_protocol::event::Member<'_>]) -> String {
    members.iter().map(|member| member.user).collect::<Vec<_>>().join(",")
}

/// What an event says, short enough to compare in a test.
fn sentence(event: &Event<'_>) -> String {
    match event {
        Event::Welcome(welcome) => format!("welcome {}", welcome.user),
        Event::Refreshed { .. } => "refreshed".into(),
        Event::Joined(joined) => {
            let recovered = if joined.recovered { "recovered" } else { "not recovered" };
            let (offset, replay, count) = (joined.position.offset, joined.replay, joined.count);
            format!(
                "joined {} at #{offset}, {recovered}, replay {replay}, {count}: {}{}",
                joined.room,
                names(&joined.members),
                floor(joined.version)
            )
        }
        Event::Left { room, .. } => format!("left {room}"),
        Event::Published(published) => {
            let duplicate = if published.duplicate { " duplicate" } else { "" };
            format!("published {}{duplicate}", place(published.place))
        }
        Event::History(page) => format!("history of {}, more {}", page.replay, page.more),
        Event::Presence(page) => {
            let partial = if page.partial { " or more" } else { "" };
            format!("presence {}{partial}: {}", page.count, names(&page.members))
        }
        Event::Pong { .. } => "pong".into(),
        Event::Message(message) => {
            let key = message.key.map_or(String::new(), |key| format!(" {key}"));
            format!("{}{key} {}", place(message.place), body(&message.body))
        }
        Event::PresenceChanged(changed) => {
            format!(
                "presence now {}, came {}, went {}",
                changed.count,
                names(&changed.joined),
                names(&changed.left)
            )
        }
        Event::Gap { from, to, .. } => format!("gap #{from}-#{to}"),
        Event::Reset { reason, version, .. } => format!("reset: {reason}{}", floor(*version)),
        Event::Error(error) => format!("error {}", error.code.name()),
        Event::Closing { code, .. } => format!("closing {code}"),
    }
}

/// What a transport has beside one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    pub values_apart: bool,
    pub room_streams: bool,
}

/// A session somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub shard: usize,
    pub key: SessionKey,
}

pub struct World {
    pub shards: Vec<Shard<Sentences>>,
    pub now: Now,
    pub outputs: Vec<Output>,
    pub given: Arc<Settings>,
    /// Each shard is a node of its own, and these links between them are cut.
    pub apart: Option<BTreeSet<(usize, usize)>>,
    sessions: u64,
}

impl World {
    pub fn new(shards: u16) -> Self {
        Self::with(shards, Namespace::default(), Limits::default())
    }

    pub fn with(shards: u16, namespace: Namespace, limits: Limits) -> Self {
        let settings = Arc::new(Settings {
            namespaces: [("default".to_owned(), namespace)].into(),
            limits,
            node: "node".into(),
            heartbeat_ms: 25_000,
        });
        let config = |id| ShardConfig {
            id: ShardId(id),
            shards,
            key: KEY,
            seed: u64::from(id),
            route: ShardConfig::ALONE,
        };
        Self {
            shards: (0..shards).map(|id| Shard::new(config(id), settings.clone(), Sentences)).collect(),
            now: Now { monotonic: Monotonic(1_000_000), unix: UnixMicros(1_700_000_000_000_000) },
            outputs: Vec::new(),
            given: settings,
            apart: None,
            sessions: 0,
        }
    }

    /// Nodes with one shard each, linked with each other; nobody owns anything yet.
    pub fn nodes(count: usize, namespace: Namespace) -> Self {
        let mut world = Self::with(1, namespace, Limits::default());
        world.shards = (0..count)
            .map(|node| {
                let config = ShardConfig {
                    id: ShardId(0),
                    shards: 1,
                    key: KEY,
                    seed: 100 + node as u64,
                    route: Part::UNKNOWN,
                };
                Shard::new(config, world.given.clone(), Sentences)
            })
            .collect();
        world.apart = Some(BTreeSet::new());
        for from in 0..count {
            for to in (0..count).filter(|to| *to != from) {
                world.shards[from].handle_peer(world.now, peer(to), true);
            }
        }
        world
    }

    pub fn open(&mut self, shard: usize, user: &str) -> Client {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.open_as(shard, user, session, Generation(1), Format::Binary)
    }

    pub fn open_as(
        &mut self,
        shard: usize,
        user: &str,
        session: SessionId,
        generation: Generation,
        format: Format,
    ) -> Client {
        self.open_on(shard, user, session, generation, format, Ways::default())
    }

    /// A session whose values leave apart and whose rooms can have streams.
    pub fn open_with_ways(&mut self, shard: usize, user: &str) -> Client {
        self.sessions += 1;
        let ways = Ways { values_apart: true, room_streams: true };
        self.open_on(shard, user, SessionId(self.sessions), Generation(1), Format::Binary, ways)
    }

    pub fn open_on(
        &mut self,
        shard: usize,
        user: &str,
        session: SessionId,
        generation: Generation,
        format: Format,
        ways: Ways,
    ) -> Client {
        let identity =
            Identity { user: user.into(), anonymous: false, grants: Vec::new(), info: None, expires: None };
        let open = Open {
            id: None,
            session,
            generation,
            identity,
            format,
            resume: "",
            connection: 0,
            values_apart: ways.values_apart,
            room_streams: ways.room_streams,
        };
        let key = self.shards[shard].handle_open(self.now, open).expect("the shard has room");
        let client = Client { shard, key };
        assert_eq!(self.read(client), [format!("welcome {user}")]);
        client
    }

    pub fn send(&mut self, client: Client, command: &Command<'_>) {
        self.shards[client.shard].handle_command(self.now, client.key, command).expect("nothing blocks");
        self.run();
    }

    pub fn join(&mut self, client: Client, room: &str, since: Option<Since>) {
        self.send(client, &join(room, since));
    }

    pub fn leave(&mut self, client: Client, room: &str) {
        let room = RoomName::new(room).expect("a valid name");
        self.send(client, &Command::Leave(Leave { id: RequestId::new(1), room }));
    }

    pub fn publish(&mut self, client: Client, room: &str, text: &str) {
        self.send(client, &Command::Publish(publish(room, text)));
    }

    pub fn drop(&mut self, client: Client, departure: Departure) {
        self.shards[client.shard].handle_close(self.now, client.key, departure);
        self.run();
    }

    /// Lets time pass.
    pub fn advance_ms(&mut self, milliseconds: u64) {
        self.now.monotonic = self.now.monotonic.plus_ms(milliseconds);
        self.now.unix.0 += milliseconds * 1_000;
        for shard in &mut self.shards {
            if shard.poll_timeout().is_some_and(|at| at <= self.now.monotonic) {
                shard.handle_timeout(self.now);
            }
        }
        self.run();
    }

    /// Carries everything between shards until nobody has anything to say.
    pub fn run(&mut self) {
        if self.apart.is_some() {
            self.run_links();
            return self.collect();
        }
        let count = self.shards.len() as u16;
        loop {
            let mut moved = false;
            for from in 0..count {
                for to in (0..count).filter(|to| *to != from) {
                    let (from_id, to_id) = (ShardId(from), ShardId(to));
                    while let Some(request) = self.shards[from as usize].poll_request(Way::Shard(to_id)) {
                        self.shards[to as usize].handle_request(self.now, EdgeId::here(from_id), request);
                        moved = true;
                    }
                    while let Some(delivery) = self.shards[from as usize].poll_delivery(Way::Shard(to_id)) {
                        let delivery: Told<_> = delivery;
                        self.shards[to as usize].handle_delivery(self.now, PeerId::HERE, delivery);
                        moved = true;
                    }
                }
            }
            if !moved {
                break;
            }
        }
        self.collect();
    }

    fn collect(&mut self) {
        for shard in &mut self.shards {
            while let Some(output) = shard.poll_output() {
                self.outputs.push(output);
            }
        }
    }

    /// Carries everything between nodes until nobody has anything to say; what is said over a cut link stays.
    fn run_links(&mut self) {
        let count = self.shards.len();
        loop {
            let mut moved = false;
            for from in 0..count {
                for to in (0..count).filter(|to| *to != from) {
                    moved |= self.carry(from, to, usize::MAX) > 0;
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// Carries at most so many messages of each kind from one node to another.
    pub fn carry(&mut self, from: usize, to: usize, most: usize) -> usize {
        if self.apart.as_ref().is_some_and(|cut| cut.contains(&(from, to))) {
            return 0;
        }
        let way = Way::Peer(peer(to));
        let (mut requests, mut deliveries) = (0, 0);
        while requests < most
            && let Some(asked) = self.shards[from].poll_request(way)
        {
            let edge = EdgeId { peer: peer(from), shard: ShardId(0) };
            self.shards[to].handle_request(self.now, edge, asked);
            requests += 1;
        }
        while deliveries < most
            && let Some(told) = self.shards[from].poll_delivery(way)
        {
            self.shards[to].handle_delivery(self.now, peer(from), told);
            deliveries += 1;
        }
        requests + deliveries
    }

    /// Every node hears of this map; tasks go to the node that they are for.
    pub fn map(&mut self, slot: u16, owner: Option<usize>, term: u64, tasks: &[(usize, Task)]) {
        let slot = Slot::new(slot).expect("a slot");
        for node in 0..self.shards.len() {
            let holder = match owner {
                Some(owner) if owner == node => Holder::Here,
                Some(owner) => Holder::Peer(peer(owner)),
                None => Holder::Nobody,
            };
            let routes = vec![(slot, Route { holder, term: Term(term) })];
            let tasks = tasks.iter().filter(|(of, _)| *of == node).map(|(_, task)| *task).collect();
            self.shards[node].handle_cluster(self.now, &ClusterUpdate { routes, tasks });
        }
    }

    /// The link between two nodes breaks with what is on it, or is there again.
    pub fn link(&mut self, one: usize, other: usize, up: bool) {
        for (here, there) in [(one, other), (other, one)] {
            self.shards[here].handle_peer(self.now, peer(there), up);
        }
        self.run();
    }

    /// A node is gone for all others.
    pub fn crash(&mut self, node: usize) {
        for other in (0..self.shards.len()).filter(|other| *other != node) {
            self.shards[other].handle_peer(self.now, peer(node), false);
            for pair in [(node, other), (other, node)] {
                self.apart.as_mut().expect("nodes").insert(pair);
            }
        }
        self.run();
    }

    /// What owners said to the cluster since the last question.
    pub fn words(&mut self) -> Vec<SlotWord> {
        let word = |output: Output| match output {
            Output::Slot { word, .. } => Some(word),
            _ => None,
        };
        core::mem::take(&mut self.outputs).into_iter().filter_map(word).collect()
    }

    /// Everything the session gets now, as long as more comes.
    pub fn read(&mut self, client: Client) -> Vec<String> {
        let mut sentences = Vec::new();
        loop {
            let some = self.read_bytes(client, usize::MAX, u64::MAX);
            if some.is_empty() {
                return sentences;
            }
            sentences.extend(some);
            self.run();
        }
    }

    /// Everything that the streams carry, with the one of each.
    pub fn read_vias(&mut self, client: Client) -> Vec<(Via, String)> {
        let shard = &mut self.shards[client.shard];
        let mut frames = Vec::new();
        let offered = shard.poll_transmit(client.key, usize::MAX, &mut |frame, _, via| {
            frames.push((via, frame.text.clone()));
        });
        shard.on_written(self.now, client.key, offered);
        self.run();
        frames
    }

    /// Offers the values that leave apart; `take` says what becomes of each.
    pub fn read_values(&mut self, client: Client, mut take: impl FnMut(&str) -> Taken) {
        let now = self.now;
        self.shards[client.shard].poll_values(now, client.key, &mut |frame, _, _| take(&frame.text));
        self.run();
    }

    /// One offer of up to `bytes_max`, of which the transport takes `bytes`.
    pub fn read_bytes(&mut self, client: Client, bytes_max: usize, bytes: u64) -> Vec<String> {
        let shard = &mut self.shards[client.shard];
        let mut sentences = Vec::new();
        let offered = shard.poll_transmit(client.key, bytes_max, &mut |frame, _, _| {
            sentences.push(frame.text.clone());
        });
        shard.on_written(self.now, client.key, bytes.min(offered));
        sentences
    }

    pub fn waiting(&self, client: Client) -> u64 {
        self.shards[client.shard].waiting(client.key).bytes
    }

    /// A name of a room that this shard owns.
    pub fn room_on(&self, shard: u16) -> String {
        (0..).map(|n| format!("room-{n}")).find(|name| self.owner(name) == shard).expect("names never end")
    }

    pub fn owner(&self, room: &str) -> u16 {
        self.shards[0].home_of(RoomHandle::of(&KEY, room)).0
    }

    pub fn closes(&self) -> Vec<u16> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Close(close) => Some(close.code),
                _ => None,
            })
            .collect()
    }
}

/// The number of a node, the same everywhere.
pub fn peer(node: usize) -> PeerId {
    PeerId(node as u16 + 1)
}

pub fn join(room: &str, since: Option<Since>) -> Command<'_> {
    let room = RoomName::new(room).expect("a valid name");
    Command::Join(Join {
        id: RequestId::new(1),
        room,
        since,
        versions: Vec::new(),
        presence: false,
        stream: false,
    })
}

/// The same, with a stream for the room.
pub fn join_streamed(room: &str) -> Command<'_> {
    match join(room, None) {
        Command::Join(join) => Command::Join(Join { stream: true, ..join }),
        other => other,
    }
}

pub fn publish<'a>(room: &'a str, text: &'a str) -> Publish<'a> {
    Publish {
        id: None,
        room: RoomName::new(room).expect("a valid name"),
        body: Body { kind: BodyKind::Text, bytes: text.as_bytes() },
        lane: Lane::Reliable,
        key: None,
        msg_id: None,
        retry: None,
        echo: true,
    }
}

pub fn latest<'a>(room: &'a str, key: &'a str, text: &'a str) -> Command<'a> {
    Command::Publish(Publish { lane: Lane::Latest, key: Some(key), ..publish(room, text) })
}

pub fn since(epoch: Epoch, offset: u64) -> Option<Since> {
    Some(Since::Position(Position { epoch, offset: Offset(offset) }))
}
