//! `ringway-bench quic-drain`: connects, joins, reads for a while, and says what came and what it cost the server, as JSON.
//!
//! Readers are lazy where the server's cost is measured: the socket is emptied every millisecond, so that a send does not pay for waking them;
//! with `--every-us 0` they are eager, for latency.

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use std::{io, thread};

use hdrhistogram::Histogram;
use quinn_proto::VarInt;
use ringway_protocol::Lane;
use serde_json::{Value, json};

use super::driver::Driver;
use super::publisher::Publisher;
use super::session::{Host, Part, Session, Tally};
use crate::{cpu, process};

/// What to connect to, what to publish there and how to read.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to connect
    #[arg(long)]
    connect: SocketAddr,
    /// How many connections read
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// The server is `quic-floor`: no sessions, nothing to publish
    #[arg(long)]
    floor: bool,
    /// Room to join
    #[arg(long, default_value = "quic")]
    room: String,
    /// How what is published travels
    #[arg(long, value_enum, default_value_t = LaneChoice::Unreliable)]
    lane: LaneChoice,
    /// Publications at once
    #[arg(long, default_value_t = 1)]
    burst: usize,
    /// Times a second that so many are published; 0: nothing is
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// Bytes of a body
    #[arg(long, default_value_t = 200)]
    body: usize,
    /// Microseconds between two rounds of reading; 0: read at once
    #[arg(long, default_value_t = 1_000)]
    every_us: u64,
    /// Every how many-th session looks at each frame
    #[arg(long, default_value_t = 16)]
    check_every: usize,
    /// Milliseconds before the measurement begins
    #[arg(long, default_value_t = 1_000)]
    warm_ms: u64,
    /// Milliseconds measured
    #[arg(long, default_value_t = 3_000)]
    measure_ms: u64,
    /// The server's process
    #[arg(long)]
    server_pid: u32,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum LaneChoice {
    Reliable,
    Latest,
    Unreliable,
}

impl From<LaneChoice> for Lane {
    fn from(choice: LaneChoice) -> Self {
        match choice {
            LaneChoice::Reliable => Self::Reliable,
            LaneChoice::Latest => Self::Latest,
            LaneChoice::Unreliable => Self::Unreliable,
        }
    }
}

/// Handshakes under way at once: fewer than a server asks to prove their address.
const CONNECTING_MAX: usize = 32;
/// How long all of them may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);
/// Ages are told up to a minute.
const AGE_US_MAX: u64 = 60_000_000;
/// Leaving takes so long at most.
const GOODBYE: Duration = Duration::from_millis(300);
/// The code with which a client leaves.
const LEAVES: VarInt = VarInt::from_u32(1_000);

/// Prints one object.
///
/// # Errors
/// If a connection is refused or lost, or the server breaks a promise.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let mut drain = Drain::new(options)?;
    let resident_before = process::resident_bytes(options.server_pid)?;
    drain.connect()?;
    drain.read_for(Duration::from_millis(options.warm_ms))?;
    let before = drain.look()?;
    drain.host.ages.reset();
    drain.read_for(Duration::from_millis(options.measure_ms))?;
    let after = drain.look()?;
    let report = drain.report(&before, &after, resident_before);
    drain.leave()?;
    println!("{report:#}");
    Ok(())
}

/// A run under way.
struct Drain<'a> {
    options: &'a Options,
    driver: Driver<Session>,
    host: Host,
    publisher: Option<Publisher>,
}

/// What stands at one moment.
struct Look {
    at: Instant,
    tally: Tally,
    server_ns: u64,
    client_ns: u64,
    server_resident: u64,
    udp_datagrams: u64,
    turns: u64,
    left_out: u64,
}

impl<'a> Drain<'a> {
    fn new(options: &'a Options) -> io::Result<Self> {
        let ages = Histogram::new_with_max(AGE_US_MAX, 3).map_err(io::Error::other)?;
        let host = Host::new((!options.floor).then(|| options.room.clone()), ages);
        Ok(Self { options, driver: Driver::new(options.connect)?, host, publisher: None })
    }

