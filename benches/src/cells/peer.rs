//! The clients of the echo cells, in a process of their own: one message in flight on each connection, sent again as soon as it is back.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use crate::epoll::Epoll;
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
    let mut epoll = Epoll::new()?;
    for (index, stream) in streams.iter().enumerate() {
        epoll.add(stream.as_fd(), index as u64)?;
    }
    let ended = drain::announce()?;

    let mut message = vec![0x5a_u8; options.bytes];
    let mut missing = vec![options.bytes; streams.len()];
    for stream in &streams {
        io::Write::write_all(&mut &*stream, &message)?;
    }
    while !ended.load(std::sync::atomic::Ordering::Relaxed) {
        for event in 0..epoll.wait(WAIT_MS)? {
            let index = epoll.ready(event).token as usize;
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
