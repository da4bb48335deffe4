//! Flags of every scenario: the server, the connections, how to measure, what to leave behind.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};

use super::choices::TransportChoice;
use super::values::{duration, rate_or_none};

/// Flags of every scenario.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Connections, measuring, report")]
pub struct Common {
    /// The server: ws://host:port/path, wss://…, quic://host:port, https://… for WebTransport, mqtt://host:port, or
    /// mqtts://…. With --protocol raw-ws the path may hold {room}. Several, by comma, are the nodes of a cluster: clients
    /// are dealt to them in turn, and over WebSocket go on to the next one when a connection ends.
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
