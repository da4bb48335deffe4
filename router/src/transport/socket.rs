//! The few system calls on client sockets: none of them ever waits. Shard view.

use std::io;
use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::node::DoorSettings;

/// Takes the next waiting connection of a listening socket; `None` when there is none.
///
/// # Errors
/// `EMFILE` and its like; the connection stays in the queue.
pub(crate) fn accept(listener: RawFd) -> io::Result<Option<(OwnedFd, SocketAddr)>> {
    // SAFETY: an all-zero address is a valid one of no family.
    let mut address: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // Descriptors stay blocking: every call passes MSG_DONTWAIT, and the ring polls as well either way.
    // SAFETY: address and length are writable and belong together.
    let descriptor =
        unsafe { libc::accept4(listener, (&raw mut address).cast(), &raw mut length, libc::SOCK_CLOEXEC) };
    if descriptor < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            // The connection was gone before it was taken (accept(2) lists what else means that): try the next.
            Some(libc::EAGAIN) => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: the kernel just gave us this descriptor.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    Ok(Some((descriptor, socket_address(&address))))
}

/// Whether an accept failed only for the one connection, so that the next may be tried at once.
pub(crate) fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::EINTR
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::EOPNOTSUPP
        )
    )
}

fn socket_address(address: &libc::sockaddr_storage) -> SocketAddr {
    match i32::from(address.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this is what the storage holds, and it is large and aligned enough.
            let address = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from_bits(u32::from_be(address.sin_addr.s_addr));
            SocketAddr::new(IpAddr::V4(ip), u16::from_be(address.sin_port))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let address = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            SocketAddr::new(IpAddr::V6(ip), u16::from_be(address.sin6_port))
        }
        _ => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
    }
}

/// Sets what every client socket gets. A kernel that refuses an option only makes that connection a little worse.
pub(crate) fn tune(socket: RawFd, door: &DoorSettings) {
    set(socket, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1);
    set(socket, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, door.tcp_unsent_bytes as libc::c_int);
    set(socket, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, door.tcp_user_timeout_ms as libc::c_int);
}

fn set(socket: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) {
    // SAFETY: the value is readable and as long as said.
    unsafe {
        libc::setsockopt(socket, level, name, (&raw const value).cast(), size_of::<libc::c_int>() as u32);
    }
}

/// What a read found.
pub(crate) enum Received {
    /// So many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// The other end is gone.
    End,
}

/// Reads what is there.
pub(crate) fn receive(socket: RawFd, into: &mut [u8]) -> Received {
    // SAFETY: the buffer is writable and as long as said.
    let got = unsafe { libc::recv(socket, into.as_mut_ptr().cast(), into.len(), libc::MSG_DONTWAIT) };
    match got {
        0 => Received::End,
        got if got > 0 => Received::Bytes(got as usize),
        _ => match io::Error::last_os_error().raw_os_error() {
            Some(libc::EAGAIN | libc::EINTR) => Received::Nothing,
            _ => Received::End,
        },
    }
}

/// How many bytes a socket took: none when it is full.
///
/// # Errors
/// The other end is gone.
pub(crate) fn send(socket: RawFd, bytes: &[u8]) -> Result<usize, Broken> {
    // SAFETY: the buffer is readable and as long as said.
    let sent = unsafe { libc::send(socket, bytes.as_ptr().cast(), bytes.len(), SEND_FLAGS) };
    if sent >= 0 {
        return Ok(sent as usize);
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN | libc::EINTR) => Ok(0),
        _ => Err(Broken),
    }
}

/// For every send: never wait, never raise SIGPIPE.
pub(crate) const SEND_FLAGS: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// The connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// Says that nothing more will be written.
pub(crate) fn finish(socket: &impl AsRawFd) {
    // SAFETY: no pointers are passed.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_WR) };
}

/// Ends both directions: whoever waits for this socket is woken.
pub(crate) fn cut(socket: &impl AsRawFd) {
    // SAFETY: no pointers are passed.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_RDWR) };
}

/// Bytes that the kernel holds for the other end: unsent and unacknowledged.
pub(crate) fn bytes_in_flight(socket: RawFd) -> usize {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the number is writable.
    let result = unsafe { libc::ioctl(socket, libc::TIOCOUTQ, &raw mut bytes) };
    if result < 0 { 0 } else { usize::try_from(bytes).unwrap_or(0) }
}

/// What the kernel knows of the way to the other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path {
    /// Bytes acknowledged since the connection was made.
    pub(crate) bytes_acked: u64,
    /// The shortest round trip lately, in microseconds.
    pub(crate) round_trip_us: u32,
}

/// Offsets in the kernel's `struct tcp_info` (linux/tcp.h), which only ever grows at its end.
const INFO_RTT: usize = 68;
const INFO_BYTES_ACKED: usize = 120;
const INFO_MIN_RTT: usize = 148;
const INFO_BYTES: usize = 152;

/// Asks the kernel for it.
pub(crate) fn path(socket: RawFd) -> Path {
    let mut info = [0_u8; INFO_BYTES];
    let mut length = INFO_BYTES as libc::socklen_t;
    // SAFETY: the buffer is writable and as long as said; the kernel writes a prefix of its structure.
    let result = unsafe {
        libc::getsockopt(socket, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut length)
    };
    if result != 0 || (length as usize) < INFO_BYTES {
        return Path::default();
    }
    let word = |at: usize| u32::from_ne_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
    let (low, high) = (word(INFO_BYTES_ACKED), word(INFO_BYTES_ACKED + 4));
    let bytes_acked = if cfg!(target_endian = "little") {
        u64::from(high) << 32 | u64::from(low)
    } else {
        u64::from(low) << 32 | u64::from(high)
    };
    Path { bytes_acked, round_trip_us: word(INFO_MIN_RTT).min(word(INFO_RTT)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn the_kernel_tells_what_was_acknowledged_and_what_is_in_flight() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let before = path(near.as_raw_fd());
        near.write_all(&[7; 5_000]).unwrap();
        far.read_exact(&mut [0; 5_000]).unwrap();
        // An answer carries the acknowledgement.
        far.write_all(b"x").unwrap();
        near.read_exact(&mut [0; 1]).unwrap();
        let after = path(near.as_raw_fd());
        assert_eq!(after.bytes_acked - before.bytes_acked, 5_000);
        assert!(after.round_trip_us > 0);
        assert_eq!(bytes_in_flight(near.as_raw_fd()), 0);
    }
}
