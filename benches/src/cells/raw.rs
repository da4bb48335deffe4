//! The same two without tasks: one ring, one loop. What the runtimes' rows are measured against.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use io_uring::{IoUring, opcode, squeue, types};

use super::{Job, Meter};

const ENTRIES: u32 = 4_096;

fn ring() -> io::Result<IoUring> {
    IoUring::builder().setup_single_issuer().setup_defer_taskrun().setup_cqsize(65_536).build(ENTRIES)
}

/// CPU nanoseconds of one write.
pub(super) fn broadcast(job: Job) -> io::Result<f64> {
    let mut ring = ring()?;
    let message = vec![0x5a; job.bytes];
    let sockets: Vec<RawFd> = job.streams.iter().map(AsRawFd::as_raw_fd).collect();
    let mut meter = Meter::new(job.sample_ms);
    loop {
        for batch in sockets.chunks(ENTRIES as usize) {
            for &socket in batch {
                // SAFETY: `message` outlives the submission: its completion is awaited below, before `message` goes.
                unsafe { ring.submission().push(&send(socket, &message, 0)) }.map_err(io::Error::other)?;
            }
            ring.submit_and_wait(batch.len())?;
            for completion in ring.completion() {
                whole(completion.result(), job.bytes)?;
            }
        }
        if let Some(cost) = meter.add(sockets.len() as u64) {
            return Ok(cost);
        }
    }
}

/// CPU nanoseconds of one echo.
pub(super) fn echo(job: Job) -> io::Result<f64> {
    const SENT: u64 = 1 << 32;
    let mut buffers = vec![vec![0_u8; job.bytes]; job.streams.len()];
    let sockets: Vec<RawFd> = job.streams.iter().map(AsRawFd::as_raw_fd).collect();
    let mut queue: Vec<squeue::Entry> = Vec::new();
    for (index, buffer) in buffers.iter_mut().enumerate() {
        queue.push(receive(sockets[index], buffer, index as u64));
    }
    let mut ring = ring()?;
    let mut meter = Meter::new(job.sample_ms);
    let (mut finished, mut cost) = (Vec::new(), None);
    loop {
        for entries in queue.chunks(ENTRIES as usize) {
            for entry in entries {
                // SAFETY: each entry points into the buffer of its connection, which nobody touches while its operation is pending
                // and which goes only after all operations were awaited below.
                unsafe { ring.submission().push(entry) }.map_err(io::Error::other)?;
            }
            ring.submit()?;
        }
        queue.clear();
        ring.submit_and_wait(1)?;
        finished.extend(ring.completion().map(|completion| (completion.user_data(), completion.result())));
        for (tag, result) in finished.drain(..) {
            let index = (tag & (SENT - 1)) as usize;
            if tag & SENT == 0 {
                let read = usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))?;
                queue.push(send(sockets[index], &buffers[index][..read], SENT | tag));
            } else {
                queue.push(receive(sockets[index], &mut buffers[index], index as u64));
                cost = cost.or(meter.add(1));
            }
        }
        if let Some(cost) = cost {
            for stream in &job.streams {
                // One that the peer has closed is shut down already.
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
            // Every connection has one operation, pending or queued; the buffers stay until the kernel has let go of the pending ones.
            let mut pending = sockets.len() - queue.len();
            while pending > 0 {
                ring.submit_and_wait(1)?;
                pending -= ring.completion().count();
            }
            return Ok(cost);
        }
    }
}

fn send(socket: RawFd, bytes: &[u8], tag: u64) -> squeue::Entry {
    opcode::Send::new(types::Fd(socket), bytes.as_ptr(), bytes.len() as u32)
        .flags(libc::MSG_NOSIGNAL)
        .build()
        .user_data(tag)
}

fn receive(socket: RawFd, buffer: &mut [u8], tag: u64) -> squeue::Entry {
    opcode::Recv::new(types::Fd(socket), buffer.as_mut_ptr(), buffer.len() as u32).build().user_data(tag)
}

fn whole(result: i32, bytes: usize) -> io::Result<()> {
    match usize::try_from(result) {
        Ok(sent) if sent == bytes => Ok(()),
        Ok(sent) => Err(io::Error::other(format!("a short write of {sent} bytes: the readers are too slow"))),
        Err(_) => Err(io::Error::from_raw_os_error(-result)),
    }
}
