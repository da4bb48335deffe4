//! A hop between two cores: what a value handed to another thread costs in time, when that thread spins and when it sleeps.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;

use super::Options;
use super::bell::{Bell, Epolled, EventFd, Futex};
use crate::cpu;
use crate::table::Table;

const SPINNING_TRIPS: u64 = 100_000;
const PARKED_TRIPS: u64 = 5_000;

/// One way, half a round trip: median and 99th percentile of each alternation.
pub(super) fn table(options: &Options) -> io::Result<Table> {
    let columns = vec!["p50".to_owned(), "p99".to_owned()];
    let mut table = Table::new("one hop between two pinned threads", "wall ns, half a round trip", columns);
    for _ in 0..options.alternations {
        let cells = [
            ("both spin on a cache line", spinning(options)?),
            ("both sleep on a futex", parked::<Futex>(options)?),
            ("both sleep on an eventfd", parked::<EventFd>(options)?),
            ("both sleep on an eventfd, by epoll", parked::<Epolled>(options)?),
        ];
        for (name, trips) in cells {
            table.push(name, 0, trips.value_at_quantile(0.5) as f64 / 2.0);
            table.push(name, 1, trips.value_at_quantile(0.99) as f64 / 2.0);
        }
    }
    Ok(table)
}

/// Round trips in nanoseconds, by a turn number that each side waits for.
fn spinning(options: &Options) -> io::Result<Histogram<u64>> {
    let (there, back) = (Arc::new(Turn::default()), Arc::new(Turn::default()));
    let (their_there, their_back, core) = (there.clone(), back.clone(), options.peer_core);
    let peer = std::thread::spawn(move || {
        let pinned = cpu::pin(core);
        for trip in 1..=SPINNING_TRIPS {
            their_there.wait(trip);
            their_back.0.store(trip, Ordering::Release);
        }
        pinned
    });
    cpu::pin(options.core)?;
    let mut trips = histogram();
    for trip in 1..=SPINNING_TRIPS {
        let from = cpu::wall_ns();
        there.0.store(trip, Ordering::Release);
        back.wait(trip);
        trips.saturating_record(cpu::wall_ns() - from);
    }
    join(peer)?;
    Ok(trips)
}

/// A number on a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Turn(AtomicU64);

impl Turn {
    fn wait(&self, number: u64) {
        while self.0.load(Ordering::Acquire) != number {
            std::hint::spin_loop();
        }
    }
}

/// Round trips in nanoseconds, each side asleep meanwhile: two wake-ups.
fn parked<B: Bell>(options: &Options) -> io::Result<Histogram<u64>> {
    let (there, back) = (Arc::new(B::new()?), Arc::new(B::new()?));
    let (their_there, their_back, core) = (there.clone(), back.clone(), options.peer_core);
    let peer = std::thread::spawn(move || {
        cpu::pin(core)?;
        let mut ear = their_there.ear()?;
        for _ in 0..PARKED_TRIPS {
            their_there.wait(&mut ear)?;
            their_back.ring()?;
        }
        Ok(())
    });
    cpu::pin(options.core)?;
    let (mut trips, mut ear) = (histogram(), back.ear()?);
    for _ in 0..PARKED_TRIPS {
        let from = cpu::wall_ns();
        there.ring()?;
        back.wait(&mut ear)?;
        trips.saturating_record(cpu::wall_ns() - from);
    }
    join(peer)?;
    Ok(trips)
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 1_000_000_000, 3).expect("constant bounds are in order")
}

fn join(peer: std::thread::JoinHandle<io::Result<()>>) -> io::Result<()> {
    peer.join().map_err(|_| io::Error::other("the other thread panicked"))?
}
