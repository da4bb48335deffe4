//! A hop between two cores: what a value handed to another thread costs in time, when that thread spins and when it sleeps.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;

use super::Options;
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
            ("both sleep on an eventfd", parked(options)?),
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

/// Round trips in nanoseconds, each side asleep in a blocking read meanwhile.
fn parked(options: &Options) -> io::Result<Histogram<u64>> {
    let (there, back) = (Arc::new(doorbell()?), Arc::new(doorbell()?));
    let (their_there, their_back, core) = (there.clone(), back.clone(), options.peer_core);
    let peer = std::thread::spawn(move || {
        cpu::pin(core)?;
        for _ in 0..PARKED_TRIPS {
            wait(&their_there)?;
            ring(&their_back)?;
        }
        Ok(())
    });
    cpu::pin(options.core)?;
    let mut trips = histogram();
    for _ in 0..PARKED_TRIPS {
        let from = cpu::wall_ns();
        ring(&there)?;
        wait(&back)?;
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

fn doorbell() -> io::Result<OwnedFd> {
    // SAFETY: no pointer is passed.
    let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made it, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn ring(bell: &OwnedFd) -> io::Result<()> {
    let one = 1_u64;
    // SAFETY: eight readable bytes are passed, and the descriptor is open as long as `bell` lives.
    let written = unsafe { libc::write(bell.as_raw_fd(), (&raw const one).cast(), 8) };
    if written == 8 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn wait(bell: &OwnedFd) -> io::Result<()> {
    let mut count = 0_u64;
    // SAFETY: eight writable bytes are passed, and the descriptor is open as long as `bell` lives.
    let read = unsafe { libc::read(bell.as_raw_fd(), (&raw mut count).cast(), 8) };
    if read == 8 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
