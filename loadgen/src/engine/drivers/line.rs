//! A slow line to a UDP socket: packets come through as its bytes are carried, and what finds the queue full is lost.
//! Socket view.
//!
//! The queue is the socket's own receive buffer, as small as it was asked for. The server can't tell it from a narrow
//! link: it sees its packets acknowledged late, or never.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, UdpPoller};
use ringway_client::Socket;
use socket2::{Domain, Protocol, Type};
use tokio::io::ReadBuf;

/// Largest datagram.
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;

/// One socket at the end of a line, at full speed until it is slowed down.
#[derive(Debug)]
pub(super) struct Line {
    socket: tokio::net::UdpSocket,
    /// The same socket, read when the line is free.
    end: UdpSocket,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    slow: bool,
    /// On the line: so many of its bytes were carried.
    carried: Option<(Packet, usize)>,
    /// Carried whole.
    arrived: VecDeque<Packet>,
    reader: Option<Waker>,
}

#[derive(Debug)]
struct Packet {
    from: SocketAddr,
    bytes: Vec<u8>,
}

impl Line {
    /// A socket whose queue has this size; to be called on the runtime.
    pub(super) fn bind(address: SocketAddr, buffer_bytes: usize) -> io::Result<Arc<Self>> {
        let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_recv_buffer_size(buffer_bytes)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let end = UdpSocket::from(socket);
        let socket = tokio::net::UdpSocket::from_std(end.try_clone()?)?;
        Ok(Arc::new(Self { socket, end, state: Mutex::default() }))
    }

    /// An endpoint on it; to be called on the runtime.
    pub(super) fn socket(self: Arc<Self>) -> io::Result<Socket> {
        let runtime = quinn::default_runtime().ok_or_else(|| io::Error::other("no tokio runtime"))?;
        let endpoint = Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, self, runtime)?;
        Ok(endpoint.into())
    }

    /// From here on only what is [carried](Self::carry) comes through, or all again.
    pub(super) fn slow_down(&self, slow: bool) {
        let mut state = self.state();
        state.slow = slow;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// Carries at most so many bytes; how many there were to carry.
    pub(super) fn carry(&self, bytes_max: usize) -> usize {
        let mut state = self.state();
        let mut left = bytes_max;
        while left > 0 {
            let Some((packet, carried)) = state.carried.take().or_else(|| Some((self.next()?, 0))) else {
                break;
            };
            let step = left.min(packet.bytes.len() - carried);
            left -= step;
            if carried + step < packet.bytes.len() {
                state.carried = Some((packet, carried + step));
                break;
            }
            state.arrived.push_back(packet);
        }
        if !state.arrived.is_empty()
            && let Some(reader) = state.reader.take()
        {
            reader.wake();
        }
        bytes_max - left
    }

    /// The packet that has waited longest.
    fn next(&self) -> Option<Packet> {
        let mut bytes = vec![0; DATAGRAM_BYTES_MAX];
        let (count, from) = self.end.recv_from(&mut bytes).ok()?;
        bytes.truncate(count);
        Some(Packet { from, bytes })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One datagram at a time, each way; the way out is not slow.
impl AsyncUdpSocket for Line {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Way(self))
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send_to(transmit.contents, transmit.destination).map(drop)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        let (from, count) = if let Some(packet) = state.arrived.pop_front() {
            let count = packet.bytes.len().min(buffer.len());
            buffer[..count].copy_from_slice(&packet.bytes[..count]);
            (packet.from, count)
        } else if state.slow {
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        } else {
            let mut read = ReadBuf::new(buffer);
            match self.socket.poll_recv_from(context, &mut read) {
                Poll::Ready(Ok(from)) => (from, read.filled().len()),
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                Poll::Pending => return Poll::Pending,
            }
        };
        *meta = RecvMeta { addr: from, len: count, stride: count, ecn: None, dst_ip: None };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// Waits until the system takes more.
#[derive(Debug)]
struct Way(Arc<Line>);

impl UdpPoller for Way {
    fn poll_writable(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.socket.poll_send_ready(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_arrives_when_its_last_byte_was_carried() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        let line = Line::bind("127.0.0.1:0".parse().unwrap(), 16 * 1024).unwrap();
        line.slow_down(true);
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        for size in [100, 50] {
            peer.send_to(&vec![1; size], line.local_addr().unwrap()).unwrap();
        }
        let mut buffer = [0; 200];
        let mut receive = || {
            let mut meta = [RecvMeta::default()];
            let polled = line.poll_recv(
                &mut Context::from_waker(Waker::noop()),
                &mut [IoSliceMut::new(&mut buffer)],
                &mut meta,
            );
            polled.map(|result| result.map(|_| meta[0].len).unwrap())
        };
        assert_eq!(line.carry(99), 99);
        assert_eq!(receive(), Poll::Pending);
        assert_eq!(line.carry(2), 2);
        assert_eq!(receive(), Poll::Ready(100));
        assert_eq!(line.carry(1_000), 49, "there was no more to carry");
        assert_eq!((receive(), receive()), (Poll::Ready(50), Poll::Pending));
    }
}
