//! Commands as clients of the simulator hold them: owned, until the edge takes them.

use ringway_protocol::command::{
    Command, Hello, History, HistoryFrom, Join, JoinMany, KnownVersion, Leave, Presence, Publish, Since,
};
use ringway_protocol::{Body, BodyKind, Lane, Position, RequestId, RoomName, Version};

/// One room of a join.
#[derive(Clone, Debug)]
pub struct JoinAsk {
    /// The request's number.
    pub id: u32,
    /// Which room.
    pub room: usize,
    /// Where to recover from.
    pub since: Option<Since>,
    /// Values held: user, key, version.
    pub versions: Vec<(String, String, u64)>,
    /// Whether presence is wanted.
    pub presence: bool,
    /// Whether a stream is wanted.
    pub stream: bool,
}

/// One publish.
#[derive(Clone, Debug)]
pub struct PublishAsk {
    /// The request's number, if an answer is wanted.
    pub id: Option<u32>,
    /// Number of the intent.
    pub intent: usize,
    /// Which room.
    pub room: usize,
    /// How it travels.
    pub lane: Lane,
    /// Its key.
    pub key: Option<String>,
    /// Idempotency.
    pub msg_id: Option<Vec<u8>>,
    /// Position when it was first sent.
    pub retry: Option<Position>,
    /// Whether the publisher wants it back.
    pub echo: bool,
    /// The body; `None` removes the key.
    pub body: Option<Vec<u8>>,
}

impl PublishAsk {
    /// As the wire's vocabulary has it.
    #[must_use]
    pub fn publish<'a>(&'a self, rooms: &'a [String]) -> Publish<'a> {
        Publish {
            id: self.id.and_then(RequestId::new),
            room: name(rooms, self.room),
            body: self.body.as_ref().map_or(Body::default(), |bytes| Body { kind: BodyKind::Bytes, bytes }),
            lane: self.lane,
            key: self.key.as_deref(),
            msg_id: self.msg_id.as_deref(),
            retry: self.retry,
            echo: self.echo,
        }
    }
}

/// What a client says.
#[derive(Clone, Debug)]
pub enum Ask {
    /// `join`.
    Join(JoinAsk),
    /// `join_many`, all with this number.
    JoinMany(u32, Vec<JoinAsk>),
    /// `leave`, without a number: no answer.
    Leave(Option<u32>, usize),
    /// `publish`.
    Publish(PublishAsk),
    /// `history`.
    History(u32, usize, HistoryFrom, u32),
    /// `presence`.
    Presence(u32, usize, Option<u64>),
    /// `ping`.
    Ping(u32),
    /// A second `hello`.
    Hello(u32),
    /// A newer token; handled beside the commands.
    Refresh(u32, u64),
    /// A frame that did not decode; handled beside the commands.
    Garbage,
}

impl Ask {
    /// Shows the command to `use_it`; `None` for what is no command to the core.
    pub fn with_command<R>(&self, rooms: &[String], use_it: impl FnOnce(&Command<'_>) -> R) -> Option<R> {
        let id = |number: u32| RequestId::new(number);
        let command = match self {
            Self::Join(ask) => Command::Join(join(ask, rooms)),
            Self::JoinMany(number, asks) => Command::JoinMany(JoinMany {
                id: id(*number),
                rooms: asks.iter().map(|ask| join(ask, rooms)).collect(),
            }),
            Self::Leave(number, room) => {
                Command::Leave(Leave { id: number.and_then(id), room: name(rooms, *room) })
            }
            Self::Publish(ask) => Command::Publish(ask.publish(rooms)),
            Self::History(number, room, from, limit) => Command::History(History {
                id: id(*number),
                room: name(rooms, *room),
                from: *from,
                limit: *limit,
            }),
            Self::Presence(number, room, cursor) => {
                Command::Presence(Presence { id: id(*number), room: name(rooms, *room), cursor: *cursor })
            }
            Self::Ping(number) => Command::Ping { id: id(*number) },
            Self::Hello(number) => Command::Hello(Hello { id: id(*number), protocol: 1, ..Hello::default() }),
            Self::Refresh(..) | Self::Garbage => return None,
        };
        Some(use_it(&command))
    }
}

fn name(rooms: &[String], room: usize) -> RoomName<'_> {
    RoomName::new(&rooms[room]).expect("the plan names rooms well")
}

fn join<'a>(ask: &'a JoinAsk, rooms: &'a [String]) -> Join<'a> {
    Join {
        id: RequestId::new(ask.id),
        room: name(rooms, ask.room),
        since: ask.since,
        versions: ask
            .versions
            .iter()
            .map(|(user, key, version)| KnownVersion {
                user: (!user.is_empty()).then_some(user.as_str()),
                key,
                version: Version(*version),
            })
            .collect(),
        presence: ask.presence,
        stream: ask.stream,
    }
}
