//! Whether the kernel cuts and joins trains of datagrams.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use super::Answer;

pub(super) fn gso() -> Answer {
    // A segment of no bytes switches it off again: only the option's being known is asked.
    set(libc::UDP_SEGMENT, 0).into()
}

pub(super) fn gro() -> Answer {
    set(libc::UDP_GRO, 1).into()
}

fn set(option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").or_else(|_| UdpSocket::bind("[::1]:0"))?;
    // SAFETY: the pointer is to an integer of ours, of the size said.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_UDP,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
