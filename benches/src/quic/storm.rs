//! `ringway-bench quic-storm`: full handshakes, one after the other, and what one costs the server.
//!
//! A connection closes in the turn after the one in which it came to stand: else its last flight would never be sent.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use quinn_proto::{Connection, Event, VarInt};
use serde_json::json;

use super::driver::{Driver, Guest};
use crate::process;

/// How many, and how fast.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to connect
    #[arg(long)]
    connect: SocketAddr,
    /// Handshakes under way at once; a server asks for proof of the address above some number
    #[arg(long, default_value_t = 48)]
    concurrency: usize,
    /// Handshakes begun in a second; 0: as many as go
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// Milliseconds before the measurement begins
    #[arg(long, default_value_t = 500)]
    warm_ms: u64,
    /// Milliseconds measured
    #[arg(long, default_value_t = 3_000)]
    measure_ms: u64,
    /// The server's process
    #[arg(long)]
    server_pid: u32,
}

/// Lateness that is made up for.
const CATCH_UP: Duration = Duration::from_millis(2);

/// What all of them tell.
#[derive(Default)]
struct Storm {
    /// Connections that stand since this turn.
    standing: Vec<usize>,
    under_way: usize,
    done: u64,
    failed: u64,
}

/// One connection that comes and goes.
struct Visitor {
    index: usize,
    stands: bool,
}

impl Guest for Visitor {
    type Host = Storm;

    fn hear(&mut self, event: Event, _: &mut Connection, storm: &mut Storm) {
        match event {
            Event::Connected => {
                self.stands = true;
                storm.standing.push(self.index);
                storm.under_way -= 1;
                storm.done += 1;
            }
            Event::ConnectionLost { .. } if !self.stands => {
                storm.under_way -= 1;
                storm.failed += 1;
            }
            _ => {}
        }
    }
}

/// Prints one object.
///
/// # Errors
/// If there is no socket, or no such server process.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let mut driver = Driver::new(options.connect)?;
    let mut storm = Storm::default();
    let begun = Instant::now();
    let mut due = begun;
    let mut rage = |until: Instant, storm: &mut Storm| -> io::Result<()> {
        while Instant::now() < until {
            let now = Instant::now();
            // What could not begin in time is made up for only a little: a storm is steady.
            due = due.max(now - CATCH_UP);
            while storm.under_way < options.concurrency && (options.rate == 0 || due <= now) {
                let index = driver.connect(Visitor { index: 0, stands: false })?;
                driver.with(index, |visitor, _| visitor.index = index);
                storm.under_way += 1;
                if options.rate > 0 {
                    due += Duration::from_secs(1) / options.rate;
                }
            }
            for index in storm.standing.drain(..) {
                driver.with(index, |_, connection| {
                    connection.close(Instant::now(), VarInt::from_u32(0), bytes::Bytes::new());
                });
            }
            let longest = if options.rate > 0 { due.saturating_duration_since(now) } else { until - now };
            driver.turn(longest.min(until - now), storm)?;
        }
        Ok(())
    };
    rage(begun + Duration::from_millis(options.warm_ms), &mut storm)?;
    let (from, done, failed) = (Instant::now(), storm.done, storm.failed);
    let cpu = process::cpu_ns(options.server_pid)?;
    rage(from + Duration::from_millis(options.measure_ms), &mut storm)?;
    let seconds = from.elapsed().as_secs_f64();
    let (cpu, done) = (process::cpu_ns(options.server_pid)? - cpu, storm.done - done);
    println!(
        "{:#}",
        json!({
            "seconds": seconds,
            "handshakes": done,
            "failed": storm.failed - failed,
            "handshakes_per_s": done as f64 / seconds,
            "server_core": cpu as f64 / 1e9 / seconds,
            "server_us_per_handshake": cpu as f64 / 1e3 / done as f64,
        })
    );
    Ok(())
}