    /// Opens all connections and waits until their sessions stand.
    fn connect(&mut self) -> io::Result<()> {
        let options = self.options;
        let publishes = options.rate > 0 && !options.floor;
        let wanted = options.connections + usize::from(publishes);
        let (mut begun, until) = (0, Instant::now() + CONNECT_PATIENCE);
        let mut last = 0;
        while self.host.ready < wanted {
            while begun < wanted && begun - self.host.ready < CONNECTING_MAX {
                let part = match begun {
                    number if number == options.connections => match options.lane {
                        LaneChoice::Latest => Part::PublishesInside,
                        LaneChoice::Reliable | LaneChoice::Unreliable => Part::Publishes,
                    },
                    number if number.is_multiple_of(options.check_every) && !options.floor => Part::Checks,
                    _ => Part::Counts,
                };
                last = self.driver.connect(Session::new(part))?;
                begun += 1;
            }
            self.driver.turn(Duration::from_millis(20), &mut self.host)?;
            self.blame()?;
            if Instant::now() > until {
                let text = format!("{} of {wanted} connected", self.host.ready);
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
        }
        if publishes {
            let lane = options.lane.into();
            self.publisher = Some(Publisher::new(last, options.rate, options.burst, lane, options.body)?);
        }
        Ok(())
    }

    /// Publishes and reads for so long.
    fn read_for(&mut self, time: Duration) -> io::Result<()> {
        let every = Duration::from_micros(self.options.every_us);
        let until = Instant::now() + time;
        loop {
            if let Some(publisher) = &mut self.publisher {
                publisher.publish(&mut self.driver, &mut self.host);
            }
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            let due = self.publisher.as_ref().map_or(until, |publisher| publisher.due().min(until));
            let early = due.saturating_duration_since(now);
            if every.is_zero() {
                self.driver.turn(early, &mut self.host)?;
            } else {
                self.driver.turn(Duration::ZERO, &mut self.host)?;
                thread::sleep(every.min(due.saturating_duration_since(Instant::now())));
            }
            self.blame()?;
        }
    }

    fn blame(&mut self) -> io::Result<()> {
        self.host.fault.take().map_or(Ok(()), |fault| Err(io::Error::other(fault)))
    }

    fn look(&self) -> io::Result<Look> {
        Ok(Look {
            at: Instant::now(),
            tally: self.host.tally,
            server_ns: process::cpu_ns(self.options.server_pid)?,
            client_ns: cpu::thread_ns(),
            server_resident: process::resident_bytes(self.options.server_pid)?,
            udp_datagrams: self.driver.datagrams_received(),
            turns: self.publisher.as_ref().map_or(0, |publisher| publisher.turns),
            left_out: self.publisher.as_ref().map_or(0, |publisher| publisher.left_out),
        })
    }

    fn report(&self, before: &Look, after: &Look, resident_before: u64) -> Value {
        let seconds = after.at.duration_since(before.at).as_secs_f64();
        let (was, is) = (&before.tally, &after.tally);
        let streams = is.stream - was.stream;
        let (short_streams, datagrams) = (is.short_streams - was.short_streams, is.datagrams - was.datagrams);
        let frames = streams + short_streams + datagrams;
        let per_frame = |amount: u64| (frames > 0).then(|| amount as f64 / frames as f64);
        let server_ns = after.server_ns - before.server_ns;
        let grown = after.server_resident.saturating_sub(resident_before);
        let age = |quantile| (!self.host.ages.is_empty()).then(|| self.host.ages.value_at_quantile(quantile));
        json!({
            "connections": self.options.connections,
            "seconds": seconds,
            "frames": frames,
            "frames_on_streams": streams,
            "frames_on_short_streams": short_streams,
            "frames_in_datagrams": datagrams,
            "frames_per_s": frames as f64 / seconds,
            "frame_bytes": per_frame(is.bytes - was.bytes),
            "udp_datagrams_per_frame": per_frame(after.udp_datagrams - before.udp_datagrams),
            "published": (after.turns - before.turns) * self.options.burst as u64,
            "turns_left_out": after.left_out - before.left_out,
            "server_ns_per_frame": per_frame(server_ns),
            "server_core": server_ns as f64 / 1e9 / seconds,
            "client_core": (after.client_ns - before.client_ns) as f64 / 1e9 / seconds,
            "server_bytes_per_session": grown as f64 / self.options.connections as f64,
            "p50_us": age(0.5),
            "p99_us": age(0.99),
            "p999_us": age(0.999),
        })
    }

    /// All go, and the server hears of it.
    fn leave(&mut self) -> io::Result<()> {
        self.host.closing = true;
        self.publisher = None;
        for index in self.driver.open() {
            self.driver.with(index, |_, connection| {
                connection.close(Instant::now(), LEAVES, bytes::Bytes::new());
            });
        }
        let until = Instant::now() + GOODBYE;
        while Instant::now() < until && !self.driver.open().is_empty() {
            self.driver.turn(Duration::from_millis(10), &mut self.host)?;
        }
        Ok(())
    }
}
