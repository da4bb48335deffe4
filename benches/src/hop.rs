//! The hop between two shards: a message through the router's rings and doorbells, on the runtime that shards have.
//!
//! What surrounds the rings is the shard's own way of waiting: look at the front, pass through the driver, and, where it may not spin, doze and
//! listen for the doorbell. `floor` has the same hop without runtime and rings.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hdrhistogram::Histogram;
use ringway::node::RuntimeKind;
use ringway::rt::{self, Bell, Breath, Ear};
use ringway_mesh::{Bounds, Inbound, Seat, seats};
use serde_json::json;

use crate::cpu;
use crate::table::Table;

/// What to measure, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often each row is measured
    #[arg(long, default_value_t = 5)]
    alternations: usize,
    /// Cores of the two shards
    #[arg(long, value_delimiter = ',', num_args = 2, default_value = "0,1")]
    cores: Vec<usize>,
    /// Also write everything here as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Looks at the front between two passes through the driver, as the router's spin does.
const LOOKS: u32 = 16;
const BOUNDS: Bounds = Bounds { items: 1_024, bytes: 1 << 20 };
/// What a small message weighs.
const BYTES: usize = 192;

/// How a shard waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Spinning,
    Parked,
}

impl Waiting {
    const fn trips(self) -> u64 {
        match self {
            Self::Spinning => 50_000,
            Self::Parked => 5_000,
        }
    }
}

/// One end: its seat in the mesh and what it waits with.
struct End {
    seat: Seat<u64, u64, Bell>,
    ear: Ear,
    breath: Breath,
    waiting: Waiting,
}

/// Prints the table.
///
/// # Errors
/// If cores or runtimes can't be had.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let columns = vec!["p50".to_owned(), "p99".to_owned()];
    let mut table = Table::new("one hop between two shards", "wall ns, half a round trip", columns);
    for _ in 0..options.alternations {
        for (name, waiting) in [("both spin", Waiting::Spinning), ("both park", Waiting::Parked)] {
            let trips = round_trips(&options.cores, waiting)?;
            table.push(name, 0, trips.value_at_quantile(0.5) as f64 / 2.0);
            table.push(name, 1, trips.value_at_quantile(0.99) as f64 / 2.0);
        }
    }
    println!("{}", table.markdown());
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", json!({ "tables": [table.json()] })))?;
    }
    Ok(())
}

fn round_trips(cores: &[usize], waiting: Waiting) -> io::Result<Histogram<u64>> {
    let fronts = [Arc::new(Inbound::new(2, Bell::new()?)), Arc::new(Inbound::new(2, Bell::new()?))];
    let mut seats = seats::<u64, u64, Bell>(&fronts, BOUNDS).into_iter();
    let (Some(here), Some(there), &[core, peer_core]) = (seats.next(), seats.next(), cores) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "two cores are needed"));
    };
    let peer = std::thread::spawn(move || {
        rt::pin_to_core(peer_core)?;
        rt::run(RuntimeKind::IoUring, || answer(there, waiting))?
    });
    // Rings belong to the thread that made them: each round has a thread of its own.
    let asker = std::thread::spawn(move || {
        rt::pin_to_core(core)?;
        rt::run(RuntimeKind::IoUring, || ask(here, waiting))?
    });
    let trips = asker.join().map_err(|_| io::Error::other("the asking shard panicked"))?;
    peer.join().map_err(|_| io::Error::other("the answering shard panicked"))??;
    trips
}

async fn ask(seat: Seat<u64, u64, Bell>, waiting: Waiting) -> io::Result<Histogram<u64>> {
    let mut end = End::new(seat, waiting)?;
    let mut trips = Histogram::new_with_bounds(1, 1_000_000_000, 3).map_err(io::Error::other)?;
    for trip in 1..=waiting.trips() {
        let from = cpu::wall_ns();
        end.seat.push_request(1, trip, BYTES).map_err(|_| io::Error::other("the ring is full"))?;
        end.seat.announce();
        while end.seat.pop_delivery(1) != Some(trip) {
            end.wait().await;
        }
        trips.saturating_record(cpu::wall_ns() - from);
    }
    Ok(trips)
}

async fn answer(seat: Seat<u64, u64, Bell>, waiting: Waiting) -> io::Result<()> {
    let mut end = End::new(seat, waiting)?;
    for trip in 1..=waiting.trips() {
        while end.seat.pop_request(0) != Some(trip) {
            end.wait().await;
        }
        end.seat.push_delivery(0, trip, BYTES).map_err(|_| io::Error::other("the ring is full"))?;
        end.seat.announce();
    }
    Ok(())
}

impl End {
    fn new(seat: Seat<u64, u64, Bell>, waiting: Waiting) -> io::Result<Self> {
        let ear = seat.front().waker().ear()?;
        Ok(Self { seat, ear, breath: Breath::new(RuntimeKind::IoUring)?, waiting })
    }

    /// Waits until somebody may have written.
    async fn wait(&self) {
        let front = self.seat.front();
        match self.waiting {
            Waiting::Spinning => loop {
                for _ in 0..LOOKS {
                    if front.is_marked() {
                        front.take(|_| {});
                        return;
                    }
                    std::hint::spin_loop();
                }
                self.breath.take().await;
            },
            Waiting::Parked => {
                if front.doze() {
                    self.ear.listen().await;
                    self.ear.hush();
                    front.rise();
                }
                front.take(|_| {});
            }
        }
    }
}
