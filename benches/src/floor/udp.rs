//! Datagrams: one for each call, several for one call, and several as one that the kernel cuts (GSO).
//!
//! One connected socket, as a QUIC endpoint has one; the reader is lazy and on another core. Loopback cuts a GSO buffer for the receiver, on the
//! sender's account: a network card does that for nothing, so the gain is the smallest that there is.

use std::io;
use std::mem::zeroed;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{COALESCED, Options, Pace, cost_of};
use crate::cpu;
use crate::table::Table;

/// Datagrams between two looks at how far the reader is.
const ROUND: u64 = 256;
/// What is asked for; the host may grant less.
const BUFFER_BYTES: usize = 4 << 20;
/// What the kernel holds for a datagram besides its bytes, generously.
const OVERHEAD_BYTES: usize = 1_024;
/// Sleeps until what is missing counts as lost.
const LOOKS_MAX: usize = 100;

/// By size of a datagram.
pub(super) fn table(options: &Options) -> io::Result<Table> {
    let columns = options.datagram_bytes.iter().map(|bytes| format!("{bytes} bytes")).collect();
    let mut table = Table::new("one datagram", "CPU ns", columns);
    cpu::pin(options.core)?;
    for (column, &bytes) in options.datagram_bytes.iter().enumerate() {
        let line = Line::open(bytes, options)?;
        let pace = Pace { sample_ms: options.sample_ms, every_us: 0 };
        for alternation in 0..=options.alternations {
            let rows = [
                ("`send`".to_owned(), line.cost(pace, 1, || line.send_one())?),
                (format!("`sendmmsg`, {COALESCED} a call"), line.cost(pace, COALESCED, || line.send_many())?),
                (format!("GSO, {COALESCED} a call"), {
                    line.cut_at(bytes)?;
                    let cost = line.cost(pace, COALESCED, || line.send_whole());
                    line.cut_at(0)?;
                    cost?
                }),
            ];
            // The first round only warms up.
            for (name, cost) in rows.into_iter().filter(|_| alternation > 0) {
                table.push(&name, column, cost);
            }
        }
    }
    Ok(table)
}

/// A sender, and a reader on a thread of its own until this is dropped.
struct Line {
    sender: UdpSocket,
    payload: Vec<u8>,
    bytes: usize,
    /// How many may be unread.
    unread_max: u64,
    read: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    reader: Option<std::thread::JoinHandle<io::Result<()>>>,
}

impl Line {
    fn open(bytes: usize, options: &Options) -> io::Result<Self> {
        let (sender, receiver) =
            (UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?, UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
        sender.connect(receiver.local_addr()?)?;
        receiver.connect(sender.local_addr()?)?;
        receiver.set_nonblocking(true)?;
        let buffer = socket2::SockRef::from(&receiver);
        buffer.set_recv_buffer_size(BUFFER_BYTES)?;
        let unread_max = (buffer.recv_buffer_size()? / (2 * bytes + OVERHEAD_BYTES)) as u64;
        let (read, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, flag, core) = (read.clone(), ended.clone(), options.peer_core);
        let reader = std::thread::spawn(move || {
            cpu::pin(core)?;
            drain(&receiver, &counter, &flag)
        });
        let payload = vec![0x5a; bytes * COALESCED];
        Ok(Self { sender, payload, bytes, unread_max, read, ended, reader: Some(reader) })
    }

    /// CPU nanoseconds of one datagram when a call sends so many.
    fn cost(
        &self,
        pace: Pace,
        of_a_call: usize,
        mut call: impl FnMut() -> io::Result<()>,
    ) -> io::Result<f64> {
        let mut sent = 0;
        self.read.store(0, Ordering::Relaxed);
        let round = (ROUND.min(self.unread_max / 2) as usize / of_a_call).max(1);
        cost_of(pace, || {
            for _ in 0..round {
                call()?;
            }
            let datagrams = (round * of_a_call) as u64;
            sent += datagrams;
            // Asleep, which costs next to nothing, until there is room for another round.
            for _ in 0..LOOKS_MAX {
                if self.read.load(Ordering::Relaxed) + self.unread_max >= sent + datagrams {
                    return Ok(datagrams);
                }
                std::thread::sleep(Duration::from_micros(100));
            }
            // What the reader will never see is lost.
            sent = self.read.load(Ordering::Relaxed);
            Ok(datagrams)
        })
    }

    fn send_one(&self) -> io::Result<()> {
        self.sender.send(&self.payload[..self.bytes]).map(drop)
    }

    /// One buffer, which the socket cuts if it was told where.
    fn send_whole(&self) -> io::Result<()> {
        self.sender.send(&self.payload).map(drop)
    }

    fn send_many(&self) -> io::Result<()> {
        let mut pieces: [libc::iovec; COALESCED] = std::array::from_fn(|index| libc::iovec {
            iov_base: self.payload[index * self.bytes..].as_ptr().cast_mut().cast(),
            iov_len: self.bytes,
        });
        // SAFETY: all zeroes is a valid message header: no name, no pieces, no control data.
        let mut messages: [libc::mmsghdr; COALESCED] = unsafe { zeroed() };
        for (message, piece) in messages.iter_mut().zip(&mut pieces) {
            message.msg_hdr.msg_iov = piece;
            message.msg_hdr.msg_iovlen = 1;
        }
        let socket = self.sender.as_raw_fd();
        // SAFETY: each header points to one piece, each piece into `payload`; all of them live until the call returns, and sending only reads.
        let sent = unsafe { libc::sendmmsg(socket, messages.as_mut_ptr(), COALESCED as u32, 0) };
        match usize::try_from(sent) {
            Ok(COALESCED) => Ok(()),
            Ok(sent) => Err(io::Error::other(format!("`sendmmsg` sent {sent} of {COALESCED}"))),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Lets the kernel cut what is sent into datagrams of this size; 0: no more.
    fn cut_at(&self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as libc::c_int;
        // SAFETY: the option takes one int, which is passed with its size.
        let set = unsafe {
            libc::setsockopt(
                self.sender.as_raw_fd(),
                libc::SOL_UDP,
                libc::UDP_SEGMENT,
                (&raw const bytes).cast(),
                size_of_val(&bytes) as libc::socklen_t,
            )
        };
        if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Empties the socket now and then, and counts.
fn drain(socket: &UdpSocket, read: &AtomicU64, ended: &AtomicBool) -> io::Result<()> {
    let mut scratch = [0; 2_048];
    while !ended.load(Ordering::Relaxed) {
        loop {
            match socket.recv(&mut scratch) {
                Ok(_) => read.fetch_add(1, Ordering::Relaxed),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}
