//! Arguments as typed. Every flag is declared once; scenarios share the flags of [`Common`].

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ringway_protocol::Lane;

pub use crate::relay::RelayArgs;
pub use crate::report::ReportArgs;

const EXAMPLES: &str = "\
Examples:
  ringway-load fanout --subscribers 10000 --rate 20 --format mixed --duration 10s
  ringway-load fanout --subscribers 1000 --rate 4000 --burst 16 --json result.json
  ringway-load fanout --transport quic --lane unreliable --subscribers 500 --rate 60
  ringway-load resume-storm --subscribers 2000 --rate 100 --drops 3 --away 1s
  ringway-load connect --connections 15000 --hold 10s
  ringway-load connect --transport wt --connections 5000 --connect-rate 500
  ringway-load slow-reader --lane latest --rate 200 --body 500 --reader-kbit 256
  ringway-load game --transport quic --players 200 --rooms 20 --tick-rate 60
  ringway-load echo --connections 100 --size 512
  ringway-load run chat --duration 1m --html chat.html
  ringway-load saturate --p99-under 5ms fanout --subscribers 500
  ringway-load compare loadgen/servers/ringway.toml ws://127.0.0.1:9000/ fanout --rate 100
  ringway-load relay --rtt 80ms --loss 5 -- sh
  ringway-load report before.json after.json --html change.html";

/// Open-loop load for Ringway, with verification.
///
/// Every client checks what it is told: order, gaps, duplicates, recovery. The exit code is 1 when a promise was broken
/// (the evidence is printed), 2 when the run could not take place.
#[derive(Clone, Debug, Parser)]
#[command(version, name = "ringway-load", after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// What there is to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Task {
    /// Load.
    #[command(flatten)]
    Scenario(Scenario),
    /// A scenario from a file, or one of those that are built in.
    ///
    /// A file names a scenario and gives its flags; flags that follow count more. See `ringway-load scenarios`.
    Run(RunArgs),
    /// The scenarios that are built in, or the text of one: a start for files of your own.
    Scenarios {
        /// Which one to print.
        name: Option<String>,
    },
    /// The highest rate at which a scenario keeps a bound on its latency.
    ///
    /// Runs the scenario again and again, doubling its rate while the bound holds and then halving the way between what held
    /// and what did not. A step that fails is tried once more. It holds when the latency does, every promise was kept, and all was sent that was due. What the
    /// client could not send is the client's limit and says nothing about the server.
    Saturate(SaturateArgs),
    /// Two servers, in turn, under the same load: ratios with their spread.
    ///
    /// A and B are descriptions (TOML files, as in loadgen/servers) or URLs of servers that run. Ratios are taken round by
    /// round, A to B. The exit code is 1 when a promise was broken on either side.
    Compare(CompareArgs),
    /// One of several processes of a run; started by the first one.
    #[command(hide = true)]
    Worker,
    /// A slow, lossy network around two commands: the same each time, for TCP and UDP alike.
    ///
    /// Two network namespaces are made, with the server at 10.99.0.1 in one and the client at 10.99.0.2 (and at 10.99.1.1
    /// to 10.99.1.254) in the other. All IPv4 packets between them are delayed, lost and slowed down as the flags say;
    /// what chance decides depends on --seed and the packet's number in its direction alone. "Up" is from the client to
    /// the server.
    ///
    /// When the client ends, the server is told to end, a table of what happened goes to standard error, and the relay
    /// exits with the client's exit code. Without a client it says how to enter the namespaces and runs until Ctrl-C.
    ///
    /// Needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN) and /dev/net/tun; exits with 2 and says so where they are missing.
    /// Nothing stays behind, however it ends.
    Relay(RelayArgs),
    /// Make a report anew from what --json wrote: one HTML file that needs no network.
    ///
    /// Several runs are laid over each other. A file that was written by a newer ringway-load than this one is refused.
    Report(ReportArgs),
}

/// The scenarios.
#[derive(Clone, Debug, Subcommand)]
pub enum Scenario {
    /// Ping-pong on many connections, one message in flight on each, against `/echo`.
    Echo(EchoArgs),
    /// Publications to many subscribers at a set rate; every subscriber checks order, gaps and duplicates.
    Fanout(FanoutArgs),
    /// Many connections at once: time to upgrade and to `welcome`, and what an idle session costs the server.
    Connect(ConnectArgs),
    /// All subscribers lose their connection at once and resume while publishing goes on.
    ResumeStorm(ResumeStormArgs),
    /// Half of the members leave and come back, again and again; the others must know the count that is true.
    PresenceStorm(PresenceStormArgs),
    /// One reader on a slow line watches the latest lane: how old is what it sees?
    SlowReader(SlowReaderArgs),
    /// Players in rooms tell their state at each tick, and events now and then: how old is what the others see?
    Game(GameArgs),
}

