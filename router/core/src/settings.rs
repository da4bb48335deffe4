//! What the operator decided, parsed and checked at the door: namespaces and the bounds of a shard.
//!
//! Shared by all shards of a node behind one `Arc`; a reload swaps it whole ([`crate::Shard::handle_settings`]).

use std::collections::BTreeMap;

/// Everything the core is told by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Namespaces by name.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Bounds of each shard.
    pub limits: Limits,
    /// Name of this node, told in `welcome`.
    pub node: String,
    /// Heartbeat told in `welcome`.
    pub heartbeat_ms: u32,
}

/// Bounds of one shard and of each session on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest frame from a client, told in `welcome`.
    pub frame_bytes_max: u32,
    /// Sessions on one shard.
    pub sessions_max: u32,
    /// Rooms owned by one shard.
    pub rooms_max: u32,
    /// Rooms that one session may be in.
    pub session_rooms_max: u32,
    /// Bytes waiting for one session.
    pub outbox_bytes_max: u64,
    /// How long the oldest waiting frame may wait.
    pub outbox_age_ms_max: u64,
    /// Bytes of outboxes, histories and keys on one shard together.
    pub shard_bytes_max: u64,
    /// Work units a session gains a second; a publish costs 1 + members × bytes / 16 KiB.
    pub work_per_s: u32,
    /// Work units a session may save up.
    pub work_burst: u32,
    /// Refusals in a row, each with `rate_limited`, after which a session is closed as flooding.
    pub refusals_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: ringway_protocol::limit::CLIENT_FRAME_BYTES_MAX as u32,
            sessions_max: 200_000,
            rooms_max: 1_000_000,
            session_rooms_max: 256,
            outbox_bytes_max: 1024 * 1024,
            outbox_age_ms_max: 10_000,
            shard_bytes_max: 2 * 1024 * 1024 * 1024,
            work_per_s: 2_000,
            work_burst: 4_000,
            refusals_max: 1_000,
        }
    }
}

/// Who may do a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Also anonymous users.
    Anyone,
    /// Users with a token.
    Users,
    /// Users whose token grants it for the room.
    Granted,
}

/// What a room tells of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceMode {
    /// Nothing.
    Off,
    /// How many.
    Count,
    /// Who.
    List,
}

/// What happens to a session whose reliable lane overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It is closed as `slow_consumer`, resumes and recovers.
    Close,
    /// The oldest are dropped and told as one merged `gap` per room.
    DropOldest,
}

/// Whose a key of the latest and unreliable lanes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// Each user's own: two users' equal keys are different.
    User,
    /// The room's: anyone who may publish sets it.
    Room,
}

/// What `message` says of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderMode {
    /// User and session.
    User,
    /// Session only: smaller frames.
    Session,
}

/// The policy of a namespace's rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Who may join, and read history and presence.
    pub join: Admission,
    /// Who may publish.
    pub publish: Admission,
    /// Whether the reliable lane is there.
    pub reliable: bool,
    /// Whether the latest lane is there.
    pub latest: bool,
    /// Whether the unreliable lane is there.
    pub unreliable: bool,
    /// What is told of members.
    pub presence: PresenceMode,
    /// Whether member lists carry the token's `info`.
    pub member_info: bool,
    /// What `message` says of its sender.
    pub sender: SenderMode,
    /// Whose keys are.
    pub key_scope: KeyScope,
    /// Keys outlive their session by this much; 0: they vanish when it leaves.
    pub key_ttl_ms: u64,
    /// Publications kept.
    pub history_count_max: u32,
    /// Bytes of publications kept.
    pub history_bytes_max: u64,
    /// How long publications are kept.
    pub history_age_ms_max: u64,
    /// What happens to slow consumers.
    pub overflow: Overflow,
    /// Members of one room.
    pub members_max: u32,
    /// How long a member whose connection broke stays a member.
    pub detach_ms: u64,
    /// How long a room without members keeps its history and its epoch.
    pub idle_ms: u64,
    /// On how many nodes publications of the reliable lane are before anybody hears of them: 1 or 2.
    pub replicas: u8,
}

impl Default for Namespace {
    fn default() -> Self {
        Self {
            join: Admission::Anyone,
            publish: Admission::Anyone,
            reliable: true,
            latest: true,
            unreliable: true,
            presence: PresenceMode::List,
            member_info: false,
            sender: SenderMode::User,
            key_scope: KeyScope::User,
            key_ttl_ms: 0,
            history_count_max: 1_000,
            history_bytes_max: 4 * 1024 * 1024,
            history_age_ms_max: 5 * 60 * 1_000,
            overflow: Overflow::Close,
            members_max: 100_000,
            detach_ms: 15_000,
            idle_ms: 60_000,
            replicas: 1,
        }
    }
}
