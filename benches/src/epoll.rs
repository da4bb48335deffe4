//! Readiness of many descriptors, level-triggered: the few calls that our plain programs need.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Events taken at once.
const EVENTS: usize = 512;

/// What is waited for besides readability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Nothing.
    Read,
    /// Room to write.
    ReadAndWrite,
}

/// An epoll instance and the events of its last wait.
pub(crate) struct Epoll {
    descriptor: OwnedFd,
    events: Vec<libc::epoll_event>,
    ready: usize,
}

/// One descriptor that is ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// The number that it was added under.
    pub(crate) token: u64,
    /// It can be written to. Errors and ends count as readable.
    pub(crate) writable: bool,
}

impl Epoll {
    /// # Errors
    /// If the kernel has none to give.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made it, and nobody else owns it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { descriptor, events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS], ready: 0 })
    }

    /// Waits for a descriptor from now on; one that is closed is forgotten by itself.
    ///
    /// # Errors
    /// If it can't be waited for.
    pub(crate) fn add(&self, what: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, what.as_raw_fd(), token, Interest::Read)
    }

    /// Waits for something else of it.
    ///
    /// # Errors
    /// If it was not added.
    pub(crate) fn change(&self, what: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, what.as_raw_fd(), token, interest)
    }

    /// Waits for at most so many milliseconds; how many are ready, 0 too when a signal came.
    ///
    /// # Errors
    /// If the wait itself fails.
    pub(crate) fn wait(&mut self, patience_ms: i32) -> io::Result<usize> {
        // SAFETY: `events` is valid for writes of EVENTS events.
        let count = unsafe {
            libc::epoll_wait(
                self.descriptor.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS as i32,
                patience_ms,
            )
        };
        self.ready = match usize::try_from(count) {
            Ok(count) => count,
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => 0,
                error => return Err(error),
            },
        };
        Ok(self.ready)
    }

    /// One of those that the last wait found.
    ///
    /// # Panics
    /// If it found fewer.
    pub(crate) fn ready(&self, index: usize) -> Ready {
        let event = self.events[..self.ready][index];
        Ready { token: event.u64, writable: event.events & libc::EPOLLOUT as u32 != 0 }
    }

    fn control(&self, operation: i32, what: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        let wanted = match interest {
            Interest::Read => libc::EPOLLIN,
            Interest::ReadAndWrite => libc::EPOLLIN | libc::EPOLLOUT,
        };
        let mut event = libc::epoll_event { events: wanted as u32, u64: token };
        // SAFETY: both descriptors are open, and `event` is a valid event that the kernel copies.
        let done = unsafe { libc::epoll_ctl(self.descriptor.as_raw_fd(), operation, what, &raw mut event) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
