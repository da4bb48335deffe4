//! What wakes a shard from other threads: an eventfd, written by whoever rings, polled by the shard while it sleeps.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use ringway_mesh::Wake;

use super::Io;

/// The ringing end; any thread.
#[derive(Debug)]
pub struct Bell {
    descriptor: OwnedFd,
}

impl Bell {
    /// A silent bell.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this descriptor.
        Ok(Self { descriptor: unsafe { OwnedFd::from_raw_fd(descriptor) } })
    }

    /// The listening end, for the shard's own thread.
    ///
    /// # Errors
    /// When the descriptor can't be duplicated or registered.
    pub fn ear(&self) -> io::Result<Ear> {
        Ok(Ear { io: Io::new(self.descriptor.try_clone()?)? })
    }
}

impl Wake for Bell {
    fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: eight bytes are readable at the pointer. A full counter (EAGAIN) rings already; nothing else can fail.
        unsafe { libc::write(self.descriptor.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }
}

/// The listening end; one per bell.
pub struct Ear {
    io: Io,
}

impl Ear {
    /// Waits until the bell rings, now or since it was last hushed.
    pub async fn listen(&self) {
        // Polling an eventfd fails only if the ring is gone; then nothing would wake this thread again anyway.
        let _ = self.io.readable().await;
    }

    /// Forgets the ringing so far.
    pub fn hush(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: eight bytes are writable at the pointer. EAGAIN: it did not ring.
        unsafe { libc::read(self.io.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}
