//! Flags of each scenario.

use std::time::Duration;

use clap::Args as ClapArgs;
use ringway_protocol::Lane;

use super::clients::{PublishArgs, SessionArgs};
use super::common::Common;
use super::values::{duration, lane, rate, rate_or_none};

/// `echo`.
#[derive(Clone, Debug, ClapArgs)]
pub struct EchoArgs {
    /// Connections.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub connections: u32,
    /// Messages a second over all connections, sent when they are due; 0: each is sent when one is back.
    #[arg(long, default_value_t = 0.0, value_parser = rate_or_none, value_name = "N")]
    pub rate: f64,
    /// Without a rate: messages of each connection that are on their way at once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096), value_name = "N")]
    pub in_flight: u32,
    /// Bytes of each message.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(8..), value_name = "BYTES")]
    pub size: u32,
    /// Send text instead of binary messages.
    #[arg(long)]
    pub text: bool,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// `fanout`.
#[derive(Clone, Debug, ClapArgs)]
pub struct FanoutArgs {
    /// Subscribers, dealt to the rooms in turn.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub subscribers: u32,
    /// So many of a hundred subscribers stop reading when the load begins; only the others are reported.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..100), value_name = "PERCENT")]
    pub slow_percent: u32,
    /// In the end, how long nothing may arrive before what is missing counts as lost.
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "TIME")]
    pub settle: Duration,
    /// What.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// Who.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// `connect`.
#[derive(Clone, Debug, ClapArgs)]
pub struct ConnectArgs {
    /// Connections.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub connections: u32,
    /// Stop at `welcome`, without joining a room.
    #[arg(long)]
    pub no_join: bool,
    /// How long all of them stay, idle, before the server's memory is looked at.
    #[arg(long, default_value = "2s", value_parser = duration, value_name = "TIME")]
    pub hold: Duration,
    /// How often they all come and go.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub rounds: u32,
    /// End connections by a reset instead of a close frame; WebSocket only.
    #[arg(long)]
    pub reset: bool,
    /// Who.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// `resume-storm`.
#[derive(Clone, Debug, ClapArgs)]
pub struct ResumeStormArgs {
    /// Subscribers, dealt to the rooms in turn.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub subscribers: u32,
    /// How often all of them are dropped, evenly spread over the duration.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub drops: u32,
    /// How long they stay away.
    #[arg(long, default_value = "0s", value_parser = duration, value_name = "TIME")]
    pub away: Duration,
    /// Leave with a close frame instead of a reset. QUIC always says that it closes.
    #[arg(long)]
    pub close: bool,
    /// In the end, how long nothing may arrive before what is missing counts as lost.
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub settle: Duration,
    /// What.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// Who.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// `slow-reader`.
#[derive(Clone, Debug, ClapArgs)]
pub struct SlowReaderArgs {
    /// The reader's line in kbit/s.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..), value_name = "KBIT")]
    pub reader_kbit: u32,
    /// The reader's `SO_RCVBUF` in bytes, as passed to the system (Linux doubles it): the queue before its line.
    #[arg(long, default_value_t = 4_096, value_name = "BYTES")]
    pub rcvbuf: usize,
    /// The oldest state that the reader may see.
    #[arg(long, default_value = "250ms", value_parser = duration, value_name = "TIME")]
    pub age_max: Duration,
    /// What; its lane should be latest.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// Who.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// `presence-storm`.
#[derive(Clone, Debug, ClapArgs)]
pub struct PresenceStormArgs {
    /// Members, dealt to the rooms in turn; half of each room's come and go.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..), value_name = "N")]
    pub members: u32,
    /// How often they go and come back, evenly spread over the duration.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
    pub cycles: u32,
    /// Who.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// `failover`.
#[derive(Clone, Debug, ClapArgs)]
pub struct FailoverArgs {
    /// Clients, dealt to the rooms and then to the nodes in turn: each hears its room and publishes in it.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub clients: u32,
    /// Publications a second of each client; 0: one is made when another is answered, so that --in-flight are always on their way.
    #[arg(long, default_value_t = 10.0, value_parser = rate_or_none, value_name = "N")]
    pub rate: f64,
    /// Bytes of each body; raised to what the stamp in it needs (24, or 50 where a client speaks JSON).
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    pub body: usize,
    /// Publications of a client that wait for their answers at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4096), value_name = "N")]
    pub in_flight: u32,
    /// A shell command that disturbs the nodes, in rounds: RINGWAY_ROUND says which one, from 1. The run fails if it does,
    /// or if it takes longer than a round.
    #[arg(long, value_name = "COMMAND")]
    pub disturb: Option<String>,
    /// Length of a round. The first one begins with the measuring.
    #[arg(long, default_value = "8s", value_parser = duration, value_name = "TIME")]
    pub every: Duration,
    /// Rooms may begin a new order, as those without a standby do when their node is lost: what was acknowledged in the
    /// old one may be lost then.
    #[arg(long)]
    pub anew_allowed: bool,
    /// In the end, how long nothing may arrive before what is missing counts as lost.
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub settle: Duration,
    /// Who.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// `game`.
#[derive(Clone, Debug, ClapArgs)]
pub struct GameArgs {
    /// Players, dealt to the rooms in turn.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub players: u32,
    /// Ticks a second: at each a player publishes its state.
    #[arg(long, default_value_t = 60.0, value_parser = rate, value_name = "HZ")]
    pub tick_rate: f64,
    /// Only so many players have a state to tell; the others watch. By default all.
    #[arg(long, value_name = "N")]
    pub speakers: Option<u32>,
    /// How states travel: unreliable or latest (or reliable, to compare).
    #[arg(long, default_value = "unreliable", value_parser = lane, value_name = "LANE")]
    pub lane: Lane,
    /// Bytes of a state.
    #[arg(long, default_value_t = 200, value_name = "BYTES")]
    pub body: usize,
    /// Events a second of each player on the reliable lane; 0: none.
    #[arg(long, default_value_t = 2.0, value_name = "N")]
    pub event_rate: f64,
    /// Rooms are joined with a stream of their own.
    #[arg(long)]
    pub room_streams: bool,
    /// In the end, how long nothing may arrive before what is missing counts as lost.
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "TIME")]
    pub settle: Duration,
    /// Who.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}