impl Scenario {
    /// As typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Echo(_) => "echo",
            Self::Fanout(_) => "fanout",
            Self::Connect(_) => "connect",
            Self::ResumeStorm(_) => "resume-storm",
            Self::PresenceStorm(_) => "presence-storm",
            Self::SlowReader(_) => "slow-reader",
            Self::Game(_) => "game",
        }
    }

    /// The flags that all have.
    #[must_use]
    pub const fn common(&self) -> &Common {
        match self {
            Self::Echo(args) => &args.common,
            Self::Fanout(args) => &args.common,
            Self::Connect(args) => &args.common,
            Self::ResumeStorm(args) => &args.common,
            Self::PresenceStorm(args) => &args.common,
            Self::SlowReader(args) => &args.common,
            Self::Game(args) => &args.common,
        }
    }
}

/// Flags of every scenario.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Connections, measuring, report")]
pub struct Common {
    /// The server: ws://host:port/path, wss://…, quic://host:port, https://… for WebTransport, mqtt://host:port, or
    /// mqtts://…. With --protocol raw-ws the path may hold {room}.
    #[arg(long, default_value = "ws://127.0.0.1:7400/v1", value_name = "URL")]
    pub url: String,
    /// What carries the frames, whatever the URL begins with; several (`ws,quic,wt`) are dealt to the threads in turn.
    /// Not for mqtt://, and echo is not for QUIC.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WAY")]
    pub transport: Vec<TransportChoice>,
    /// What the clients speak: by default what the URL says, MQTT for mqtt:// and mqtts://, else Ringway's protocol.
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    pub protocol: Option<Protocol>,
    /// How MQTT clients subscribe and publish: 0 at most once, 1 acknowledged.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1), value_name = "0|1")]
    pub qos: u8,
    /// From when all clients are ready to the first publication; by default 50ms, and 200ms with raw-ws, where no
    /// answer says that a client is subscribed.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub head_start: Option<Duration>,
    /// Take any certificate. Over QUIC a server on this host need not show a good one anyway.
    #[arg(long)]
    pub insecure: bool,
    /// How long to measure, after the warm-up.
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub duration: Duration,
    /// How long to run before measuring.
    #[arg(long, default_value = "1s", value_parser = duration, value_name = "TIME")]
    pub warmup: Duration,
    /// Processes, each with its share of the connections: for more of them than one may have files open.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64), value_name = "N")]
    pub processes: u16,
    /// Threads of each process, each with its share of the connections.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub threads: u16,
    /// Pin the threads to this core and the ones after it.
    #[arg(long, value_name = "CORE")]
    pub client_core: Option<usize>,
    /// Poll without sleeping: a core at 100 %, but no wake-up in the latencies.
    #[arg(long)]
    pub spin: bool,
    /// Read all connections only this often, so that the client costs as little as it can: measures the server.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub drain_every: Option<Duration>,
    /// New connections a second; 0: as fast as they are accepted.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub connect_rate: u32,
    /// Connections on their way at once, per thread.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub connect_concurrency: u32,
    /// Source addresses 127.0.0.2 and up to spread connections over; by default as many as are needed. QUIC sessions
    /// share sockets, 2,048 each.
    #[arg(long, value_name = "N")]
    pub sources: Option<u8>,
    /// The server's process, for its memory and CPU; by default found by its listening port.
    #[arg(long, value_name = "PID", env = "RINGWAY_RELAY_SERVER_PID")]
    pub server_pid: Option<u32>,
    /// Start the server with this shell command, and end it with the run; `{port}` in it and in the URL is a free port.
    #[arg(long, value_name = "COMMAND")]
    pub spawn: Option<String>,
    /// Cores that the started server may use, like 0 or 0,2-3.
    #[arg(long, value_name = "LIST", requires = "spawn")]
    pub server_cores: Option<String>,
    /// The server's version, for reports; Ringway is asked for its own.
    #[arg(long, value_name = "TEXT")]
    pub server_version: Option<String>,
    /// The run fails when the server's memory grows faster than this over the second half of the measuring; for runs of
    /// minutes and more.
    #[arg(long, value_name = "KIB_PER_MINUTE", value_parser = rate_or_none)]
    pub rss_slope_max: Option<f64>,
    /// Write the document of the run here as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a report here that any browser shows, without a network.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the latency by percentile here, as HdrHistogram's plotters read it.
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,
    /// Nothing while it runs, only the result.
    #[arg(long)]
    pub quiet: bool,
}

/// What the clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Ringway's own.
    Ringway,
    /// Bare messages to a WebSocket server that sends each to all others on the same path.
    RawWs,
    /// MQTT 3.1.1 over TCP or TLS.
    Mqtt,
}

impl Protocol {
    /// As typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ringway => "ringway",
            Self::RawWs => "raw-ws",
            Self::Mqtt => "mqtt",
        }
    }
}

