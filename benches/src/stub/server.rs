//! The loop: one thread, one epoll, no runtime.
//!
//! While a delivery waits for its moment the loop never sleeps: a delay is kept to the microsecond, at the price of a core.

use std::io::{self, ErrorKind, Read as _};
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::time::Duration;

use ringway_protocol::codec::{binary, frames};
use ringway_protocol::websocket::{FrameHeader, Item, Opcode, write_frame};

use super::link::{Link, Sent, Stage};
use super::room::{Batch, FRAME_BYTES_MAX, Room};
use super::schedule::{Delay, Random, Stall, Waiting};
use super::truth::Truth;
use crate::cpu;
use crate::epoll::{Epoll, Interest};

/// Taken from a socket at once: a whole burst of a publisher.
const READ_BYTES: usize = 1 << 20;
/// Payload of one WebSocket message at most; clients bound what they take.
const MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// How long one wait may last, so that the end is seen.
const PATIENCE_MS: u64 = 100;
/// The listener's number; links count from 0.
const LISTENER: u64 = u64::MAX;

/// What the server does to deliveries.
pub(super) struct Programme {
    pub(super) delay: Option<Delay>,
    pub(super) stall: Option<Stall>,
    pub(super) seed: u64,
    pub(super) spin: bool,
}

/// What goes to every member as it is.
struct Wire {
    bytes: Vec<u8>,
    intended: Vec<(Option<u64>, u64)>,
}

/// Everything on the server's thread.
pub(super) struct Server {
    listener: TcpListener,
    epoll: Epoll,
    /// By number; numbers are not used again.
    links: Vec<Option<Link>>,
    room: Room,
    batch: Batch,
    programme: Programme,
    random: Random,
    waiting: Waiting<Wire>,
    /// When the first publication came.
    began: Option<u64>,
    pub(super) truth: Truth,
    scratch: Box<[u8]>,
    replies: Vec<u8>,
}

