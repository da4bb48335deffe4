//! Lazy readers: many connections that are emptied every few milliseconds, so that a sender on another core is measured and not they.
//!
//! An eager reader would be woken for every message, and its wake-up would be charged to the sender. Runs as its own process, which ends when
//! its standard input does: whatever happens to the one who started it, it does not stay behind.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cpu;
use crate::sockets::converse;

/// What to connect to and how lazily to read.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to connect
    #[arg(long)]
    connect: SocketAddr,
    /// How many connections
    #[arg(long, default_value_t = 1_000)]
    connections: usize,
    /// Microseconds between two rounds
    #[arg(long, default_value_t = 5_000)]
    every_us: u64,
    /// Core to read on
    #[arg(long)]
    core: Option<usize>,
}

/// Bytes taken from a socket at once: more than gathers between two rounds.
const SCRATCH_BYTES: usize = 1 << 20;

/// Reads until standard input ends or a connection is closed.
///
/// # Errors
/// If a connection can't be had or breaks.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    if let Some(core) = options.core {
        cpu::pin(core)?;
    }
    cpu::raise_open_files()?;
    let mut streams = connect(options.connect, options.connections)?;
    for stream in &mut streams {
        converse(stream, false)?;
    }
    let ended = announce()?;

    let mut scratch = vec![0; SCRATCH_BYTES];
    while !ended.load(Ordering::Relaxed) {
        for stream in &streams {
            if !drain(stream, &mut scratch)? {
                return Ok(());
            }
        }
        std::thread::sleep(Duration::from_micros(options.every_us));
    }
    Ok(())
}

/// Takes what is there; false when the other side has closed.
fn drain(stream: &TcpStream, scratch: &mut [u8]) -> io::Result<bool> {
    // SAFETY: `scratch` is valid for writes of its length, and the descriptor is open as long as `stream` lives.
    let read = unsafe {
        libc::recv(stream.as_raw_fd(), scratch.as_mut_ptr().cast(), scratch.len(), libc::MSG_DONTWAIT)
    };
    match read {
        0 => Ok(false),
        1.. => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            error if error.kind() == io::ErrorKind::ConnectionReset => Ok(false),
            error => Err(error),
        },
    }
}

/// Opens the connections.
pub(crate) fn connect(address: SocketAddr, count: usize) -> io::Result<Vec<TcpStream>> {
    (0..count)
        .map(|_| {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            // Reset instead of TIME_WAIT: thousands of those would be left to the next table.
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            Ok(stream)
        })
        .collect()
}

/// Tells the one who started this process that it is ready; the flag becomes true when standard input ends.
pub(crate) fn announce() -> io::Result<Arc<AtomicBool>> {
    println!("ready");
    io::stdout().flush()?;
    let ended = Arc::new(AtomicBool::new(false));
    let flag = ended.clone();
    std::thread::spawn(move || {
        let mut byte = [0];
        while matches!(io::stdin().read(&mut byte), Ok(1..)) {}
        flag.store(true, Ordering::Relaxed);
    });
    Ok(ended)
}
