//! A way through the driver for a task that has more to do: completions, timers and foreign wakes get their turn.
//!
//! A task that just wakes itself goes to the front of the queue and starves all of those: only parking reaps them.
//! So the yield is an operation that the driver completes: the readiness of an eventfd that is always ready (a ring
//! polls it anew each time), or, on epoll, one that is made ready after the wait was armed.

use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::pin::pin;
use std::task::Poll;

use super::Io;
use crate::node::RuntimeKind;

/// An idle descriptor to take breath at.
pub struct Breath {
    io: Io,
    kind: RuntimeKind,
}

impl Breath {
    /// For tasks of this shard.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn new(kind: RuntimeKind) -> io::Result<Self> {
        let ready = match kind {
            RuntimeKind::IoUring => 1,
            RuntimeKind::Epoll => 0,
        };
        // SAFETY: no pointers are passed.
        let descriptor = unsafe { libc::eventfd(ready, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this descriptor.
        let io = Io::new(unsafe { OwnedFd::from_raw_fd(descriptor) })?;
        Ok(Self { io, kind })
    }

    /// Passes once through the driver. One task at a time.
    pub async fn take(&self) {
        match self.kind {
            RuntimeKind::IoUring => {
                let _ = self.io.readable().await;
            }
            RuntimeKind::Epoll => self.take_by_epoll().await,
        }
    }

    async fn take_by_epoll(&self) {
        self.drain();
        let mut ready = pin!(self.io.readable());
        let mut armed = false;
        std::future::poll_fn(|context| {
            let state = ready.as_mut().poll(context);
            if state.is_pending() && !armed {
                armed = true;
                self.fill();
            }
            match state {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
    }

    fn drain(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: eight bytes are writable at the pointer.
        unsafe { libc::read(self.io.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }

    fn fill(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: eight bytes are readable at the pointer.
        unsafe { libc::write(self.io.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }
}
