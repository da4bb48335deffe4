//! What one seed makes of a cluster: how large, how far apart, with which faults. Swarm testing: each seed turns on a
//! random subset.
//!
//! Delay is always there, and so are streams that overtake each other. A link's streams are in order and lose nothing, as QUIC's:
//! what is lost is lost with its connection, and no frame comes twice. (One that does is a [lie](super::Lie::Twice), and found out.) Clocks run
//! apart by up to 5 % either way.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringway_core::settings::{Limits, Namespace, Settings};

use crate::random::Random;

/// Faults that a seed turns on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Links that break and come back.
    pub breaks: bool,
    /// Nodes that don't hear each other, in one direction or both.
    pub cuts: bool,
    /// Nodes that don't reach the coordinator, or don't hear it.
    pub coordinator_cuts: bool,
    /// A coordinator that answers nobody.
    pub outages: bool,
    /// Answers of the coordinator that are lost, and transactions that come late.
    pub lost_answers: bool,
    /// Nodes that stand still.
    pub pauses: bool,
    /// Nodes that stand still in the middle of a turn.
    pub turn_pauses: bool,
    /// Nodes that crash and start again.
    pub crashes: bool,
    /// Of those, some without what they remembered.
    pub lost_disks: bool,
    /// Nodes that are drained, one after the other.
    pub drains: bool,
    /// Nodes that start late.
    pub late_starts: bool,
    /// Clients whose connection breaks.
    pub drops: bool,
    /// Clients that leave and come back.
    pub leaves: bool,
    /// Links that take little at a time.
    pub slow_links: bool,
    /// Shards that wake late.
    pub late_turns: bool,
    /// A coordinator that forgets old changes.
    pub compaction: bool,
    /// Some nodes that hear nothing of the others, nor of the coordinator, for a while.
    pub partitions: bool,
    /// Disks that take their time.
    pub slow_disks: bool,
}

/// One room.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its name.
    pub name: String,
    /// On how many nodes its publications are before anybody hears of them.
    pub replicas: u8,
}

/// One seed's cluster.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Shards of each node.
    pub shards: Vec<u16>,
    /// How much faster each node's clock runs, in millionths.
    pub drift_ppm: Vec<i64>,
    /// Whether slots have standbys.
    pub replicas: u8,
    /// Rooms.
    pub rooms: Vec<Room>,
    /// Clients.
    pub clients: usize,
    /// Publishes that a client has under way in one room.
    pub pipeline: usize,
    /// Per thousand of publishes that carry a `msg_id`.
    pub msg_ids: u64,
    /// Time between two acts of a client at most, in microseconds.
    pub act_us: u64,
    /// Capacity of every ring.
    pub ring_capacity: usize,
    /// Frames under way on one link in one direction.
    pub link_capacity: usize,
    /// One way between nodes, in microseconds: at least and at most.
    pub latency_us: (u64, u64),
    /// One way to the coordinator, in microseconds: at least and at most.
    pub coordinator_us: (u64, u64),
    /// After how long a silent link is given up, in microseconds.
    pub idle_us: u64,
    /// Time between two faults at most, in microseconds.
    pub fault_us: u64,
    /// Settings of all nodes.
    pub settings: Arc<Settings>,
    /// What goes wrong.
    pub faults: Faults,
}

impl Plan {
    /// The plan of a seed. What was thought of later draws from `extra`, so that older seeds are what they were.
    #[must_use]
    pub fn new(random: &mut Random, extra: &mut Random) -> Self {
        let faults = faults(random, extra);
        let nodes = random.pick(&[2, 2, 3, 3, 3, 4, 5]);
        let replicas = random.pick(&[1, 2, 2, 2]);
        let mut namespaces = BTreeMap::new();
        for (name, replicas) in [("one", 1), ("two", 2)] {
            namespaces.insert(name.to_owned(), namespace(random, replicas));
        }
        let rooms = (0..random.pick(&[1, 2, 3, 6]))
            .map(|number| {
                let (name, replicas) = random.pick(&[("one", 1), ("two", replicas), ("two", replicas)]);
                Room { name: format!("{name}:{number}"), replicas }
            })
            .collect();
        let limits = Limits { work_per_s: 1_000_000, work_burst: 2_000_000, ..Limits::default() };
        let settings = Settings { namespaces, limits, node: "sim".into(), heartbeat_ms: 25_000 };
        Self {
            shards: (0..nodes).map(|_| random.within(1, 3) as u16).collect(),
            drift_ppm: (0..nodes).map(|_| random.within(0, 100_000) as i64 - 50_000).collect(),
            replicas,
            rooms,
            clients: random.pick(&[2, 3, 5, 8]),
            pipeline: random.pick(&[1, 3, 8, 8]),
            msg_ids: random.pick(&[0, 500, 1_000, 1_000]),
            act_us: random.pick(&[20_000, 100_000, 100_000, 500_000]),
            ring_capacity: random.pick(&[1, 2, 256]),
            link_capacity: if faults.slow_links { random.pick(&[32, 128]) } else { 1 << 20 },
            latency_us: random.pick(&[(50, 100), (100, 2_000), (500, 20_000), (5_000, 60_000)]),
            coordinator_us: random.pick(&[(100, 1_000), (1_000, 10_000), (5_000, 80_000)]),
            idle_us: random.pick(&[500_000, 1_000_000, 3_000_000]),
            fault_us: random.pick(&[500_000, 2_000_000, 4_000_000]),
            settings: Arc::new(settings),
            faults,
        }
    }
}

fn faults(random: &mut Random, extra: &mut Random) -> Faults {
    if random.chance(30) {
        return Faults::default();
    }
    let mut on = || random.chance(350);
    Faults {
        breaks: on(),
        cuts: on(),
        coordinator_cuts: on(),
        outages: on(),
        lost_answers: on(),
        pauses: on(),
        turn_pauses: on(),
        crashes: on(),
        lost_disks: on(),
        drains: on(),
        late_starts: on(),
        drops: on(),
        leaves: on(),
        slow_links: on(),
        late_turns: on(),
        compaction: on(),
        partitions: extra.chance(250),
        slow_disks: extra.chance(250),
    }
}

fn namespace(random: &mut Random, replicas: u8) -> Namespace {
    Namespace {
        history_count_max: random.pick(&[1, 5, 30, 1_000]),
        history_bytes_max: random.pick(&[600, 5_000, 4 << 20, 4 << 20]),
        history_age_ms_max: random.pick(&[3_000, 300_000]),
        detach_ms: random.pick(&[0, 1_000, 5_000]),
        // A room that ended for want of members begins anew, rightly: here none ends.
        idle_ms: 3_600_000,
        replicas,
        ..Namespace::default()
    }
}
