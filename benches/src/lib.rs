//! `ringway-bench`: what this machine can do at best, and what we make of it.
//!
//! A figure without its floor says nothing on a shared machine: so each table is measured in one run, its rows taken in turn several times,
//! and printed as medians with the spread, as markdown for people and as JSON for `docs/benchmarks.md`'s scripts. Nothing here is on the
//! serving path, and nothing here decides whether a test passes.
//!
//! A library only so that `cargo bench` measures the cases of [`micro`] that `ringway-bench` counts and times.

mod cells;
mod cpu;
mod drain;
mod epoll;
mod floor;
mod hop;
mod link;
pub mod micro;
mod placement;
mod process;
mod quic;
mod series;
mod sockets;
mod stub;
mod table;

use clap::{Parser, Subcommand};

/// The router's allocator: what is counted here should cost there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "ringway-bench", about = "Measures the machine's floor and what stands on it")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What one socket write, one datagram, one hop between cores and one copy cost at best
    Floor(floor::Options),
    /// The same echo and the same broadcast on several runtimes
    Cells(cells::Options),
    /// From one shard to another and back, over the router's rings and doorbells
    Hop(hop::Options),
    /// Hot paths in instructions, counted by callgrind
    Micro(micro::CountOptions),
    /// The same paths in nanoseconds, measured by criterion
    Time(micro::TimeOptions),
    /// Connect and read lazily, so that a sender is not limited by its readers; ends with its standard input
    Drain(drain::Options),
    /// Connect and keep one message in flight on each connection; ends with its standard input
    EchoPeer(cells::PeerOptions),
    /// Connect over QUIC, join, publish and count what comes, and what it costs the server
    QuicDrain(quic::DrainOptions),
    /// Full QUIC handshakes, at a set rate or as many as go, and what one costs the server
    QuicStorm(quic::StormOptions),
    /// A plain server on quinn and tokio that sends to all its connections
    QuicFloor(quic::FloorOptions),
    /// Some bytes over one stream and back, between two processes on quinn and tokio
    QuicRtt(quic::RoundTripOptions),
    /// How many publications one link between two nodes carries, and what each costs its ends
    Link(link::Options),
    /// What the loss of one of many nodes moves in a cluster's map, and what that map holds
    Placement(placement::Options),
    /// A server that costs next to nothing and knows when it sent what: to measure the load generator with
    Stub(stub::Options),
    /// Run one case of `micro` and say how many operations it counted
    MicroCase(micro::CaseOptions),
}

/// The program: parses its arguments and does what they say.
///
/// # Errors
/// Whatever keeps the measurement from taking place, said for people.
pub fn run() -> std::io::Result<()> {
    match Arguments::parse().what {
        What::Floor(options) => floor::run(&options),
        What::Cells(options) => cells::run(&options),
        What::Hop(options) => hop::run(&options),
        What::Micro(options) => micro::count(&options),
        What::Time(options) => micro::time(&options),
        What::Drain(options) => drain::run(&options),
        What::EchoPeer(options) => cells::run_peer(&options),
        What::QuicDrain(options) => quic::run_drain(&options),
        What::QuicStorm(options) => quic::run_storm(&options),
        What::QuicFloor(options) => quic::run_floor(&options),
        What::QuicRtt(options) => quic::run_round_trip(&options),
        What::Link(options) => link::run(&options),
        What::Placement(options) => placement::run(&options),
        What::Stub(options) => stub::run(&options),
        What::MicroCase(options) => micro::run_case(&options),
    }
}
