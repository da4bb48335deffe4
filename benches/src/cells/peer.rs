//! The clients of the echo cells, in a process of their own: one message in flight on each connection, sent again as soon as it is back.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::{cpu, drain};

/// What to connect to, and what to send.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to connect
    #[arg(long)]
    connect: SocketAddr,
    /// How many connections
    #[arg(long, default_value_t = 100)]
    connections: usize,
    /// Bytes of one message
    #[arg(long, default_value_t = 140)]
    bytes: usize,
    /// Core to run on
    #[arg(long)]
    core: Option<usize>,
}

const EVENTS: usize = 512;
/// How long one wait may last, so that the end of standard input is seen.
const WAIT_MS: i32 = 100;

/// Plays until standard input ends or a connection is closed.
///
/// # Errors
/// If a connection can't be had or breaks.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    if let Some(core) = options.core {
        cpu::pin(core)?;
    }
    cpu::raise_open_files()?;
    let streams = drain::connect(options.connect, options.connections)?;
    let epoll = epoll()?;
    for (index, stream) in streams.iter().enumerate() {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: index as u64 };
        // SAFETY: both descriptors are open, and `event` is a valid event that the kernel copies.
        let added = unsafe {
            libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, stream.as_raw_fd(), &raw mut event)
        };
        if added != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    let ended = drain::announce()?;

    let mut message = vec![0x5a_u8; options.bytes];
    let mut missing = vec![options.bytes; streams.len()];
    for stream in &streams {
        io::Write::write_all(&mut &*stream, &message)?;
    }
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS];
    while !ended.load(std::sync::atomic::Ordering::Relaxed) {
        // SAFETY: `events` is valid for writes of EVENTS events.
        let count =
            unsafe { libc::epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr(), EVENTS as i32, WAIT_MS) };
        for event in events.iter().take(usize::try_from(count).unwrap_or(0)) {
            let index = event.u64 as usize;
            let mut stream = &streams[index];
            let read = match io::Read::read(&mut stream, &mut message[..missing[index]]) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error),
            };
            missing[index] -= read;
            if missing[index] == 0 {
                missing[index] = options.bytes;
                if io::Write::write_all(&mut stream, &message).is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn epoll() -> io::Result<OwnedFd> {
    // SAFETY: no pointer is passed.
    let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made it, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
