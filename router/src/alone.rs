//! A link between two nodes by itself, without shards, rooms and clients: for benchmarks that ask what links cost.
//!
//! Each end does what a shard does with it in a turn: takes its socket's datagrams, decodes the frames that came, makes
//! frames of what core would say, and sends their packets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ringway_cluster::Term;
use ringway_core::{Delivery, Edges, Told};
use ringway_link::Frame;
use ringway_protocol::codec::BinaryEncoder;
use ringway_protocol::event::{Message, Place, Sender};
use ringway_protocol::{
    Body, BodyKind, Event, Format, Lane, NodeId, Offset, RoomHandle, SessionId, UnixMicros,
};
use rustls::pki_types::UnixTime;
use rustls::time_provider::DefaultTimeProvider;

use crate::frame::SharedFrame;
use crate::pki::Credentials;
use crate::pki::credentials::Texts;
use crate::pki::issue::{Authority, authority};
use crate::pki::name::{Cluster, NodeNumber};
use crate::shard::cluster::wire;
use crate::shard::links::{LinkBounds, LinkIdentity, LinkSetup, LinkSockets, LinkTarget, LinkTimes, Links};

/// What one end is made of. It can go to another thread; the end itself stays on one.
pub struct LinkSeed {
    credentials: Arc<Credentials>,
    socket: UdpSocket,
    peer: NodeId,
    /// Where to dial it; only one end does.
    dial: Vec<SocketAddr>,
}

/// Two ends over loopback, of an authority made for them. The first dials.
///
/// # Errors
/// Without sockets or random bytes.
pub fn pair() -> io::Result<[LinkSeed; 2]> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(io::Error::other)?;
    let now = UnixTime::since_unix_epoch(now);
    let cluster = Cluster::new("alone").map_err(io::Error::other)?;
    let made = authority(&cluster, 1, now).map_err(io::Error::other)?;
    let read = Authority::read(made.certificate.as_bytes(), made.key.as_bytes(), now);
    let read = read.map_err(|bad| io::Error::other(format!("{bad:?}")))?;
    let seed = |node: u64| -> io::Result<LinkSeed> {
        let own =
            read.issue(NodeNumber(node), 1, now).map_err(|fault| io::Error::other(fault.to_string()))?;
        let texts = Texts {
            authority: made.certificate.as_bytes(),
            certificate: own.certificate.as_bytes(),
            key: own.key.as_bytes(),
        };
        let credentials = Credentials::new(texts, Arc::new(DefaultTimeProvider));
        let credentials = Arc::new(credentials.map_err(|bad| io::Error::other(format!("{bad:?}")))?);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        Ok(LinkSeed { credentials, socket, peer: NodeId(3 - node), dial: Vec::new() })
    };
    let (mut one, other) = (seed(1)?, seed(2)?);
    one.dial.push(other.socket.local_addr()?);
    Ok([one, other])
}

/// What happened in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Publications that came, whole and decoded.
    pub publications: usize,
    /// Datagrams in and out.
    pub datagrams: u64,
}

/// One end.
pub struct LinkEnd {
    links: Links,
    sockets: LinkSockets,
    peer: NodeId,
    frame: SharedFrame,
    slot: u16,
    offset: u64,
}

impl LinkEnd {
    /// Begins; publications have bodies of so many bytes.
    ///
    /// # Errors
    /// The socket can't be used.
    pub fn new(seed: LinkSeed, body_bytes: usize) -> io::Result<Self> {
        let LinkSeed { credentials, socket, peer, dial } = seed;
        let setup = LinkSetup {
            shard: 0,
            identity: LinkIdentity::new(&credentials.identity, 1, 1),
            credentials,
            addresses: vec![socket.local_addr()?],
            retry_secret: [1; 32],
            reset_secret: [2; 32],
            seed: [peer.0 as u8; 32],
            times: LinkTimes::default(),
            bounds: LinkBounds::default(),
        };
        let mut links = Links::new(setup).map_err(io::Error::other)?;
        links.handle_targets(Instant::now(), &[LinkTarget { node: peer, incarnation: 0, dial }]);
        let sockets = LinkSockets::new(vec![socket], 0, 1)?;
        let frame = SharedFrame::of_wire(Format::Binary, &message(body_bytes));
        Ok(Self { links, sockets, peer, frame, slot: 0, offset: 0 })
    }

    /// Whether the link stands.
    pub fn is_up(&mut self) -> bool {
        self.links.room(self.peer, 0) > 0
    }

    /// Packets of this end that were taken for lost.
    pub fn packets_lost(&self) -> u64 {
        self.links.views().map(|view| view.packets_lost).sum()
    }

    /// Says at most so many publications, of all slots in turn, as far as the link takes them; how many it took.
    pub fn publish(&mut self, most: usize) -> usize {
        let mut said = 0;
        while said < most && self.links.room(self.peer, self.slot % ringway_link::limit::STREAMS) > 0 {
            let handle = RoomHandle(u64::from(self.slot) << 52 | 1);
            self.offset += 1;
            let delivery = Delivery::Publication {
                handle,
                lane: Lane::Reliable,
                place: Place::Offset(Offset(self.offset)),
                key_tag: 0,
                members: 1,
                except: None,
                frame: self.frame.clone(),
            };
            let told = Told { slot: self.slot, edges: Edges::Many(1), term: Term(1), answers: 0, delivery };
            if self.links.push_delivery(self.peer, &told).is_err() {
                break;
            }
            self.slot = (self.slot + 1) % ringway_link::limit::STREAMS;
            said += 1;
        }
        said
    }

    /// One turn: what came is taken, what is said leaves.
    pub fn turn(&mut self) -> Turn {
        let datagrams = |links: &Links| links.figures().datagrams_in + links.figures().datagrams_out;
        let before = datagrams(&self.links);
        self.sockets.receive(0, &mut self.links, Instant::now(), |_, _| {});
        self.links.work(Instant::now());
        while self.links.poll_event().is_some() {}
        let mut publications = 0;
        while let Some((_, bytes)) = self.links.poll_frame(|_, _| true) {
            if let Ok(Frame::Delivery(told)) = ringway_link::decode(&bytes) {
                std::hint::black_box(wire::shared(told));
                publications += 1;
            }
        }
        self.sockets.flush(&mut self.links, Instant::now());
        Turn { publications, datagrams: datagrams(&self.links) - before }
    }
}

/// As owners encode it, once for everybody.
fn message(body_bytes: usize) -> Vec<u8> {
    let body = vec![0x5a; body_bytes];
    let message = Message {
        room: None,
        handle: RoomHandle(1),
        lane: Lane::Reliable,
        place: Place::Offset(Offset(1)),
        time: UnixMicros(1_800_000_000_000_000),
        from: Sender { user: Some("somebody"), session: SessionId(1) },
        key: None,
        body: Body { kind: BodyKind::Bytes, bytes: &body },
    };
    BinaryEncoder::new().event(&Event::Message(message)).to_vec()
}
