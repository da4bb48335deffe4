//! A file descriptor whose readiness a task can wait for. Reading and writing is done by its owner, without waiting.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use monoio::net::UnixStream;

/// An open file descriptor on this shard. Closed when dropped; a wait that is dropped loses nothing.
pub struct Io {
    /// The slimmest type of monoio that is an owned descriptor with readiness; it never asks what kind it is.
    inner: UnixStream,
}

impl Io {
    /// Takes the descriptor to this shard's driver.
    ///
    /// # Errors
    /// When the driver can't register it (epoll only).
    pub fn new(descriptor: OwnedFd) -> io::Result<Self> {
        // SAFETY: the descriptor is owned, and ownership goes on to the stream.
        let stream = unsafe { std::os::unix::net::UnixStream::from_raw_fd(descriptor.into_raw_fd()) };
        Ok(Self { inner: UnixStream::from_std(stream)? })
    }

    /// Waits until there is something to read, or the other end is gone. One readiness is worth one read: there may be
    /// more afterwards, which the next wait tells at once.
    ///
    /// # Errors
    /// What polling said.
    pub async fn readable(&self) -> io::Result<()> {
        // Not relaxed: on epoll the cached readiness is confirmed, so that one read per wait is enough there too.
        self.inner.readable(false).await
    }

    /// Waits until there is room to write.
    ///
    /// # Errors
    /// What polling said.
    pub async fn writable(&self) -> io::Result<()> {
        self.inner.writable(false).await
    }
}

impl AsRawFd for Io {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}
