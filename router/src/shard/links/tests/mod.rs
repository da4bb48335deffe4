//! Links in virtual time: nodes, and a network between them that loses, delays and doubles datagrams by a seed.

mod chaos;
mod ends;
mod faults;
mod frames;
mod net;
mod refusals;
mod sockets;
mod up;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use ringway_cluster::Term;
use ringway_core::record::{Content, Record};
use ringway_core::{Delivery, Edges, Told};
use ringway_link::{Encoded, Frame, Writer, decode, limit};
use ringway_protocol::{Format, NodeId, Offset, RoomHandle};

use super::*;
use crate::pki::issue::Made;
use crate::pki::testing::{NOW, credentials, issued, made_authority};
use net::Net;

/// The cluster of these tests.
const CLUSTER: &str = "game";

fn address(node: u64) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, node as u8], 7410))
}

fn shown(authority: &Made, node: u64) -> Arc<Credentials> {
    Arc::new(credentials(authority, &issued(authority, node), NOW).expect("good for a year"))
}

/// What a node begins with.
fn setup(credentials: Arc<Credentials>, incarnation: u64) -> LinkSetup {
    let node = credentials.identity.node.0;
    LinkSetup {
        shard: 0,
        identity: LinkIdentity::new(&credentials.identity, incarnation, 4),
        credentials,
        addresses: vec![address(node)],
        retry_secret: [1; 32],
        reset_secret: [node as u8; 32],
        seed: [(node + 16 * incarnation) as u8; 32],
        times: LinkTimes::default(),
        bounds: LinkBounds::default(),
    }
}

fn target(node: u64, dial: bool) -> LinkTarget {
    let dial = if dial { vec![address(node)] } else { Vec::new() };
    LinkTarget { node: NodeId(node), incarnation: 0, dial }
}

/// Nodes 1 and 2 of one authority, in their first start; 1 dials 2 as soon as the network runs.
fn pair(seed: u64) -> Net {
    let authority = made_authority(CLUSTER);
    let mut net = Net::new(seed);
    net.start(setup(shown(&authority, 1), 1));
    net.start(setup(shown(&authority, 2), 1));
    net.link(1, 2);
    net
}

/// The pair with a link that is up and has told its windows; events are read.
fn linked(seed: u64) -> Net {
    let mut net = pair(seed);
    net.run_until(1_000, |net| {
        let room =
            |net: &mut Net, at, with| (0..16).all(|stream| net.links(at).room(NodeId(with), stream) > 0);
        room(net, 1, 2) && room(net, 2, 1)
    });
    net.events.clear();
    net
}

/// A frame of a slot with a body.
fn frame(slot: u16, sequence: u32, page: &[u8]) -> Frame<'_> {
    let handle = RoomHandle(u64::from(slot) << 52 | 7);
    let content = Content::Publication {
        handle,
        offset: Offset(1),
        age_ms: 0,
        known: None,
        frame: Encoded { format: Format::Binary, bytes: page },
    };
    // Numbers begin with 1.
    let record = Record { stream: 1, number: u64::from(sequence) + 1, content };
    let delivery = Delivery::Record(record);
    Frame::Delivery(Told { slot, edges: Edges::Home, term: Term(1), answers: 0, delivery })
}

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut writer = Writer::new(limit::FRAME_BYTES_MAX);
    writer.push(frame).expect("a good frame");
    writer.as_bytes().to_vec()
}

/// Slot and sequence of a polled frame of ours.
fn told(bytes: &Bytes) -> (u16, u32) {
    match decode(bytes) {
        Ok(Frame::Delivery(Told { slot, delivery: Delivery::Record(record), .. })) => {
            (slot, record.number as u32 - 1)
        }
        other => panic!("not a frame of the test: {other:?}"),
    }
}
