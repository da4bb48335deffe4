//! A TCP stream that blocks, and gives up only when its time is over.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Deref;
use std::time::{Duration, Instant};

/// A stream whose reads and writes go on after the process was stopped or frozen for a while: with a timeout set, the
/// system then ends them with `EINTR` (signal(7)).
pub(crate) struct Patient {
    stream: TcpStream,
    patience: Duration,
}

impl Patient {
    pub(crate) fn connect(address: SocketAddr, patience: Duration) -> Result<Self> {
        TcpStream::connect(address).and_then(|stream| Self::over(stream, patience))
    }

    pub(crate) fn over(stream: TcpStream, patience: Duration) -> Result<Self> {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self { stream, patience })
    }

    fn again<T>(&mut self, mut act: impl FnMut(&mut TcpStream) -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        loop {
            match act(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::Interrupted && begun.elapsed() < self.patience => {}
                done => return done,
            }
        }
    }
}

impl Read for Patient {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        self.again(|stream| stream.read(bytes))
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.again(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        self.again(TcpStream::flush)
    }
}

impl Deref for Patient {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}