impl Common {
    /// What was asked for, else what the URL says.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        let is_mqtt = ["mqtt://", "mqtts://"].iter().any(|scheme| self.url.starts_with(scheme));
        self.protocol.unwrap_or(if is_mqtt { Protocol::Mqtt } else { Protocol::Ringway })
    }

    /// From when all clients are ready to the first publication: every thread, and the server, is ready by then.
    #[must_use]
    pub fn head_start(&self) -> Duration {
        let ms = if self.protocol() == Protocol::RawWs { 200 } else { 50 };
        self.head_start.unwrap_or(Duration::from_millis(ms))
    }
}

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

/// `run`.
#[derive(Clone, Debug, ClapArgs)]
pub struct RunArgs {
    /// A file, or the name of one that is built in.
    pub file: String,
    /// Flags of its scenario.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    pub flags: Vec<String>,
}

/// Flags of what runs a scenario several times; they come before it.
#[derive(Clone, Debug, ClapArgs)]
pub struct StudyArgs {
    /// Write the document here as JSON, with all runs; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a report here that any browser shows, without a network.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// The scenario with its flags: `fanout --subscribers 100`, or `run FILE`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "SCENARIO")]
    pub scenario: Vec<String>,
}

/// `saturate`.
#[derive(Clone, Debug, ClapArgs)]
pub struct SaturateArgs {
    /// The bound on the 99th percentile.
    #[arg(long, default_value = "5ms", value_parser = duration, value_name = "TIME")]
    pub p99_under: Duration,
    /// Rate of the first step; by default the scenario's own.
    #[arg(long, value_parser = rate, value_name = "N")]
    pub from: Option<f64>,
    /// No step goes beyond this rate.
    #[arg(long, value_parser = rate, value_name = "N")]
    pub to: Option<f64>,
    /// How near the answer has to be to the truth, in percent.
    #[arg(long, default_value_t = 5.0, value_parser = rate, value_name = "PERCENT")]
    pub precision: f64,
    /// Shared flags.
    #[command(flatten)]
    pub study: StudyArgs,
}

/// `compare`.
#[derive(Clone, Debug, ClapArgs)]
pub struct CompareArgs {
    /// A server: a description or a URL.
    pub a: String,
    /// The other one.
    pub b: String,
    /// How often each of them is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000), value_name = "N")]
    pub rounds: u16,
    /// Cores of servers that are started, like 0 or 0,2-3.
    #[arg(long, default_value = "0", value_name = "LIST")]
    pub server_cores: String,
    /// The clients' first core.
    #[arg(long, default_value_t = 1, value_name = "CORE")]
    pub client_core: usize,
    /// Shared flags.
    #[command(flatten)]
    pub study: StudyArgs,
}

/// What carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportChoice {
    /// WebSocket: ws://, or wss:// if the URL says so.
    Ws,
    /// QUIC, the native protocol: quic://
    Quic,
    /// WebTransport over HTTP/3: https://
    Wt,
    /// TCP, or TLS over it, without WebSocket: what mqtt:// and mqtts:// ask for.
    #[value(skip)]
    Tcp,
}

/// When publications are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ArrivalChoice {
    /// At even intervals.
    Steady,
    /// At random: exponential intervals.
    Poisson,
    /// Several soon after each other, then a pause.
    Bursty,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BodyChoice {
    /// Any bytes.
    Bytes,
    /// UTF-8.
    Text,
    /// One JSON value.
    Json,
}

/// Which format the clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatMix {
    /// All of them flatbuffers.
    Binary,
    /// All of them JSON.
    Json,
    /// Half and half.
    Mixed,
}

/// `10s`, `250ms`, `50us`, `2m`, or seconds without a unit.
///
/// # Errors
/// When it is none of those.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 =
        number.parse().map_err(|_| format!("`{text}` is not a time: write 10s, 250ms, 50us or 2m"))?;
    let seconds = match unit {
        "" | "s" => number,
        "ms" => number / 1e3,
        "us" | "µs" => number / 1e6,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(format!("`{unit}` is not a unit of time: use us, ms, s, m or h")),
    };
    Duration::try_from_secs_f64(seconds).map_err(|fault| fault.to_string())
}

/// A positive number.
///
/// # Errors
/// When it is none.
pub fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if rate > 0.0 && rate.is_finite() { Ok(rate) } else { Err(format!("`{text}` is not above 0")) }
}

/// A positive number, or 0 for none.
///
/// # Errors
/// When it is neither.
pub fn rate_or_none(text: &str) -> Result<f64, String> {
    if text.parse() == Ok(0.0) { Ok(0.0) } else { rate(text) }
}

/// `reliable`, `latest` or `unreliable`.
///
/// # Errors
/// When it is none of those.
pub fn lane(text: &str) -> Result<Lane, String> {
    [Lane::Reliable, Lane::Latest, Lane::Unreliable]
        .into_iter()
        .find(|lane| lane.name() == text)
        .ok_or_else(|| format!("`{text}` is not a lane: reliable, latest or unreliable"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_fit_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1.5ms"), Ok(Duration::from_micros(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("10 parsecs").is_err());
        assert!(duration("-1s").is_err());
    }
}
