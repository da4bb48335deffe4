//! Between the core's queues and the rings: what came from other shards goes into the core, what the core says to them
//! goes out, both within bounds.

use ringway_core::{EdgeId, Monotonic, PeerId, ShardId, Way};
use ringway_mesh::Seat;

use super::cluster::{Ask, Cluster, Parcel, Tell};
use super::context::Rim;
use crate::rt::Bell;

/// The place of a shard in the mesh of its node.
pub(crate) type MeshSeat = Seat<Ask, Tell, Bell>;

/// Messages taken from one shard in one turn.
const MESSAGES_PER_TURN: usize = 256;

/// This shard's end of the mesh, and who may have written.
pub(crate) struct Exchange {
    seat: MeshSeat,
    /// By shard: its rings may hold something.
    marked: Vec<bool>,
    /// Whose rings are looked at first.
    first: usize,
}

impl Exchange {
    pub(crate) fn new(seat: MeshSeat, shards: u16) -> Self {
        Self { seat, marked: vec![false; usize::from(shards)], first: 0 }
    }

    /// Notes that this shard may have written.
    pub(crate) fn mark(&mut self, shard: usize) {
        if let Some(mark) = self.marked.get_mut(shard) {
            *mark = true;
        }
    }

    /// Takes what others wrote, as long as it does not run ahead of the flush; requests stay in their ring also while the
    /// core has no room for what they would make it say.
    pub(crate) fn take(&mut self, rim: &mut Rim) {
        let shards = self.marked.len();
        // Who was first is last in the next turn.
        self.first = (self.first + 1) % shards;
        rim.take_from_rings(|rim, lasts| {
            for number in 0..shards {
                let from = (self.first + number) % shards;
                if self.marked[from] && from != self.seat.number() {
                    self.take_from(from, rim, lasts);
                }
            }
        });
    }

    fn take_from(&mut self, from: usize, rim: &mut Rim, lasts: &dyn Fn(&Rim) -> bool) {
        let (requests, deliveries) = self.seat.depth(from);
        rim.figures.ring_depth.record((requests + deliveries) as u64);
        let shard = ShardId(from as u16);
        let now = rim.clock.now();
        let mut taken = 0;
        while taken < MESSAGES_PER_TURN && lasts(rim) {
            let Some(tell) = self.seat.pop_delivery(from) else { break };
            match tell {
                Tell::Own(told) => rim.core.handle_delivery(now, PeerId::HERE, told),
                tell => rim.take_tell(tell),
            }
            taken += 1;
        }
        let mut requested = 0;
        while requested < MESSAGES_PER_TURN && lasts(rim) && rim.core.takes_requests() {
            let Some(ask) = self.seat.pop_request(from) else { break };
            match ask {
                Ask::Own(asked) => rim.core.handle_request(now, EdgeId::here(shard), asked),
                ask => rim.take_ask(shard, ask),
            }
            requested += 1;
        }
        rim.figures.rim.mesh_in += (taken + requested) as u64;
        if taken + requested > 0 {
            self.seat.note_room(from);
        }
        let (requests, deliveries) = self.seat.depth(from);
        self.marked[from] = requests + deliveries > 0;
    }

    /// Whether something can be taken at once: deliveries always, requests once the core has room again. (When it has
    /// none, a ring is full, and whoever empties it will ring.)
    pub(crate) fn has_work(&mut self, rim: &Rim) -> bool {
        let takes_requests = rim.core.takes_requests();
        (0..self.marked.len()).any(|from| {
            self.marked[from] && from != self.seat.number() && {
                let (requests, deliveries) = self.seat.depth(from);
                deliveries > 0 || (requests > 0 && takes_requests)
            }
        })
    }

    /// Gives others what the core says to them, as far as their rings have room, and rings for those who sleep.
    pub(crate) fn give(&mut self, rim: &mut Rim) {
        let mut cluster = rim.cluster.take();
        if let Some(cluster) = &mut cluster {
            self.give_inward(rim, cluster);
        }
        if rim.core.has_outbound() {
            for to in self.seat.others() {
                let way = Way::Shard(ShardId(to as u16));
                while self.seat.has_room_for_delivery(to) {
                    let Some(told) = rim.core.poll_delivery(way) else { break };
                    self.push_tell(rim, to, Tell::Own(told));
                }
                while self.seat.has_room_for_request(to) {
                    let Some(asked) = rim.core.poll_request(way) else { break };
                    self.push_ask(rim, to, Ask::Own(asked));
                }
            }
        }
        if let Some(cluster) = &mut cluster {
            self.give_outward(rim, cluster);
        }
        rim.cluster = cluster;
        rim.figures.rim.rings += self.seat.announce() as u64;
    }

