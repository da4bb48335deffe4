//! A bare UDP socket, and the first datagram of a real client.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn_proto::{Endpoint, EndpointConfig};

use super::{PATIENCE, Server};

/// A version that nobody speaks (RFC 9000 §15 reserves it for this).
pub(super) const NO_VERSION: u32 = 0x3a5a_7a9a;
/// Smaller ones begin nothing (RFC 9000 §14.1).
pub(super) const INITIAL_BYTES: usize = 1_200;

/// A UDP socket that speaks to one server.
pub(super) struct Raw {
    socket: UdpSocket,
    /// Tells the answers to [`Raw::settle`] apart.
    asked: u64,
}

impl Raw {
    pub(super) fn to(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        socket.connect(server).unwrap();
        Self { socket, asked: 0 }
    }

    pub(super) fn send(&self, bytes: &[u8]) {
        assert_eq!(self.socket.send(bytes).unwrap(), bytes.len());
    }

    /// What comes next, if it comes in this time.
    pub(super) fn receive(&self, wait: Duration) -> Option<Vec<u8>> {
        self.socket.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
        let mut bytes = vec![0; 65_536];
        let begun = Instant::now();
        loop {
            match self.socket.recv(&mut bytes) {
                Ok(count) => {
                    bytes.truncate(count);
                    return Some(bytes);
                }
                // The process was stopped for a while (signal(7)).
                Err(error) if error.kind() == ErrorKind::Interrupted && begun.elapsed() < wait => {}
                Err(_) => return None,
            }
        }
    }

    /// Everything that is there by now.
    pub(super) fn take(&self) -> Vec<Vec<u8>> {
        self.socket.set_nonblocking(true).unwrap();
        let mut bytes = vec![0; 65_536];
        let taken =
            std::iter::from_fn(|| self.socket.recv(&mut bytes).ok().map(|count| bytes[..count].to_vec()));
        let taken = taken.collect();
        self.socket.set_nonblocking(false).unwrap();
        taken
    }

    /// What the server answered to all that was sent: asks something that is always answered, and gives what came before.
    pub(super) fn settle(&mut self) -> Vec<Vec<u8>> {
        self.asked += 1;
        let mine = self.asked.to_be_bytes();
        self.send(&long_header(0xc0, NO_VERSION, &[0; 8], &mine, INITIAL_BYTES));
        let begun = Instant::now();
        let mut before = Vec::new();
        loop {
            let answer = self.receive(PATIENCE).expect("version negotiation");
            // Our source ID is the destination of the answer.
            if answer[1..5] == [0; 4] && answer[6..14] == mine {
                return before;
            }
            before.push(answer);
            assert!(begun.elapsed() < PATIENCE);
        }
    }
}

/// The beginning of a packet with a long header (RFC 8999 §5.1), filled up with zeros.
pub(super) fn long_header(first: u8, version: u32, to: &[u8], from: &[u8], bytes: usize) -> Vec<u8> {
    let mut packet = vec![first];
    packet.extend_from_slice(&version.to_be_bytes());
    for id in [to, from] {
        packet.push(id.len() as u8);
        packet.extend_from_slice(id);
    }
    packet.resize(bytes, 0);
    packet
}

/// The datagram with which a real client begins.
pub(super) fn first_datagram(server: &Server) -> Vec<u8> {
    let mut endpoint = Endpoint::new(Arc::new(EndpointConfig::default()), None, false, None);
    let now = Instant::now();
    let begun = endpoint.connect(now, server.trust.clone(), server.address(), "localhost");
    let mut bytes = Vec::new();
    let transmit = begun.unwrap().1.poll_transmit(now, 1, &mut bytes).unwrap();
    assert_eq!(transmit.size, INITIAL_BYTES);
    bytes
}

/// Numbers that look random and are the same in every run.
pub(super) struct Seeded(pub(super) u64);

impl Seeded {
    /// The next number (splitmix64).
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
