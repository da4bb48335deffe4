//! What one seed makes of the world: how large, under which settings, with which faults. Swarm testing: each seed turns
//! on a random subset, so that rare combinations meet and common ones don't hide them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringway_core::settings::{
    Admission, KeyScope, Limits, Namespace, Overflow, PresenceMode, SenderMode, Settings,
};

use crate::random::Random;

/// Faults that a seed turns on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Clients that read slowly.
    pub slow_readers: bool,
    /// Clients that stop reading for a while.
    pub stalls: bool,
    /// Connections that break.
    pub drops: bool,
    /// Resumes while the older connection is still open.
    pub races: bool,
    /// Shards that sleep though their rings have items.
    pub late_bells: bool,
    /// Clients that say much at once.
    pub floods: bool,
    /// Operators that disconnect, drain, reload, reset.
    pub operators: bool,
    /// Tokens that end.
    pub expiry: bool,
    /// Nonsense: wrong states, extreme numbers, other lanes' fields.
    pub nonsense: bool,
    /// Time that jumps by seconds.
    pub leaps: bool,
}

/// What a transport with several ways does to what it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Each stream, and each value apart, arrives in its own time.
    pub delays: bool,
    /// Values that may be lost are lost, or come twice.
    pub loss: bool,
    /// Values that can't leave now.
    pub no_credit: bool,
    /// Values that find no way of their own.
    pub no_way: bool,
    /// Values that end what is under way of their key.
    pub resets: bool,
    /// Rooms that find no stream.
    pub few_streams: bool,
}

/// One seed's world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Shards of the node.
    pub shards: u16,
    /// Capacity of every ring.
    pub ring_capacity: usize,
    /// Everybody is in the first room from the first step on: more than are told of one by one.
    pub crowd: bool,
    /// Clients.
    pub clients: usize,
    /// Different users among them.
    pub users: usize,
    /// Room names.
    pub rooms: Vec<String>,
    /// Settings at the start.
    pub settings: Arc<Settings>,
    /// What goes wrong.
    pub faults: Faults,
    /// Weights of what clients do, by [`ACTS`].
    pub acts: Vec<u64>,
    /// Largest padding of a body.
    pub padding_max: u64,
    /// Percent of clients that are run by the protocol's own session machine.
    pub polite_percent: u64,
    /// Percent of clients that speak JSON.
    pub json_percent: u64,
    /// Bytes of a transport's buffer.
    pub pipe_capacity: u64,
    /// Percent of binary connections whose values leave apart from the stream.
    pub apart_percent: u64,
    /// Percent of those on which rooms can have streams of their own.
    pub streams_percent: u64,
    /// What such transports do.
    pub paths: Paths,
}

/// What a client may do next; the order of [`Plan::acts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Publish on any lane.
    Publish,
    /// Join a room.
    Join,
    /// Join several at once.
    JoinMany,
    /// Leave a room.
    Leave,
    /// Leave and join in one breath.
    Rejoin,
    /// A page of history.
    History,
    /// A page of presence.
    Presence,
    /// A ping.
    Ping,
    /// A goodbye.
    Goodbye,
    /// Something that makes no sense.
    Nonsense,
}

/// All acts, as [`Plan::acts`] weighs them.
pub const ACTS: [Act; 10] = [
    Act::Publish,
    Act::Join,
    Act::JoinMany,
    Act::Leave,
    Act::Rejoin,
    Act::History,
    Act::Presence,
    Act::Ping,
    Act::Goodbye,
    Act::Nonsense,
];

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn new(random: &mut Random) -> Self {
        let faults = faults(random);
        let mut namespaces: BTreeMap<_, _> =
            ["a", "b", "c"].iter().map(|name| ((*name).to_owned(), namespace(random))).collect();
        let room_count = random.pick(&[1, 1, 2, 3, 5, 8]);
        let rooms =
            (0..room_count).map(|number| format!("{}:{number}", random.pick(&["a", "b", "c"]))).collect();
        let crowd = random.chance(15);
        let clients = if crowd { 300 } else { random.pick(&[2, 3, 5, 8, 12, 20]) };
        let mut acts = vec![40, 12, 3, 4, 3, 3, 3, 2, 1, 0];
        for weight in &mut acts {
            *weight *= random.pick(&[0, 1, 1, 2, 4]);
        }
        acts[0] = acts[0].max(20);
        acts[1] = acts[1].max(6);
        acts[9] = if faults.nonsense { 3 } else { 0 };
        let mut limits = limits(random);
        if crowd {
            limits.sessions_max = 10_000;
            for policy in namespaces.values_mut() {
                policy.members_max = 100_000;
                policy.join = Admission::Anyone;
            }
        }
        let settings = Settings { namespaces, limits, node: "sim".into(), heartbeat_ms: 25_000 };
        Self {
            shards: random.within(1, 4) as u16,
            crowd,
            ring_capacity: random.pick(&[1, 1, 2, 2, 3, 16, 256]),
            clients,
            users: random.within(1, clients as u64) as usize,
            rooms,
            settings: Arc::new(settings),
            faults,
            acts,
            padding_max: random.pick(&[0, 20, 200, 200, 2_000]),
            polite_percent: if crowd { 0 } else { random.pick(&[0, 0, 30, 100]) },
            json_percent: random.pick(&[0, 0, 30, 50, 100]),
            pipe_capacity: random.pick(&[200, 1_000, 4_096, 65_536]),
            apart_percent: random.pick(&[0, 0, 30, 60, 100]),
            streams_percent: random.pick(&[0, 50, 80, 100]),
            paths: paths(random),
        }
    }
}