impl Server {
    pub(super) fn new(listener: TcpListener, programme: Programme) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let epoll = Epoll::new()?;
        epoll.add(listener.as_fd(), LISTENER)?;
        Ok(Self {
            listener,
            epoll,
            links: Vec::new(),
            room: Room::new(),
            batch: Batch::default(),
            random: Random::new(programme.seed),
            programme,
            waiting: Waiting::new(),
            began: None,
            truth: Truth::new(),
            scratch: vec![0; READ_BYTES].into(),
            replies: Vec::new(),
        })
    }

    /// Serves until `is_over` says so, which is looked at ten times a second.
    pub(super) fn run(&mut self, is_over: impl Fn() -> bool) -> io::Result<()> {
        while !is_over() {
            self.stand_still();
            for event in 0..self.epoll.wait(self.patience_ms())? {
                let event = self.epoll.ready(event);
                if event.token == LISTENER {
                    self.accept()?;
                    continue;
                }
                let link = event.token as usize;
                if event.writable {
                    self.catch_up(link);
                }
                self.read(link)?;
            }
            self.deliver_due();
        }
        Ok(())
    }

    /// Never beyond the moment at which something is due.
    fn patience_ms(&self) -> i32 {
        if self.programme.spin || !self.waiting.is_empty() {
            return 0;
        }
        let stalls_in = self.stalls_at().map(|at| at.saturating_sub(cpu::wall_ns()) / 1_000_000);
        stalls_in.map_or(PATIENCE_MS, |ms| ms.min(PATIENCE_MS)) as i32
    }

    fn stalls_at(&self) -> Option<u64> {
        Some(self.began? + self.programme.stall?.at.as_nanos() as u64)
    }

    /// Once, when it is time.
    fn stand_still(&mut self) {
        if let Some(at) = self.stalls_at().filter(|at| *at <= cpu::wall_ns())
            && let Some(stall) = self.programme.stall.take()
        {
            let until = at + stall.length.as_nanos() as u64;
            std::thread::sleep(Duration::from_nanos(until.saturating_sub(cpu::wall_ns())));
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // Of a client that has gone meanwhile.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            self.epoll.add(stream.as_fd(), self.links.len() as u64)?;
            self.links.push(Some(Link::new(stream)));
        }
    }

    /// Takes what came on a connection and does what it says.
    fn read(&mut self, number: usize) -> io::Result<()> {
        let Some(mut link) = self.links[number].take() else { return Ok(()) };
        let mut scratch = std::mem::take(&mut self.scratch);
        let keeps = match link.stream.read(&mut scratch) {
            Ok(0) => Ok(false),
            Ok(count) => self.handle(number, &mut link, &mut scratch[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error.to_string()),
        };
        self.scratch = scratch;
        match keeps {
            Ok(true) => self.links[number] = Some(link),
            Ok(false) => self.room.leave(number),
            Err(fault) => {
                eprintln!("connection {number} is closed: {fault}");
                self.room.leave(number);
            }
        }
        if !self.batch.is_empty() {
            self.publish().map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// False if the peer closes.
    fn handle(&mut self, number: usize, link: &mut Link, input: &mut [u8]) -> Result<bool, String> {
        if !matches!(link.stage, Stage::Head { .. }) {
            return self.handle_messages(number, link, input);
        }
        match link.upgrade(input).map_err(|error| error.to_string())? {
            Some(mut first) => self.handle_messages(number, link, &mut first),
            None => Ok(true),
        }
    }

    fn handle_messages(&mut self, number: usize, link: &mut Link, input: &mut [u8]) -> Result<bool, String> {
        self.replies.clear();
        let (mut at, mut keeps) = (0, true);
        while at < input.len() {
            let (decoder, is_echo) = match &mut link.stage {
                Stage::Echo(decoder) => (decoder, true),
                Stage::Session(decoder) => (decoder, false),
                Stage::Head { .. } => return Ok(true),
            };
            let decoded = decoder.decode(&mut input[at..]).map_err(|violation| violation.to_string())?;
            at += decoded.consumed;
            match decoded.item {
                None | Some(Item::Pong(_)) => {}
                Some(Item::Ping(payload)) => write_frame(&mut self.replies, Opcode::Pong, payload),
                Some(Item::Close { .. }) => {
                    keeps = false;
                    break;
                }
                Some(Item::Binary(bytes)) if is_echo => {
                    self.truth.echoes += 1;
                    write_frame(&mut self.replies, Opcode::Binary, bytes);
                }
                Some(Item::Text(text)) if is_echo => {
                    self.truth.echoes += 1;
                    write_frame(&mut self.replies, Opcode::Text, text.as_bytes());
                }
                Some(Item::Binary(message)) => {
                    for frame in frames(message, FRAME_BYTES_MAX) {
                        let frame = frame.map_err(|error| error.to_string())?;
                        let command = binary::decode_command(frame).map_err(|error| error.to_string())?;
                        self.room.handle(number, &command, &mut self.batch, |answer| {
                            write_frame(&mut self.replies, Opcode::Binary, answer);
                        })?;
                    }
                }
                Some(Item::Text(_)) => return Err("the stub speaks the binary format only".into()),
            }
        }
        let sent = link.send(&self.replies).map_err(|error| error.to_string())?;
        if sent == Sent::PutOff {
            self.truth.put_off += 1;
            self.wait_for_room(number, link);
        }
        Ok(keeps)
    }

    /// What came in one read goes out, now or when its delay is over.
    fn publish(&mut self) -> Result<(), String> {
        let now = cpu::wall_ns();
        self.began.get_or_insert(now);
        self.truth.publications += self.batch.ends.len() as u64;
        let wire = Wire { bytes: coalesce(&self.batch), intended: self.batch.intended.clone() };
        self.batch.clear();
        let Some(delay) = self.programme.delay else {
            let members: Vec<usize> = self.room.members.iter().map(|member| member.link).collect();
            for member in members {
                self.deliver(member, &wire);
            }
            return Ok(());
        };
        let wire = Rc::new(wire);
        for member in &mut self.room.members {
            let due = (now + delay.draw(&mut self.random)).max(member.last_due);
            member.last_due = due;
            self.waiting.push(due, member.link, wire.clone())?;
        }
        Ok(())
    }

    fn deliver_due(&mut self) {
        while let Some(entry) = self.waiting.pop(cpu::wall_ns()) {
            self.deliver(entry.link, &entry.what);
        }
    }

    fn deliver(&mut self, number: usize, wire: &Wire) {
        let Some(mut link) = self.links[number].take() else { return };
        let sent = link.send(&wire.bytes);
        let now = cpu::wall_ns();
        for (intended, count) in &wire.intended {
            self.truth.sent(now, *intended, *count);
        }
        self.keep(number, link, sent);
    }

    fn catch_up(&mut self, number: usize) {
        let Some(mut link) = self.links[number].take() else { return };
        let sent = link.catch_up();
        if matches!(sent, Ok(Sent::Whole)) {
            // One that is gone is noticed at the next read.
            let _ = self.epoll.change(link.stream.as_fd(), number as u64, Interest::Read);
        }
        self.keep(number, link, sent);
    }

    /// Puts a connection back unless it broke.
    fn keep(&mut self, number: usize, link: Link, sent: io::Result<Sent>) {
        match sent {
            Ok(sent) => {
                if sent == Sent::PutOff {
                    self.truth.put_off += 1;
                    self.wait_for_room(number, &link);
                }
                self.links[number] = Some(link);
            }
            Err(error) => {
                eprintln!("connection {number} is closed: {error}");
                self.room.leave(number);
            }
        }
    }

    fn wait_for_room(&self, number: usize, link: &Link) {
        // One that is gone is noticed at the next read.
        let _ = self.epoll.change(link.stream.as_fd(), number as u64, Interest::ReadAndWrite);
    }
}

/// The frames of a batch as few WebSocket messages.
fn coalesce(batch: &Batch) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(batch.frames.len() + 64);
    let (mut from, mut to) = (0, 0);
    let mut message = |payload: &[u8]| {
        bytes.extend_from_slice(FrameHeader::new(Opcode::Binary, payload.len(), true).as_bytes());
        bytes.extend_from_slice(payload);
    };
    for &end in &batch.ends {
        if end - from > MESSAGE_BYTES_MAX && to > from {
            message(&batch.frames[from..to]);
            from = to;
        }
        to = end;
    }
    message(&batch.frames[from..to]);
    bytes
}
