//! Links over real sockets: what the machine is given and gives, and datagrams that come to the wrong shard.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use ringway_link::GoodbyeReason;

use super::*;
use crate::quic::datagram::Stray;

/// A shard with a socket.
struct Shard {
    links: Links,
    sockets: LinkSockets,
    frames: Vec<Bytes>,
}

impl Shard {
    fn new(credentials: Arc<Credentials>, socket: UdpSocket, shard: u8, shards: u16) -> Self {
        let addresses = vec![socket.local_addr().unwrap()];
        socket.set_nonblocking(true).unwrap();
        let mut setup = LinkSetup { shard, addresses, ..setup(credentials, 1) };
        setup.seed[0] = shard;
        let links = Links::new(setup).unwrap();
        let sockets = LinkSockets::new(vec![socket], shard.into(), shards.into()).unwrap();
        Self { links, sockets, frames: Vec::new() }
    }

    fn receive(&mut self, pass_on: impl FnMut(usize, Stray)) {
        self.sockets.receive(0, &mut self.links, Instant::now(), pass_on);
    }

    fn turn(&mut self) {
        let now = Instant::now();
        self.links.work(now);
        while self.links.poll_event().is_some() {}
        self.frames.extend(std::iter::from_fn(|| self.links.poll_frame(|_, _| true)).map(|(_, frame)| frame));
        self.sockets.flush(&mut self.links, now);
    }
}

/// Node 2 has two shards, and all that comes to it comes to the first.
#[test]
fn a_link_lives_on_the_shard_that_its_connection_id_names() {
    let authority = made_authority(CLUSTER);
    let loopback = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut one = Shard::new(shown(&authority, 1), loopback(), 0, 1);
    let (socket, shown) = (loopback(), shown(&authority, 2));
    let there = socket.local_addr().unwrap();
    let mut second = Shard::new(Arc::clone(&shown), socket.try_clone().unwrap(), 1, 2);
    let mut first = Shard::new(shown, socket, 0, 2);
    let now = Instant::now();
    one.links.handle_targets(now, &[LinkTarget { dial: vec![there], ..target(2, false) }]);
    first.links.handle_targets(now, &[target(1, false)]);
    second.links.handle_targets(now, &[target(1, false)]);

    let mut strays = Vec::new();
    // It dials anew until it has met both.
    while second.frames.is_empty() || first.frames.is_empty() {
        assert!(now.elapsed() < Duration::from_secs(60), "it meets only one shard");
        one.receive(|_, _| panic!("one shard has no strays"));
        first.receive(|shard, stray| strays.push((shard, stray)));
        for (shard, stray) in strays.drain(..) {
            assert_eq!(shard, 1);
            second.links.handle_stray(Instant::now(), &stray);
        }
        one.turn();
        first.turn();
        second.turn();
        for shard in [&mut first, &mut second] {
            if !shard.frames.is_empty() && shard.links.room(NodeId(1), 0) > 0 {
                shard.links.end(Instant::now(), NodeId(1), GoodbyeReason::Replaced);
            }
        }
        if one.links.room(NodeId(2), 3) > 0 {
            one.links.push(NodeId(2), &frame(3, 1, &[5; 5_000])).unwrap();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(first.links.figures().strays > 0);
    for shard in [&first, &second] {
        assert!(shard.frames.iter().all(|bytes| **bytes == encoded(&frame(3, 1, &[5; 5_000]))));
    }
}
