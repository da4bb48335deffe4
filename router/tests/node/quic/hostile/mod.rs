//! What peers do that they should not, or that their networks do to them, while others go on.

mod flood;
mod gate;
mod lossy;
mod packets;
mod raw;
mod restart;
mod silent;
mod streams;

use std::time::{Duration, Instant};

use ringway::node::RimCounters;

use super::client::{Quic, RUNTIME, Server, code, publication, server, server_with, trusting};
use crate::support::PATIENCE;

/// What the rims of all shards have in common.
fn rims(server: &Server) -> Vec<RimCounters> {
    let snapshot = server.node.handle.snapshot().wait().unwrap();
    snapshot.shards.into_iter().map(|shard| shard.rim).collect()
}

/// The sum of a figure over the shards.
fn sum(server: &Server, figure: impl Fn(&RimCounters) -> u64) -> u64 {
    rims(server).iter().map(figure).sum()
}

/// Waits until this holds of the node's figures.
fn until(server: &Server, what: &str, holds: impl Fn(&[RimCounters]) -> bool) {
    let begun = Instant::now();
    loop {
        let rims = rims(server);
        if holds(&rims) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: {rims:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until so many connections are left, all of them beyond `hello`.
fn left(server: &Server, connections: u64) {
    until(server, "connections are left", |rims| {
        rims.iter().map(|rim| rim.quic_connections).sum::<u64>() == connections
            && rims.iter().all(|rim| rim.half_open == 0)
    });
    let sessions: u64 =
        server.node.handle.snapshot().wait().unwrap().shards.iter().map(|shard| shard.core.sessions).sum();
    assert_eq!(sessions, connections, "the core forgets whom the rim forgets");
}
