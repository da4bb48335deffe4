//! One UDP socket with batches in both directions, and the wait for it.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket as Raw, Type};

/// What one receive may find: a whole train of datagrams.
const RECEIVE_BYTES: usize = 64 * 1024;
/// What is sent to hundreds of connections within a few milliseconds must find room.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A bound socket with large buffers that does not block.
///
/// # Errors
/// If it can't be had.
pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Raw::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    socket.bind(&address.into())?;
    // The kernel says twice what it allows.
    if socket.recv_buffer_size()? < BUFFER_BYTES {
        eprintln!("net.core.rmem_max is below {BUFFER_BYTES}: bursts may be lost before they are read");
    }
    Ok(socket.into())
}

/// The clients' end of everything.
pub(super) struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    bytes: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
}

impl Socket {
    /// A socket on a free port of this host.
    ///
    /// # Errors
    /// If it can't be had.
    pub(super) fn new() -> io::Result<Self> {
        let socket = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let metas = [RecvMeta::default(); BATCH_SIZE];
        Ok(Self { socket, state, bytes: vec![0; RECEIVE_BYTES * BATCH_SIZE], metas })
    }

    /// Datagrams of this size in one call of [`Socket::send`], at most: what is more than an IP packet holds is refused as a whole.
    pub(super) fn train(&self, datagram_bytes: u16) -> usize {
        self.state.max_gso_segments().min(65_000 / usize::from(datagram_bytes.max(1))).max(1)
    }

    /// Waits until there is something to read, at most so long.
    ///
    /// # Errors
    /// If the kernel refuses to wait.
    pub(super) fn wait(&self, longest: Duration) -> io::Result<()> {
        let mut wanted = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let time = libc::timespec {
            tv_sec: longest.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(longest.subsec_nanos() as i32),
        };
        // SAFETY: `wanted` is one valid entry, `time` a valid time; no signal mask is given.
        let result = unsafe { libc::ppoll(&raw mut wanted, 1, &raw const time, std::ptr::null()) };
        match result {
            0.. => Ok(()),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Receives what is there, once, and gives each datagram with where it came from. Returns how many came.
    pub(super) fn receive(&mut self, mut each: impl FnMut(&RecvMeta, &[u8])) -> usize {
        let mut chunks = self.bytes.chunks_exact_mut(RECEIVE_BYTES);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let received = self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut self.metas);
        let mut count = 0;
        for (meta, bytes) in
            self.metas.iter().zip(self.bytes.chunks_exact(RECEIVE_BYTES)).take(received.unwrap_or(0))
        {
            for datagram in bytes[..meta.len].chunks(meta.stride.max(1)) {
                count += 1;
                each(meta, datagram);
            }
        }
        count
    }

    /// Sends a train of datagrams; what the kernel does not take is lost, as the network loses.
    pub(super) fn send(&self, transmit: &Transmit<'_>) {
        let _ = self.state.try_send(UdpSockRef::from(&self.socket), transmit);
    }
}
