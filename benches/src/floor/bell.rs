//! Ways to wake a thread that sleeps.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::epoll::Epoll;

/// How one thread wakes another. Each ring ends at most one wait; a ring before the wait ends it, too.
pub(super) trait Bell: Send + Sync + Sized + 'static {
    /// What the sleeper holds.
    type Ear;

    fn new() -> io::Result<Self>;
    /// The sleeper's side, made on its thread.
    fn ear(&self) -> io::Result<Self::Ear>;
    fn ring(&self) -> io::Result<()>;
    fn wait(&self, ear: &mut Self::Ear) -> io::Result<()>;
}

/// A blocking read of an eventfd.
pub(super) struct EventFd(OwnedFd);

impl Bell for EventFd {
    type Ear = ();

    fn new() -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made it, and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    fn ear(&self) -> io::Result<()> {
        Ok(())
    }

    fn ring(&self) -> io::Result<()> {
        let one = 1_u64;
        // SAFETY: eight readable bytes are passed, and the descriptor is open as long as `self` lives.
        let written = unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast(), 8) };
        if written == 8 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn wait(&self, (): &mut ()) -> io::Result<()> {
        let mut count = 0_u64;
        // SAFETY: eight writable bytes are passed, and the descriptor is open as long as `self` lives.
        let read = unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), 8) };
        if read == 8 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// An eventfd that is waited for through epoll, as a readiness-based runtime does.
pub(super) struct Epolled(EventFd);

impl Bell for Epolled {
    type Ear = Epoll;

    fn new() -> io::Result<Self> {
        EventFd::new().map(Self)
    }

    fn ear(&self) -> io::Result<Epoll> {
        let epoll = Epoll::new()?;
        epoll.add(self.0.0.as_fd(), 0)?;
        Ok(epoll)
    }

    fn ring(&self) -> io::Result<()> {
        self.0.ring()
    }

    fn wait(&self, ear: &mut Epoll) -> io::Result<()> {
        while ear.wait(-1)? == 0 {}
        self.0.wait(&mut ())
    }
}

/// A word in memory and the futex on it: no descriptor, and so nothing else can be waited for with it.
pub(super) struct Futex(AtomicU32);

impl Bell for Futex {
    type Ear = ();

    fn new() -> io::Result<Self> {
        Ok(Self(AtomicU32::new(0)))
    }

    fn ear(&self) -> io::Result<()> {
        Ok(())
    }

    fn ring(&self) -> io::Result<()> {
        self.0.store(1, Ordering::Release);
        // SAFETY: the word lives as long as `self`; waking takes no other pointer.
        let woken = unsafe {
            libc::syscall(libc::SYS_futex, self.0.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1)
        };
        if woken < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn wait(&self, (): &mut ()) -> io::Result<()> {
        while self.0.swap(0, Ordering::Acquire) == 0 {
            let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
            let no_timeout = std::ptr::null::<libc::timespec>();
            // SAFETY: the word lives as long as `self`; without a timeout no other pointer is read.
            let slept = unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, 0, no_timeout) };
            match io::Error::last_os_error() {
                _ if slept == 0 => {}
                error if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => {}
                error => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn wakes<B: Bell>() {
        let (there, back) = (Arc::new(B::new().unwrap()), Arc::new(B::new().unwrap()));
        let (their_there, their_back) = (there.clone(), back.clone());
        let sleeper = std::thread::spawn(move || {
            let mut ear = their_there.ear().unwrap();
            for _ in 0..100 {
                their_there.wait(&mut ear).unwrap();
                their_back.ring().unwrap();
            }
        });
        let mut ear = back.ear().unwrap();
        for _ in 0..100 {
            there.ring().unwrap();
            back.wait(&mut ear).unwrap();
        }
        sleeper.join().unwrap();
    }

    #[test]
    fn each_bell_wakes_its_sleeper_each_time() {
        wakes::<EventFd>();
        wakes::<Epolled>();
        wakes::<Futex>();
    }
}
