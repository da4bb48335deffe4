//! Matched runtime cells: the same echo and the same broadcast on monoio, tokio-uring, tokio's epoll and a raw ring, in one run.
//!
//! The server's side is written once, generic over [`runtime::Runtime`]: a task for each connection, as an application would have it. Ringway's
//! own reading (`readable()`, then `recv` into a shared scratch) is a row of its own, and so is the raw ring, which has no tasks: the floor.
//! Every sample has its own thread, connections and reading process, so that no cell inherits another's caches or sockets.

mod broadcast;
mod echo;
mod peer;
mod raw;
mod runtime;

use std::io;
use std::path::PathBuf;

use serde_json::json;

pub(crate) use peer::Options as PeerOptions;
pub(crate) use peer::run as run_peer;

use crate::cpu;
use crate::sockets::{Crowd, Reader};
use crate::table::Table;
use runtime::{Monoio, MonoioDeferred, MonoioReadiness, Runtime, Tokio, TokioUring};

/// What to measure, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Bytes of one message
    #[arg(long, default_value_t = 140)]
    bytes: usize,
    /// Connections, one column each
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    connections: Vec<usize>,
    /// How often each row is measured
    #[arg(long, default_value_t = 5)]
    alternations: usize,
    /// Milliseconds of one sample
    #[arg(long, default_value_t = 500)]
    sample_ms: u64,
    /// Core of the server's side
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Core of the clients
    #[arg(long, default_value_t = 1)]
    peer_core: usize,
    /// Also write everything here as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What a cell is given: our ends of the connections, and what it shall do with them.
struct Job {
    streams: Vec<std::net::TcpStream>,
    bytes: usize,
    sample_ms: u64,
}

/// A cell: returns CPU nanoseconds for one operation.
type Cell = fn(Job) -> io::Result<f64>;

const BROADCASTS: [(&str, Cell); 6] = [
    ("raw ring", raw::broadcast),
    (Monoio::NAME, broadcast::cost::<Monoio>),
    (MonoioDeferred::NAME, broadcast::cost::<MonoioDeferred>),
    (MonoioReadiness::NAME, broadcast::cost::<MonoioReadiness>),
    (TokioUring::NAME, broadcast::cost::<TokioUring>),
    (Tokio::NAME, broadcast::cost::<Tokio>),
];

const ECHOES: [(&str, Cell); 6] = [
    ("raw ring", raw::echo),
    (Monoio::NAME, echo::cost::<Monoio>),
    (MonoioDeferred::NAME, echo::cost::<MonoioDeferred>),
    (MonoioReadiness::NAME, echo::cost::<MonoioReadiness>),
    (TokioUring::NAME, echo::cost::<TokioUring>),
    (Tokio::NAME, echo::cost::<Tokio>),
];

/// Prints both tables.
///
/// # Errors
/// If sockets, rings or cores can't be had.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    cpu::raise_open_files()?;
    let tables = [
        table(
            options,
            "broadcast, one write of a task for each connection",
            &BROADCASTS,
            &Reader::Lazy { every_us: 5_000 },
        )?,
        table(
            options,
            "echo, one message in flight on each connection",
            &ECHOES,
            &Reader::Echoing { bytes: options.bytes },
        )?,
    ];
    for table in &tables {
        println!("{}", table.markdown());
    }
    if let Some(path) = &options.json {
        let all: Vec<_> = tables.iter().map(Table::json).collect();
        std::fs::write(path, format!("{:#}\n", json!({ "bytes": options.bytes, "tables": all })))?;
    }
    Ok(())
}

fn table(options: &Options, title: &str, cells: &[(&str, Cell)], reader: &Reader) -> io::Result<Table> {
    let columns = options.connections.iter().map(|count| format!("{count} connections")).collect();
    let mut table = Table::new(format!("{title}, {} bytes", options.bytes), "CPU ns", columns);
    for (column, &count) in options.connections.iter().enumerate() {
        for _ in 0..options.alternations {
            for (name, cell) in cells {
                table.push(name, column, sample(options, count, reader, *cell)?);
            }
        }
    }
    Ok(table)
}

/// One sample on a thread of its own: rings belong to the thread that made them.
fn sample(options: &Options, count: usize, reader: &Reader, cell: Cell) -> io::Result<f64> {
    let mut crowd = Crowd::gather(count, reader, options.peer_core)?;
    let job = Job {
        streams: std::mem::take(&mut crowd.streams),
        bytes: options.bytes,
        sample_ms: options.sample_ms,
    };
    let core = options.core;
    let server = std::thread::spawn(move || {
        cpu::pin(core)?;
        cell(job)
    });
    server.join().map_err(|_| io::Error::other("a cell panicked"))?
}

/// Counts operations and CPU time from the end of a warm-up on.
struct Meter {
    warm_until: u64,
    until: u64,
    from: Option<(u64, u64)>,
    operations: u64,
}

impl Meter {
    /// The first fifth of the time is the warm-up.
    fn new(sample_ms: u64) -> Self {
        let now = cpu::wall_ns();
        let length = sample_ms * 1_000_000;
        Self { warm_until: now + length / 5, until: now + length, from: None, operations: 0 }
    }

    /// More was done; the cost of one operation once the time is over.
    fn add(&mut self, operations: u64) -> Option<f64> {
        self.operations += operations;
        let now = cpu::wall_ns();
        match self.from {
            None if now >= self.warm_until => self.from = Some((cpu::thread_ns(), self.operations)),
            Some((cpu_from, operations_from)) if now >= self.until && self.operations > operations_from => {
                return Some(
                    (cpu::thread_ns() - cpu_from) as f64 / (self.operations - operations_from) as f64,
                );
            }
            _ => {}
        }
        None
    }
}
