//! UDP sockets: one per shard and address, all bound before any shard starts, in the order of the shards: the kernel
//! numbers the sockets of a shared port as they were bound, and steering counts on it.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};

use quinn_proto::Transmit;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::datagram::Envelope;
use super::steer;
use crate::node::{QuicOptions, StartError};
use crate::transport::listen;

/// Bytes that one receive may find: a whole train of datagrams, where the kernel joins them.
const RECEIVE_BYTES: usize = 64 * 1024;
/// Socket buffers: a burst of a few thousand packets.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Receives of one socket in a turn, a batch of trains each.
const RECEIVES_PER_TURN: usize = 4;
/// Datagrams beyond which a turn receives no further batch: trains of one sender may be long.
const DATAGRAMS_PER_TURN: usize = 512;

/// All UDP sockets of a node.
pub(crate) struct Sockets {
    /// In the order of the configuration, with the ports they got.
    pub(crate) addresses: Vec<SocketAddr>,
    /// By shard, one for each address.
    pub(crate) of_shards: Vec<Vec<UdpSocket>>,
    /// Why the kernel does not steer packets to their shard, if so: then shards pass them on to each other.
    pub(crate) unsteered: Option<io::Error>,
}

/// Binds every address once for each shard.
///
/// # Errors
/// The first address that can't be had.
pub(crate) fn bind(options: &QuicOptions, shards: usize) -> Result<Sockets, StartError> {
    let mut sockets = Sockets {
        addresses: Vec::new(),
        of_shards: (0..shards).map(|_| Vec::new()).collect(),
        unsteered: None,
    };
    for &wanted in &options.addresses {
        let mut address = wanted;
        let fault = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressTaken(wanted),
            _ => StartError::Listen(wanted, error),
        };
        for (shard, of_shard) in sockets.of_shards.iter_mut().enumerate() {
            // Who shares a port from the start shares it with any other node of this user, and where the kernel is to
            // choose one it may choose that. So the first socket takes it alone, and then lets the others in.
            let socket = listen::soon(|| bound(address, shard > 0)).map_err(fault)?;
            if shards > 1 {
                SockRef::from(&socket).set_reuse_port(true).map_err(fault)?;
            }
            address = socket.local_addr().map_err(fault)?;
            of_shard.push(socket);
        }
        if shards > 1
            && options.steering
            && let Some(socket) = sockets.of_shards[0].last()
            && let Err(error) = steer::attach(socket, shards)
        {
            sockets.unsteered = Some(error);
        }
        sockets.addresses.push(address);
    }
    Ok(sockets)
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    // As much as the system allows.
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// One socket of a shard, with what the kernel can do for it.
pub(crate) struct Udp {
    socket: UdpSocket,
    state: UdpSocketState,
}

/// Where a shard's sockets receive into.
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; RECEIVE_BYTES * BATCH_SIZE], metas: [RecvMeta::default(); BATCH_SIZE] }
    }
}

/// Bytes of one train: what the system sends in one call is one IP packet until it leaves, of 65,535 bytes with its headers.
const TRAIN_BYTES_MAX: usize = 65_000;

/// Datagrams of this size that go in one train, if the socket takes so many. One that has too many bytes is refused as a whole.
pub(crate) fn train(segments_max: usize, datagram_bytes: u16) -> usize {
    segments_max.min(TRAIN_BYTES_MAX / usize::from(datagram_bytes.max(1))).max(1)
}