    /// What came over links, and what links say to shards.
    fn give_inward(&mut self, rim: &mut Rim, cluster: &mut Cluster) {
        for to in self.seat.others() {
            if cluster.inward[to].is_empty() {
                continue;
            }
            while self.seat.has_room_for_delivery(to) {
                let Some(tell) = cluster.inward[to].tells.pop_front() else { break };
                self.push_tell(rim, to, tell);
            }
            while self.seat.has_room_for_request(to) {
                let Some(ask) = cluster.inward[to].asks.pop_front() else { break };
                self.push_ask(rim, to, ask);
            }
        }
    }

    /// What the core says to other nodes, on its way to the shard that has the link.
    fn give_outward(&mut self, rim: &mut Rim, cluster: &mut Cluster) {
        let waits: Vec<_> = cluster.inward.iter().map(|inward| !inward.is_empty()).collect();
        let mut pushed = 0;
        cluster.collect(rim, |to, parcel| {
            let to = usize::from(to.0);
            match parcel {
                // What waits already goes first.
                parcel if waits[to] => Some(parcel),
                Parcel::Tell(tell) if self.seat.has_room_for_delivery(to) => {
                    let bytes = tell.bytes();
                    pushed += 1;
                    self.seat.push_delivery(to, tell, bytes).err().map(Parcel::Tell)
                }
                Parcel::Ask(ask) if self.seat.has_room_for_request(to) => {
                    let bytes = ask.bytes();
                    pushed += 1;
                    self.seat.push_request(to, ask, bytes).err().map(Parcel::Ask)
                }
                parcel => Some(parcel),
            }
        });
        rim.figures.rim.mesh_out += pushed;
    }

    fn push_tell(&mut self, rim: &mut Rim, to: usize, tell: Tell) {
        let bytes = tell.bytes();
        let pushed = self.seat.push_delivery(to, tell, bytes);
        debug_assert!(pushed.is_ok(), "the ring had room");
        rim.figures.rim.mesh_out += 1;
    }

    fn push_ask(&mut self, rim: &mut Rim, to: usize, ask: Ask) {
        let bytes = ask.bytes();
        let pushed = self.seat.push_request(to, ask, bytes);
        debug_assert!(pushed.is_ok(), "the ring had room");
        rim.figures.rim.mesh_out += 1;
    }
}

impl Rim {
    /// The lease as it was read before this turn's orders. A longer one counts only when all of them were taken.
    pub(crate) fn take_lease(&mut self, lease: Monotonic, took_all: bool) {
        let now = self.clock.now();
        if let Some(cluster) = &mut self.cluster
            && (took_all || lease <= now.monotonic)
            && cluster.renew(lease)
        {
            self.core.handle_lease(now, lease);
        }
    }

    /// What came over links is handled, or goes on to its shard.
    pub(crate) fn work_on_links(&mut self) {
        if let Some(mut cluster) = self.cluster.take() {
            cluster.work(self);
            self.cluster = Some(cluster);
        }
    }

    /// What is for a link here, or came over one elsewhere.
    fn take_ask(&mut self, sender: ShardId, ask: Ask) {
        let now = self.clock.now();
        let Some(cluster) = &mut self.cluster else { return };
        match ask {
            Ask::Own(_) => {}
            Ask::Out(peer, asked) => cluster.send_ask(peer, sender, asked),
            Ask::In { from, generation, asked } => {
                if cluster.hears(from.peer, generation) {
                    self.core.handle_request(now, from, asked);
                }
            }
        }
    }

    fn take_tell(&mut self, tell: Tell) {
        let now = self.clock.now();
        let Some(mut cluster) = self.cluster.take() else { return };
        match tell {
            Tell::Own(_) | Tell::Room => {}
            Tell::Out(peer, told) => cluster.send_tell(peer, told),
            Tell::In { from, generation, told } => {
                if cluster.hears(from, generation) {
                    self.core.handle_delivery(now, from, told);
                }
            }
            Tell::Peer { peer, generation, up } => cluster.handle_peer(self, peer, generation, up),
            Tell::Replaced(peer) => cluster.handle_replaced(peer),
            Tell::Ending(ending) => {
                ending.obey(self);
            }
        }
        self.cluster = Some(cluster);
    }
}
