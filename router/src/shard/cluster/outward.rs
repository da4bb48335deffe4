//! What the shards of this node say to other nodes, on its way to the shard that has the link, and into it.

use std::time::Instant;

use ringway_core::{Asked, Encoder, PeerId, ShardId, Told, Way};
use ringway_link::limit::STREAMS;

use super::Cluster;
use super::parcel::{Ask, Parcel, Tell};
use super::relay::{self, Outward};
use crate::frame::{SharedFrame, WireEncoder};
use crate::shard::context::Rim;

/// Messages that may wait for one node in a shard's core before its link is cut.
const BEHIND_MAX: usize = 100_000;

impl Cluster {
    /// Something for another node: kept for its link if that is here.
    fn send(&mut self, peer: PeerId, outward: Outward) {
        if self.table.shard(peer) == Some(self.id) {
            self.outward.entry(peer).or_default().push(outward);
        }
    }

    /// A shard of this node asks a node whose link is here.
    pub(crate) fn send_ask(&mut self, peer: PeerId, from: ShardId, asked: Asked) {
        self.send(peer, Outward::Ask(from, asked));
    }

    /// A shard of this node tells a node whose link is here.
    pub(crate) fn send_tell(&mut self, peer: PeerId, told: Told<SharedFrame>) {
        self.send(peer, Outward::Tell(told));
    }

    /// Takes what the core says to other nodes: to the links here, or by `ring` to the shard that has the link, while that
    /// takes it; what that gives back waits in front of what follows.
    pub(crate) fn collect(&mut self, rim: &mut Rim, mut ring: impl FnMut(ShardId, Parcel) -> Option<Parcel>) {
        let mut holds = false;
        if !rim.core.has_outbound_to_peers() {
            self.patience.clear();
            return self.hold(holds);
        }
        let now = rim.clock.now().monotonic;
        for peer in self.up() {
            match self.table.shard(peer) {
                Some(shard) if shard == self.id => self.collect_here(rim, peer),
                Some(shard) => self.collect_for(rim, peer, shard, &mut ring),
                None => continue,
            }
            let waiting = rim.core.waiting_for(peer);
            holds |= self.patience.entry(peer).or_default().waits(now, waiting);
            if waiting > BEHIND_MAX {
                self.table.cut(peer);
            }
        }
        self.hold(holds);
    }

    /// What the core says to a node whose link is here: into the link, or behind what waits for it.
    fn collect_here(&mut self, rim: &mut Rim, peer: PeerId) {
        let Some(node) = self.nodes.get(&peer).copied() else { return };
        let outbound = self.outward.entry(peer).or_default();
        while self.table.takes(peer) {
            let mut is_free = |slot: u16| {
                let stream = slot % STREAMS;
                outbound.streams[usize::from(stream)].is_empty() && self.links.room(node, stream) > 0
            };
            let waits = if let Some(told) = rim.core.poll_told(peer) {
                if is_free(told.slot) {
                    relay::said(self.links.push_delivery(node, &told));
                    continue;
                }
                Outward::Tell(told.map(|frame| WireEncoder::share(&frame)))
            } else if let Some(asked) = rim.core.poll_request(Way::Peer(peer)) {
                let ask = Outward::Ask(self.id, asked);
                if is_free(ask.slot()) {
                    ask.say(&mut self.links, node);
                    continue;
                }
                ask
            } else {
                return;
            };
            self.table.add(peer);
            outbound.push(waits);
        }
    }

    /// What the core says to a node whose link another shard has.
    fn collect_for(
        &mut self,
        rim: &mut Rim,
        peer: PeerId,
        shard: ShardId,
        ring: &mut impl FnMut(ShardId, Parcel) -> Option<Parcel>,
    ) {
        while self.table.takes(peer) {
            let way = Way::Peer(peer);
            let parcel = match rim.core.poll_delivery(way) {
                Some(told) => Parcel::Tell(Tell::Out(peer, told)),
                None => match rim.core.poll_request(way) {
                    Some(asked) => Parcel::Ask(Ask::Out(peer, asked)),
                    None => return,
                },
            };
            self.table.add(peer);
            if let Some(parcel) = ring(shard, parcel) {
                // Kept in front of what follows.
                match parcel {
                    Parcel::Tell(tell) => self.inward[usize::from(shard.0)].tells.push_back(tell),
                    Parcel::Ask(ask) => self.inward[usize::from(shard.0)].asks.push_back(ask),
                }
                return;
            }
        }
    }

    /// Publishers wait on this shard's behalf, or no more.
    fn hold(&mut self, holds: bool) {
        if core::mem::replace(&mut self.holds, holds) != holds {
            self.table.hold(holds);
        }
    }

    /// Gives links what they take, and sends their packets.
    pub(crate) fn flush(&mut self) {
        let mut relieved = false;
        for (peer, outbound) in &mut self.outward {
            if outbound.waiting == 0 {
                continue;
            }
            let Some(node) = self.nodes.get(peer) else { continue };
            let mut sent = 0;
            for (number, stream) in outbound.streams.iter_mut().enumerate() {
                while !stream.is_empty() && self.links.room(*node, number as u16) > 0 {
                    let Some(outward) = stream.pop_front() else { break };
                    sent += 1;
                    outward.say(&mut self.links, *node);
                }
            }
            outbound.waiting -= sent;
            relieved |= self.table.remove(*peer, sent);
        }
        if relieved {
            for shard in (0..self.shards).filter(|shard| *shard != self.id.0) {
                self.inward[usize::from(shard)].tells.push_back(Tell::Room);
            }
        }
        let now = Instant::now();
        self.sockets.flush(&mut self.links, now);
    }
}