impl Udp {
    /// Takes the socket into use.
    ///
    /// # Errors
    /// The system refuses an option that it can't do without.
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self { socket, state })
    }

    /// Another descriptor of the same socket, to wait for its readiness.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(crate) fn try_clone(&self) -> io::Result<UdpSocket> {
        self.socket.try_clone()
    }

    /// Datagrams in one call of [`Udp::send`], at most.
    pub(crate) fn segments_max(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Receives what is there, within a turn's share: the next readiness tells of the rest. Gives each datagram as one of
    /// this socket's, and says how many came.
    pub(crate) fn receive_share(
        &self,
        socket: usize,
        inbox: &mut Inbox,
        mut each: impl FnMut(Envelope, &[u8]),
    ) -> usize {
        let mut received = 0;
        for _ in 0..RECEIVES_PER_TURN {
            let count = self.receive(inbox, |meta, bytes| each(Envelope::of(socket, meta), bytes));
            received += count;
            if count == 0 || received >= DATAGRAMS_PER_TURN {
                break;
            }
        }
        received
    }

    /// Receives what is there, once, and gives each datagram with where it came from. Returns how many came; 0 when there
    /// is nothing.
    fn receive(&self, inbox: &mut Inbox, mut each: impl FnMut(&RecvMeta, &[u8])) -> usize {
        let mut chunks = inbox.bytes.chunks_exact_mut(RECEIVE_BYTES);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let received = match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut inbox.metas) {
            Ok(received) => received,
            // Nothing there, or an error of an earlier send.
            Err(_) => return 0,
        };
        let mut count = 0;
        for (meta, bytes) in inbox.metas.iter().zip(inbox.bytes.chunks_exact(RECEIVE_BYTES)).take(received) {
            let stride = meta.stride.max(1);
            for datagram in bytes[..meta.len].chunks(stride) {
                count += 1;
                each(meta, datagram);
            }
        }
        count
    }

    /// Sends a train of datagrams that begins at the front of `packets`. What the system does not take is lost, as the
    /// network loses.
    pub(crate) fn send(&self, transmit: &Transmit, packets: &[u8]) {
        let train = quinn_udp::Transmit {
            destination: transmit.destination,
            ecn: transmit.ecn.and_then(|ecn| quinn_udp::EcnCodepoint::from_bits(ecn as u8)),
            contents: &packets[..transmit.size],
            segment_size: transmit.segment_size,
            src_ip: transmit.src_ip,
        };
        let _ = self.state.try_send(UdpSockRef::from(&self.socket), &train);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(address: SocketAddr) -> QuicOptions {
        QuicOptions { addresses: vec![address], ..QuicOptions::default() }
    }

    #[test]
    fn an_address_that_is_about_to_be_free_is_waited_for() {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();
        assert!(matches!(bound(address, false), Err(error) if error.kind() == io::ErrorKind::AddrInUse));
        let leaving = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(60));
            drop(other);
        });
        assert_eq!(bind(&options(address), 1).unwrap().addresses, [address]);
        leaving.join().unwrap();
    }

    #[test]
    fn a_train_is_within_what_the_system_takes() {
        let (one, other) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let udp = Udp::new(one).unwrap();
        other.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        let mut came = [0; 65_536];
        for size in [1_200_u16, 1_452, 8_952, 65_000] {
            let count = train(udp.segments_max(), size);
            let packets = vec![7; count * usize::from(size)];
            let transmit = Transmit {
                destination: other.local_addr().unwrap(),
                ecn: None,
                size: packets.len(),
                segment_size: (count > 1).then_some(usize::from(size)),
                src_ip: None,
            };
            udp.send(&transmit, &packets);
            for _ in 0..count {
                assert_eq!(other.recv(&mut came).unwrap(), usize::from(size));
            }
        }
        assert_eq!((train(64, 1_452), train(64, 200), train(64, u16::MAX), train(1, 1_200)), (44, 64, 1, 1));
    }

    #[test]
    fn two_nodes_never_share_a_port() {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        // Enough that a kernel which may choose a port twice does.
        let nodes: Vec<_> = (0..400).map(|_| bind(&options(free), 2).unwrap()).collect();
        let ports: std::collections::HashSet<_> = nodes.iter().map(|node| node.addresses[0].port()).collect();
        assert_eq!(ports.len(), nodes.len());
        for shards in [1, 2] {
            let taken = bind(&options(nodes[0].addresses[0]), shards);
            assert!(matches!(taken, Err(StartError::AddressTaken(_))));
        }
    }
}
