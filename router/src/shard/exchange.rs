//! Between the core's queues and the rings: what came from other shards goes into the core, what the core says to them
//! goes out, both within bounds.

use ringway_core::message::{JoinedDelivery, PageDelivery, RegisteredDelivery, RegisteredMember};
use ringway_core::{Asked, Delivery, EdgeId, PeerId, Request, ShardId, Told, Way};
use ringway_mesh::Seat;

use super::context::Rim;
use crate::frame::SharedFrame;
use crate::rt::Bell;

/// The place of a shard in the mesh of its node.
pub(crate) type MeshSeat = Seat<Asked, Told<SharedFrame>, Bell>;

/// Messages taken from one shard in one turn.
const MESSAGES_PER_TURN: usize = 256;
/// What a message without variable parts holds, roughly: its slot and what it points to.
const MESSAGE_BYTES: usize = 192;

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
            let Some(delivery) = self.seat.pop_delivery(from) else { break };
            rim.core.handle_delivery(now, PeerId::HERE, delivery);
            taken += 1;
        }
        let mut requested = 0;
        while requested < MESSAGES_PER_TURN && lasts(rim) && rim.core.takes_requests() {
            let Some(request) = self.seat.pop_request(from) else { break };
            rim.core.handle_request(now, EdgeId::here(shard), request);
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
        if rim.core.has_outbound() {
            for to in self.seat.others() {
                let way = Way::Shard(ShardId(to as u16));
                while self.seat.has_room_for_delivery(to) {
                    let Some(delivery) = rim.core.poll_delivery(way) else { break };
                    let bytes = delivery_bytes(&delivery.delivery);
                    let pushed = self.seat.push_delivery(to, delivery, bytes);
                    debug_assert!(pushed.is_ok(), "the ring had room");
                    rim.figures.rim.mesh_out += 1;
                }
                while self.seat.has_room_for_request(to) {
                    let Some(request) = rim.core.poll_request(way) else { break };
                    let bytes = request_bytes(&request.request);
                    let pushed = self.seat.push_request(to, request, bytes);
                    debug_assert!(pushed.is_ok(), "the ring had room");
                    rim.figures.rim.mesh_out += 1;
                }
            }
        }
        rim.figures.rim.rings += self.seat.announce() as u64;
    }
}

fn request_bytes(request: &Request) -> usize {
    MESSAGE_BYTES
        + match request {
            Request::Publish(publish) => publish.body.len() + publish.room.len() + publish.key.len(),
            Request::Join(join) => {
                join.room.len() + join.versions.iter().map(|known| 32 + known.key.len()).sum::<usize>()
            }
            Request::Register(register) => {
                register.room.len() + register.members.len() * size_of::<RegisteredMember>()
            }
            Request::Leave(_)
            | Request::Pull(_)
            | Request::History(_)
            | Request::Presence(_)
            | Request::Flush { .. }
            | Request::Ack { .. } => 0,
        }
}

fn delivery_bytes(delivery: &Delivery<SharedFrame>) -> usize {
    let sum = |frames: &[SharedFrame]| frames.iter().map(SharedFrame::bytes_held).sum::<usize>();
    MESSAGE_BYTES
        + match delivery {
            Delivery::Joined(joined) => {
                let JoinedDelivery { frame, after, keys, .. } = &**joined;
                let keys = keys.iter().map(|value| value.frame.bytes_held()).sum::<usize>();
                frame.bytes_held() + sum(after) + keys
            }
            Delivery::Page(PageDelivery { frames, .. }) => {
                frames.iter().map(|(_, frame)| frame.bytes_held()).sum()
            }
            Delivery::Reply { frames, .. } => sum(frames),
            Delivery::JoinRefused { frame, .. }
            | Delivery::PublishedInPlace { frame, .. }
            | Delivery::Publication { frame, .. }
            | Delivery::PresenceChanged { frame, .. }
            | Delivery::Reset { frame, .. } => frame.bytes_held(),
            Delivery::Registered(registered) => {
                let RegisteredDelivery { reset, missed, keys, .. } = &**registered;
                let missed = missed.iter().map(|(_, frame)| frame.bytes_held()).sum::<usize>();
                let keys = keys.iter().map(|value| value.frame.bytes_held()).sum::<usize>();
                missed + keys + reset.as_ref().map_or(0, SharedFrame::bytes_held)
            }
            Delivery::Returned(request) => request_bytes(request),
            Delivery::Record(record) => record.frame().map_or(0, SharedFrame::bytes_held),
            Delivery::Displaced { .. } | Delivery::ApiAnswer { .. } | Delivery::Flushed => 0,
        }
}
