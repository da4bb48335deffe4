//! A path that loses packets, and what the node's figures say of it.

use quinn::{TransportConfig, VarInt};
use ringway::node::Histogram;
use ringway_protocol::Lane;

use super::gate::Gate;
use super::{Quic, RUNTIME, left, server};

#[test]
fn what_a_path_loses_comes_all_the_same_and_is_counted() {
    let server = server(1);
    let gate = Gate::before(server.address());
    let mut lossy = Quic::connect_to(gate.address, server.trust.clone(), TransportConfig::default());
    lossy.hello(None);
    lossy.join("room");
    let mut publisher = Quic::open(&server);
    gate.lose(5);
    for number in 0..200 {
        publisher.publish("room", &format!("{number} {}", "x".repeat(1_000)), Lane::Reliable);
    }
    for number in 0..200 {
        assert_eq!(lossy.text().split(' ').next(), Some(&*number.to_string()));
    }
    // Acknowledged is not yet read off: that happens at the end.
    for client in [&lossy, &publisher] {
        client.connection.close(VarInt::from_u32(1_000), b"");
        RUNTIME.block_on(client.endpoint.wait_idle());
    }
    left(&server, 0);
    let shard = server.node.handle.snapshot().wait().unwrap().shards.remove(0);
    assert!(shard.rim.quic_packets_lost >= 10, "{} lost", shard.rim.quic_packets_lost);
    assert_eq!((shard.rim.quic_handshakes, shard.rim.quic_handshakes_failed), (2, 0));
    assert_eq!((shard.quic_rtt_us.count(), shard.quic_loss_permille.count()), (2, 2));
    // One of them lost much, the other next to nothing.
    let above = |histogram: &Histogram, least: u64| -> u64 {
        histogram.buckets().filter(|(bound, _)| *bound > least).map(|(_, count)| count).sum()
    };
    assert_eq!(above(&shard.quic_loss_permille, 64), 1, "{:?}", shard.quic_loss_permille);
    // A train is what is counted as datagrams, and some were longer than one.
    assert_eq!(shard.quic_train_datagrams.sum(), shard.rim.quic_datagrams_out);
    assert!(shard.quic_train_datagrams.count() < shard.rim.quic_datagrams_out);
}
