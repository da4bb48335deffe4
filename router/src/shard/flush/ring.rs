//! All writes of a batch through one submission of a ring that does nothing else.
//!
//! A ring of our own beside the runtime's: its submissions are sends that never wait (`MSG_DONTWAIT`), so all of them
//! are complete when the one system call that submits them returns, and are reaped at once. Nothing is ever in flight
//! outside of [`SendRing::write`]: that is what makes lending it plain slices sound.

use std::io;

use io_uring::{IoUring, opcode, types};
use slab::Slab;

use super::{BATCH_WRITES, Job};
use crate::rt;
use crate::shard::connection::Connection;
use crate::transport::socket::{Broken, SEND_FLAGS};

/// The ring.
pub(super) struct SendRing {
    ring: IoUring,
}

impl SendRing {
    /// A ring for the calling thread.
    pub(super) fn new() -> io::Result<Self> {
        let ring = rt::patiently(|| {
            IoUring::builder()
                .setup_single_issuer()
                .setup_defer_taskrun()
                .build(BATCH_WRITES.next_power_of_two() as u32)
        })?;
        Ok(Self { ring })
    }

    /// Writes all jobs, at most [`BATCH_WRITES`].
    pub(super) fn write(&mut self, jobs: &mut [Job], arena: &[u8], connections: &Slab<Connection>) {
        assert!(jobs.len() <= BATCH_WRITES, "{} writes in one batch", jobs.len());
        if jobs.is_empty() {
            return;
        }
        {
            let mut submissions = self.ring.submission();
            for (number, job) in jobs.iter().enumerate() {
                let bytes = job.bytes(arena, connections);
                let descriptor = types::Fd(connections[job.index as usize].descriptor());
                let entry = opcode::Send::new(descriptor, bytes.as_ptr(), bytes.len() as u32)
                    .flags(SEND_FLAGS)
                    .build()
                    .user_data(number as u64);
                // SAFETY: arena and connections are borrowed until this function returns, and every submission has
                // completed by then: they never wait, and the loop below counts the completions.
                unsafe { submissions.push(&entry) }.expect("the ring holds a whole batch");
            }
        }
        let mut missing = jobs.len();
        while missing > 0 {
            match self.ring.submit_and_wait(missing) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY)) => {}
                // Bytes may be on their way from memory that is about to be used again: nothing is safe any more.
                Err(error) => panic!("the send ring failed: {error}"),
            }
            for completion in self.ring.completion() {
                let job = &mut jobs[completion.user_data() as usize];
                job.sent = match completion.result() {
                    sent if sent >= 0 => Ok(sent as usize),
                    error if matches!(-error, libc::EAGAIN | libc::EINTR) => Ok(0),
                    _ => Err(Broken),
                };
                missing -= 1;
            }
        }
    }
}
