//! The machine's floor: what a socket write, a datagram, a hop between two cores and a copy cost when nothing else is done.
//!
//! The sender is pinned to one core and the lazy readers are on another; loopback makes the sender pay the receiver's softirq too, and it pays
//! it here as the router does. Cells are CPU nanoseconds, taken in turn.

mod bell;
mod copy;
mod hop;
mod send;
mod udp;
mod uring;

use std::io;
use std::path::PathBuf;

use serde_json::json;

use crate::cpu;
use crate::sockets::{Crowd, Reader};
use crate::table::Table;

/// What to measure, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Bytes of one frame on the socket; 140 is a 64-byte body in the binary format
    #[arg(long, default_value_t = 140)]
    bytes: usize,
    /// Sockets, one column each
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    sockets: Vec<usize>,
    /// Bytes of one datagram, one column each; 320 is a 200-byte body with what carries it
    #[arg(long, value_delimiter = ',', default_value = "320,1200")]
    datagram_bytes: Vec<usize>,
    /// How often each row is measured
    #[arg(long, default_value_t = 5)]
    alternations: usize,
    /// Milliseconds of one sample
    #[arg(long, default_value_t = 400)]
    sample_ms: u64,
    /// Microseconds between two rounds of the readers
    #[arg(long, default_value_t = 5_000)]
    drain_us: u64,
    /// Core that sends
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Core that reads, and the far end of a hop
    #[arg(long, default_value_t = 1)]
    peer_core: usize,
    /// Microseconds from one round over all sockets to the next; 0: as fast as it goes, which costs more, since the readers are in the way
    #[arg(long, default_value_t = 0)]
    one_every_us: u64,
    /// The same for rounds of 16 messages in one write
    #[arg(long, default_value_t = 0)]
    sixteen_every_us: u64,
    /// Only plain `send`
    #[arg(long)]
    sends_only: bool,
    /// Also write everything here as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Messages in one coalesced write.
const COALESCED: usize = 16;

/// Prints the tables.
///
/// # Errors
/// If sockets, rings or cores can't be had.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    cpu::raise_open_files()?;
    let mut tables = vec![sends(options)?];
    if !options.sends_only {
        tables.push(udp::table(options)?);
        tables.push(hop::table(options)?);
        tables.push(copy::table(options)?);
    }
    for table in &tables {
        println!("{}", table.markdown());
    }
    if let Some(path) = &options.json {
        let all: Vec<_> = tables.iter().map(Table::json).collect();
        std::fs::write(path, format!("{:#}\n", json!({ "bytes": options.bytes, "tables": all })))?;
    }
    Ok(())
}

/// One socket write, by method and number of sockets; per message where several share a write.
fn sends(options: &Options) -> io::Result<Table> {
    let columns = options.sockets.iter().map(|count| format!("{count} sockets")).collect();
    let title = format!("one message of {} bytes to one socket", options.bytes);
    let mut table = Table::new(title, "CPU ns", columns);
    let one = vec![0x5a; options.bytes];
    let sixteen = vec![0x5a; options.bytes * COALESCED];
    cpu::pin(options.core)?;
    for (column, &count) in options.sockets.iter().enumerate() {
        let reader = Reader::Lazy { every_us: options.drain_us };
        let crowd = Crowd::gather(count, &reader, options.peer_core)?;
        let mut small = uring::Sender::new(256)?;
        let mut large = uring::Sender::new(1_024)?;
        for alternation in 0..=options.alternations {
            let mut rows = Vec::new();
            for (suffix, payload, messages, every_us) in [
                ("", &one, 1, options.one_every_us),
                (", 16 in one write", &sixteen, COALESCED, options.sixteen_every_us),
            ] {
                let pace = Pace { sample_ms: options.sample_ms, every_us };
                let sample = |name: &str, cost: f64| (format!("{name}{suffix}"), cost / messages as f64);
                rows.push(sample("`send`", send::cost(&crowd.streams, payload, pace)?));
                if options.sends_only {
                    continue;
                }
                let cost = small.cost(&crowd.streams, payload, pace)?;
                rows.push(sample("io_uring, 256 a submission", cost));
                let cost = large.cost(&crowd.streams, payload, pace)?;
                rows.push(sample("io_uring, 1,024 a submission", cost));
            }
            // The first round only warms up.
            for (name, cost) in rows.into_iter().filter(|_| alternation > 0) {
                table.push(&name, column, cost);
            }
        }
    }
    Ok(table)
}

/// How long a sample takes and how often a round begins in it.
#[derive(Clone, Copy)]
struct Pace {
    sample_ms: u64,
    every_us: u64,
}

/// Calls `round`, which says how many writes it made, until the time is over; CPU nanoseconds for one write. Who waits for the next round sleeps.
fn cost_of(pace: Pace, mut round: impl FnMut() -> io::Result<u64>) -> io::Result<f64> {
    let mut writes = 0;
    let (cpu_from, wall_from) = (cpu::thread_ns(), cpu::wall_ns());
    let mut next = wall_from;
    while cpu::wall_ns() - wall_from < pace.sample_ms * 1_000_000 {
        writes += round()?;
        next += pace.every_us * 1_000;
        let early = next.saturating_sub(cpu::wall_ns());
        if early > 0 {
            std::thread::sleep(std::time::Duration::from_nanos(early));
        }
    }
    Ok((cpu::thread_ns() - cpu_from) as f64 / writes as f64)
}