fn faults(random: &mut Random) -> Faults {
    let mut on = || random.chance(400);
    Faults {
        slow_readers: on(),
        stalls: on(),
        drops: on(),
        races: on(),
        late_bells: on(),
        floods: on(),
        operators: on(),
        expiry: on(),
        nonsense: on(),
        leaps: on(),
    }
}

fn paths(random: &mut Random) -> Paths {
    let mut on = || random.chance(500);
    Paths { delays: on(), loss: on(), no_credit: on(), no_way: on(), resets: on(), few_streams: on() }
}

fn limits(random: &mut Random) -> Limits {
    let tight = random.chance(150);
    Limits {
        frame_bytes_max: 65_536,
        sessions_max: if random.chance(100) { 3 } else { 10_000 },
        rooms_max: if random.chance(60) { 2 } else { 10_000 },
        session_rooms_max: random.pick(&[2, 100, 100, 100]),
        outbox_bytes_max: random.pick(&[2_048, 2_048, 8_192, 65_536, 1_048_576]),
        outbox_age_ms_max: random.pick(&[300, 2_000, 10_000]),
        shard_bytes_max: random.pick(&[20_000, 200_000, 1 << 31, 1 << 31]),
        work_per_s: if tight { 20 } else { 1_000_000 },
        work_burst: if tight { 30 } else { 2_000_000 },
        refusals_max: random.pick(&[3, 1_000]),
    }
}

fn namespace(random: &mut Random) -> Namespace {
    let admission = |random: &mut Random| {
        random.pick(&[
            Admission::Anyone,
            Admission::Anyone,
            Admission::Anyone,
            Admission::Anyone,
            Admission::Users,
            Admission::Granted,
        ])
    };
    let sender = random.pick(&[SenderMode::User, SenderMode::User, SenderMode::Session]);
    // Users' own keys can't be told apart by who is not told of users.
    let key_scope = if sender == SenderMode::Session {
        KeyScope::Room
    } else {
        random.pick(&[KeyScope::User, KeyScope::Room])
    };
    Namespace {
        join: admission(random),
        publish: admission(random),
        reliable: !random.chance(40),
        latest: !random.chance(100),
        unreliable: !random.chance(100),
        presence: random.pick(&[
            PresenceMode::Off,
            PresenceMode::Count,
            PresenceMode::List,
            PresenceMode::List,
        ]),
        member_info: random.chance(300),
        sender,
        key_scope,
        key_ttl_ms: random.pick(&[0, 0, 300, 3_000]),
        history_count_max: random.pick(&[0, 1, 5, 5, 30, 1_000]),
        history_bytes_max: random.pick(&[600, 5_000, 4 << 20, 4 << 20]),
        history_age_ms_max: random.pick(&[200, 3_000, 300_000]),
        overflow: random.pick(&[Overflow::Close, Overflow::DropOldest]),
        members_max: random.pick(&[2, 5, 100_000, 100_000]),
        detach_ms: random.pick(&[0, 50, 1_000, 5_000]),
        idle_ms: random.pick(&[50, 1_000, 10_000]),
        replicas: 1,
    }
}

/// Settings of a reload: other bounds, the same rules about who sees what.
#[must_use]
pub fn reloaded(settings: &Settings, random: &mut Random) -> Settings {
    let mut next = settings.clone();
    next.limits = limits(random);
    for policy in next.namespaces.values_mut() {
        let drawn = namespace(random);
        policy.history_count_max = drawn.history_count_max;
        policy.history_bytes_max = drawn.history_bytes_max;
        policy.history_age_ms_max = drawn.history_age_ms_max;
        policy.key_ttl_ms = if policy.key_ttl_ms == 0 { 0 } else { drawn.key_ttl_ms.max(100) };
        policy.members_max = drawn.members_max;
        policy.detach_ms = drawn.detach_ms;
        policy.idle_ms = drawn.idle_ms;
        policy.join = drawn.join;
        policy.publish = drawn.publish;
    }
    next
}
