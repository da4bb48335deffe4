//! The same through a send-only ring: many submissions for one entry into the kernel, reaped in the same entry.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};

use io_uring::{IoUring, opcode, types};

use super::send::send_whole;

/// A ring that only sends.
pub(super) struct Sender {
    ring: IoUring,
    batch: usize,
}

impl Sender {
    /// A ring of `batch` submissions, for the calling thread alone.
    pub(super) fn new(batch: u32) -> io::Result<Self> {
        let ring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(batch)?;
        Ok(Self { ring, batch: batch as usize })
    }

    /// CPU nanoseconds of one write of `payload`, over all sockets in turn.
    pub(super) fn cost(
        &mut self,
        streams: &[TcpStream],
        payload: &[u8],
        pace: super::Pace,
    ) -> io::Result<f64> {
        let sockets: Vec<RawFd> = streams.iter().map(AsRawFd::as_raw_fd).collect();
        super::cost_of(pace, || {
            for batch in sockets.chunks(self.batch) {
                self.send(batch, payload)?;
            }
            Ok(sockets.len() as u64)
        })
    }

    /// One submission for each socket, one entry into the kernel for all.
    fn send(&mut self, sockets: &[RawFd], payload: &[u8]) -> io::Result<()> {
        {
            let mut queue = self.ring.submission();
            for (index, &socket) in sockets.iter().enumerate() {
                let entry = opcode::Send::new(types::Fd(socket), payload.as_ptr(), payload.len() as u32)
                    .flags(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
                    .build()
                    .user_data(index as u64);
                // SAFETY: `payload` outlives the submission: all completions are awaited before this returns.
                unsafe { queue.push(&entry) }.map_err(io::Error::other)?;
            }
        }
        self.ring.submit_and_wait(sockets.len())?;
        for completion in self.ring.completion() {
            let socket = sockets[completion.user_data() as usize];
            match completion.result() {
                sent if sent >= 0 => send_whole(socket, &payload[sent as usize..])?,
                error if error == -libc::EAGAIN => send_whole(socket, payload)?,
                error => return Err(io::Error::from_raw_os_error(-error)),
            }
        }
        Ok(())
    }
}
