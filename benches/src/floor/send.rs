//! The plainest way: one `send` for each socket.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// CPU nanoseconds of one `send` of `payload`, over all sockets in turn.
pub(super) fn cost(streams: &[TcpStream], payload: &[u8], pace: super::Pace) -> io::Result<f64> {
    super::cost_of(pace, || {
        for stream in streams {
            send_whole(stream.as_raw_fd(), payload)?;
        }
        Ok(streams.len() as u64)
    })
}

/// Sends all of it; waits asleep, which costs no CPU time, where the readers are behind.
pub(super) fn send_whole(socket: RawFd, mut payload: &[u8]) -> io::Result<()> {
    while !payload.is_empty() {
        // SAFETY: `payload` is valid for reads of its length; a descriptor that is not a socket is an error, not a fault.
        let sent = unsafe {
            let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            libc::send(socket, payload.as_ptr().cast(), payload.len(), flags)
        };
        match usize::try_from(sent) {
            Ok(sent) => payload = &payload[sent..],
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                error => return Err(error),
            },
        }
    }
    Ok(())
}
