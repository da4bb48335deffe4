//! Arguments as typed. Every flag is declared once; scenarios share the flags of [`Common`].

mod choices;
mod clients;
mod common;
mod scenarios;
mod studies;
mod values;

use clap::{Parser, Subcommand};

pub use choices::{ArrivalChoice, BodyChoice, FormatMix, TransportChoice};
pub use clients::{PublishArgs, SessionArgs};
pub use common::{Common, Protocol};
pub use scenarios::{
    ConnectArgs, EchoArgs, FailoverArgs, FanoutArgs, GameArgs, PresenceStormArgs, ResumeStormArgs,
    SlowReaderArgs,
};
pub use studies::{CompareArgs, RunArgs, SaturateArgs, StudyArgs};
pub use values::{duration, lane, rate, rate_or_none};

pub use crate::relay::RelayArgs;
pub use crate::report::ReportArgs;

const EXAMPLES: &str = "\
Examples:
  ringway-load fanout --subscribers 10000 --rate 20 --format mixed --duration 10s
  ringway-load fanout --subscribers 1000 --rate 4000 --burst 16 --json result.json
  ringway-load fanout --transport quic --lane unreliable --subscribers 500 --rate 60
  ringway-load resume-storm --subscribers 2000 --rate 100 --drops 3 --away 1s
  ringway-load failover --url ws://10.0.0.1:7400/v1,ws://10.0.0.2:7400/v1 --disturb 'ssh 10.0.0.2 reboot' --every 60s --duration 2m
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
    /// Messages that come back: so many in flight on each connection, or at a rate; against `/echo`.
    Echo(EchoArgs),
    /// Publications to many subscribers at a set rate; every subscriber checks order, gaps and duplicates.
    Fanout(FanoutArgs),
    /// Many connections at once: time to upgrade and to `welcome`, and what an idle session costs the server.
    Connect(ConnectArgs),
    /// All subscribers lose their connection at once and resume while publishing goes on.
    ResumeStorm(ResumeStormArgs),
    /// Clients of several nodes talk in rooms while nodes are killed, cut off, drained: nothing that was acknowledged may be
    /// lost, doubled or reordered. How long did a room stand still?
    Failover(FailoverArgs),
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
            Self::Failover(_) => "failover",
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
            Self::Failover(args) => &args.common,
            Self::PresenceStorm(args) => &args.common,
            Self::SlowReader(args) => &args.common,
            Self::Game(args) => &args.common,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_fit_together() {
        Args::command().debug_assert();
    }
}
