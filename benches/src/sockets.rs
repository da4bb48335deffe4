//! Many loopback connections between us and a [`crate::drain`] process: each side then has its own limit of open files.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// Rounds of the conversation that comes first.
const CONVERSATION: usize = 8;

/// What the process at the other ends does.
pub(crate) enum Reader {
    /// Empties every connection now and then.
    Lazy {
        /// Microseconds between two rounds.
        every_us: u64,
    },
    /// Sends a message on each connection, and again whenever it is back.
    Echoing {
        /// Its length.
        bytes: usize,
    },
}

impl Reader {
    fn arguments(&self) -> Vec<String> {
        match self {
            Self::Lazy { every_us } => vec!["drain".into(), "--every-us".into(), every_us.to_string()],
            Self::Echoing { bytes } => vec!["echo-peer".into(), "--bytes".into(), bytes.to_string()],
        }
    }
}

/// Our ends of the connections, and the process that reads the other ends until this is dropped.
pub(crate) struct Crowd {
    /// Our ends, blocking, without Nagle's delay.
    pub(crate) streams: Vec<TcpStream>,
    process: Child,
}

impl Crowd {
    /// Starts a reader of `count` connections on `core`, and waits until all are there.
    ///
    /// # Errors
    /// If sockets or the process can't be had.
    pub(crate) fn gather(count: usize, reader: &Reader, core: usize) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(reader.arguments())
            .args(["--connect", &listener.local_addr()?.to_string()])
            .args(["--connections", &count.to_string(), "--core", &core.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        if matches!(reader, Reader::Lazy { .. }) {
            for stream in &mut streams {
                converse(stream, true)?;
            }
        }
        // The reader says so once it reads: before that, sends would pile up.
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        if line.trim() != "ready" {
            return Err(io::Error::other(format!("the reader said {line:?}")));
        }
        Ok(Self { streams, process })
    }
}

/// A few bytes to and fro. The kernel acknowledges at once what comes to a peer that never spoke, which costs the sender half as much again;
/// clients do speak, and so must these readers.
///
/// # Errors
/// If the connection breaks.
pub(crate) fn converse(stream: &mut TcpStream, begins: bool) -> io::Result<()> {
    let mut byte = [0];
    for _ in 0..CONVERSATION {
        if begins {
            stream.write_all(&byte)?;
        }
        stream.read_exact(&mut byte)?;
        if !begins {
            stream.write_all(&byte)?;
        }
    }
    Ok(())
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
