//! Flags that several scenarios share: who the clients are, and what they publish.

use clap::Args as ClapArgs;
use ringway_protocol::Lane;

use super::choices::{ArrivalChoice, BodyChoice, FormatMix};
use super::values::{lane, rate};

/// Who the clients are and where they meet.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Clients and rooms")]
pub struct SessionArgs {
    /// Which format the clients speak; JSON over WebSocket only.
    #[arg(long, value_enum, default_value_t = FormatMix::Binary)]
    pub format: FormatMix,
    /// Namespace of the rooms; none is the server's default.
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Rooms; clients are dealt to them in turn.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub rooms: u32,
    /// A token that all clients present.
    #[arg(long, value_name = "JWT", conflicts_with = "token_key")]
    pub token: Option<String>,
    /// The server's HS256 secret: each client signs itself a token as user `load-N` that grants all rooms.
    #[arg(long, value_name = "SECRET", env = "RINGWAY_LOAD_TOKEN_KEY", hide_env_values = true)]
    pub token_key: Option<String>,
}

/// What is published.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Publications")]
pub struct PublishArgs {
    /// Publishers, dealt to the rooms in turn.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub publishers: u32,
    /// Publications a second of each publisher.
    #[arg(long, default_value_t = 20.0, value_parser = rate, value_name = "N")]
    pub rate: f64,
    /// Publications sent back to back at each tick; the rate stays, ticks become rarer.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536), value_name = "N")]
    pub burst: u32,
    /// When publications are due: at even intervals, at random, or in bursts with pauses between them, as people write.
    #[arg(long, value_enum, default_value_t = ArrivalChoice::Steady, value_name = "WHEN")]
    pub arrivals: ArrivalChoice,
    /// What random arrivals and lengths come from; the same seed is the same load.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Bytes of each body; raised to what the stamp in it needs (24 as bytes, 48 as text, 50 as json).
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    pub body: usize,
    /// Bodies are of random lengths from --body to this, short ones more often.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    pub body_max: usize,
    /// What the body is; by default bytes, and json where a client speaks JSON.
    #[arg(long, value_enum, value_name = "KIND")]
    pub body_kind: Option<BodyChoice>,
    /// How publications travel: reliable, latest or unreliable.
    #[arg(long, default_value = "reliable", value_parser = lane, value_name = "LANE")]
    pub lane: Lane,
    /// Keys that a publisher of the other lanes takes in turn.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024), value_name = "N")]
    pub keys: u32,
    /// Ask for no `published`: fewer answers, but the end of each room is known from what subscribers saw.
    #[arg(long)]
    pub no_ack: bool,
}
