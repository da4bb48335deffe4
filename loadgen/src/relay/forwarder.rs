//! The forwarder: one thread between two TUN devices, which asks the model about each packet and does as it says.
//!
//! A turn hands over what is due, then reads a bounded batch, in both directions, until nothing is left to read; then
//! the thread sleeps until the next packet comes or is due. It runs with realtime priority where the system allows it:
//! a network does not wait for the CPU of the hosts that it connects. Packets that are not IPv4 are dropped before the
//! model sees them: the kernel sends some by itself at times of its own, which would change everybody's luck.

use std::fs::File;
use std::io::{self, ErrorKind, PipeWriter, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::flight::Flight;
use super::model::{Line, Verdict};
use super::sys;
use crate::engine::{Epoll, Interest, Nanos, pin_to_core, sharpen_timers, thread_cpu};
use crate::report::Latency;

/// Packets read, and packets handed over, in one direction before the other has its turn: few, since each costs
/// microseconds and whatever is due waits meanwhile.
const BATCH_MAX: usize = 16;
/// The keys of what the thread sleeps on: the devices have the numbers of their directions.
const STOP: u64 = 2;

/// What happened in one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    /// Packets that set out, and their bytes with IP headers.
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// Packets and bytes that arrived.
    pub(super) delivered: u64,
    pub(super) delivered_bytes: u64,
    /// Packets that were lost, and those that found the queue full.
    pub(super) lost: u64,
    pub(super) queue_full: u64,
    /// Packets that arrived after one that had set out later.
    pub(super) reordered: u64,
    /// Packets dropped because too many were under way, and packets that the receiving kernel refused.
    pub(super) overflowed: u64,
    pub(super) refused: u64,
    /// Packets still under way at the end.
    pub(super) under_way: u64,
    /// How much later than due packets were handed over.
    pub(super) lateness: Latency,
}

/// What the forwarder did in its life.
pub(super) struct Outcome {
    /// By direction: up, down.
    pub(super) traffic: [Traffic; 2],
    pub(super) cpu: Duration,
    /// Whether the system let it run before everybody else.
    pub(super) realtime: bool,
}

/// The running thread. It stops when told, or when this is dropped.
pub(super) struct Forwarder {
    thread: JoinHandle<io::Result<Outcome>>,
    stop: PipeWriter,
}

/// One direction: where packets come from, what they meet, where they go.
struct Way {
    from: File,
    to: File,
    line: Line,
    flight: Flight,
    traffic: Traffic,
    /// One more than the highest ordinal that arrived.
    expected: u64,
}

impl Forwarder {
    /// Starts it between two devices, with the lines from the first to the second and back.
    pub(super) fn start(
        devices: [File; 2],
        [there, back]: [Line; 2],
        mtu_bytes: u32,
        core: Option<usize>,
    ) -> io::Result<Self> {
        let [first, second] = devices;
        let mut ways = [
            Way::new(first.try_clone()?, second.try_clone()?, there, mtu_bytes),
            Way::new(second, first, back, mtu_bytes),
        ];
        let (stopped, stop) = io::pipe()?;
        let epoll = Epoll::new(4)?;
        let read = Interest { read: true, write: false };
        epoll.add(ways[0].from.as_raw_fd(), 0, read)?;
        epoll.add(ways[1].from.as_raw_fd(), 1, read)?;
        epoll.add(stopped.as_raw_fd(), STOP, read)?;
        let thread = thread::Builder::new().name("forwarder".to_owned()).spawn(move || {
            if let Some(core) = core {
                let named = |fault: io::Error| io::Error::new(fault.kind(), format!("core {core}: {fault}"));
                pin_to_core(core).map_err(named)?;
            }
            sharpen_timers();
            let realtime = sys::run_first();
            forward(&mut ways, epoll)?;
            drop(stopped);
            Ok(Outcome { traffic: ways.map(Way::finish), cpu: thread_cpu(), realtime })
        })?;
        Ok(Self { thread, stop })
    }

    /// Whether it ended without being told to, which only a fault does; [`Self::stop`] has it.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Stops it and says what it did.
    pub(super) fn stop(self) -> io::Result<Outcome> {
        drop(self.stop);
        self.thread.join().expect("the forwarder does not panic")
    }
}

/// Forwards until told to stop.
fn forward(ways: &mut [Way; 2], mut epoll: Epoll) -> io::Result<()> {
    loop {
        let mut busy = false;
        for way in ways.iter_mut() {
            busy |= way.hand_over();
            busy |= way.take_in()?;
        }
        // A busy thread looks at what it was told only; it must not sleep past what is due, nor miss the end.
        let next_due = ways.iter().filter_map(|way| way.flight.next_due()).min();
        let idle_for = next_due.map(|due| due.since(Nanos::now()));
        epoll.wait(if busy { Some(Duration::ZERO) } else { idle_for })?;
        if (0..epoll.count()).filter_map(|index| epoll.ready(index)).any(|ready| ready.key == STOP) {
            return Ok(());
        }
    }
}

impl Way {
    fn new(from: File, to: File, line: Line, mtu_bytes: u32) -> Self {
        let flight = Flight::new(mtu_bytes as usize);
        Self { from, to, line, flight, traffic: Traffic::default(), expected: 0 }
    }

    /// Hands over what is due, up to a batch; says whether there may be more.
    fn hand_over(&mut self) -> bool {
        for _ in 0..BATCH_MAX {
            let now = Nanos::now();
            let Some(arrival) = self.flight.arrive(now) else { return false };
            self.traffic.lateness.record(now.since(arrival.due));
            self.traffic.reordered += u64::from(arrival.ordinal < self.expected);
            self.expected = self.expected.max(arrival.ordinal + 1);
            match self.to.write(&arrival.packet) {
                Ok(bytes) => {
                    self.traffic.delivered += 1;
                    self.traffic.delivered_bytes += bytes as u64;
                }
                // Out of memory, or a packet that the kernel does not like: lost, as on any host.
                Err(_) => self.traffic.refused += 1,
            }
            self.flight.recycle(arrival.packet);
        }
        true
    }

    /// Reads packets, up to a batch; says whether there may be more.
    fn take_in(&mut self) -> io::Result<bool> {
        for _ in 0..BATCH_MAX {
            let mut packet = self.flight.buffer();
            match self.from.read(&mut packet) {
                Ok(bytes) => packet.truncate(bytes),
                Err(fault) => {
                    self.flight.recycle(packet);
                    return match fault.kind() {
                        ErrorKind::WouldBlock => Ok(false),
                        ErrorKind::Interrupted => Ok(true),
                        _ => Err(fault),
                    };
                }
            }
            self.dispatch(packet);
        }
        Ok(true)
    }

    fn dispatch(&mut self, packet: Vec<u8>) {
        let is_ipv4 = packet.first().is_some_and(|first| first >> 4 == 4);
        if !is_ipv4 {
            return self.flight.recycle(packet);
        }
        self.traffic.packets += 1;
        self.traffic.bytes += packet.len() as u64;
        match self.line.handle_packet(Nanos::now(), packet.len()) {
            Verdict::Deliver(due) => {
                if let Err(packet) = self.flight.depart(due, packet) {
                    self.traffic.overflowed += 1;
                    self.flight.recycle(packet);
                }
            }
            Verdict::Lost => {
                self.traffic.lost += 1;
                self.flight.recycle(packet);
            }
            Verdict::QueueFull => {
                self.traffic.queue_full += 1;
                self.flight.recycle(packet);
            }
        }
    }

    fn finish(self) -> Traffic {
        Traffic { under_way: self.flight.len() as u64, ..self.traffic }
    }
}
