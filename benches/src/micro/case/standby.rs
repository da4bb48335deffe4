//! The owner of a room whose namespace has two replicas, and the shard of another node that stands by for it. Without the link between them,
//! which is measured by itself.

use std::hint::black_box;

use ringway_cluster::{Slot, Term};
use ringway_core::message::Ack;
use ringway_core::{
    Asked, ClusterUpdate, Delivery, EdgeId, Encoder, Holder, Namespace, PeerId, Request, Route, SessionKey,
    ShardId, Task, Told, Way,
};
use ringway_protocol::command::Publish;
use ringway_protocol::{Body, BodyKind, Command, Lane, RequestId, RoomHandle};

use crate::micro::house::{BODY, Binary, House, KEY, join, room};
use crate::micro::{Case, Measure};

const ROUNDS: u64 = 64;
/// To each of the two nodes, the other one.
const OTHER: PeerId = PeerId(1);
const TERM: Term = Term(1);

pub(super) const CASES: &[Case] = &[
    Case::new("publish with an id, acknowledged at once", alone),
    Case::new("publish with an id, acknowledged when the standby has it", owner),
    Case::new("take a publication as the standby", standby),
];

type Word = Told<<Binary as Encoder>::Frame>;

/// One side of the room's slot.
struct Side {
    house: House,
    /// Publications that its member has made.
    published: u32,
    /// What it said to the other side while nobody measured.
    said: Vec<Word>,
}

impl Side {
    fn of(replicas: u8) -> Self {
        let house = House::with(0, Namespace { replicas, ..Namespace::default() });
        Self { house, published: 0, said: Vec::new() }
    }

    /// The owner, whose standby has everything.
    fn owner() -> Self {
        let mut side = Self::of(2);
        let replicate = Task::Replicate { slot: slot(), term: TERM, standby: Some((OTHER, 1)), waits: false };
        side.told_of(Holder::Here, replicate);
        side.join();
        side
    }

    fn standby() -> Self {
        let mut side = Self::of(2);
        side.told_of(Holder::Peer(OTHER), Task::Standby { slot: slot(), term: TERM, of: Some(OTHER) });
        side
    }

    fn told_of(&mut self, holder: Holder, task: Task) {
        let House { shard, now, .. } = &mut self.house;
        shard.handle_peer(*now, OTHER, true);
        let routes = vec![(slot(), Route { holder, term: TERM })];
        shard.handle_cluster(*now, &ClusterUpdate { routes, tasks: vec![task] });
    }

    fn join(&mut self) {
        let member = self.house.open(0);
        self.house.members.push(member);
        self.settle();
        self.house.command(member, &join(room(), None));
        self.settle();
    }

    fn member(&self) -> SessionKey {
        self.house.members[0]
    }

    fn publish(&mut self) {
        self.published += 1;
        let msg_id = self.published.to_be_bytes();
        let publish = Publish {
            id: RequestId::new(self.published),
            room: room(),
            body: Body { kind: BodyKind::Bytes, bytes: &BODY },
            lane: Lane::Reliable,
            key: None,
            msg_id: Some(&msg_id),
            retry: None,
            echo: true,
        };
        self.house.command(self.member(), black_box(&Command::Publish(publish)));
    }

    /// What the owner says to its standby.
    fn words(&mut self) -> Vec<Word> {
        std::iter::from_fn(|| self.house.shard.poll_told(OTHER)).collect()
    }

    /// The standby has all that it was told, as far as these words go.
    fn acked(&mut self, words: &[Word]) {
        let Some(Told { delivery: Delivery::Record(last), .. }) = words.last() else { return };
        let ack = Ack { term: TERM, stream: last.stream, held: Some(last.number) };
        let request = Request::Ack { slot: slot().number(), ack };
        let from = EdgeId { peer: OTHER, shard: ShardId(0) };
        self.house.shard.handle_request(self.house.now, from, Asked { term: TERM, number: 0, request });
    }

    /// Until nothing more is said.
    fn settle(&mut self) {
        loop {
            let words = self.words();
            if words.is_empty() {
                break;
            }
            self.acked(&words);
            self.said.extend(words);
        }
        while self.house.shard.poll_output().is_some() {}
        self.house.drain();
    }
}

fn slot() -> Slot {
    let handle = RoomHandle::of(&KEY, room().as_str());
    Slot::new(handle.slot()).expect("a handle's slot")
}

fn alone(measure: &mut Measure<'_>) {
    let mut side = Side::of(1);
    side.join();
    measure.run_prepared(ROUNDS, &mut side, Side::settle, |side| {
        for _ in 0..ROUNDS {
            side.publish();
        }
    });
    assert_eq!(side.house.drain_counting().1, 2 * ROUNDS, "each is told and acknowledged");
}

fn owner(measure: &mut Measure<'_>) {
    let mut side = Side::owner();
    let prepare = |side: &mut Side| {
        side.settle();
        side.said.clear();
    };
    measure.run_prepared(ROUNDS, &mut side, prepare, |side| {
        for _ in 0..ROUNDS {
            side.publish();
        }
        let words = side.words();
        side.acked(&words);
    });
    assert_eq!(side.house.drain_counting().1, 2 * ROUNDS, "each is told and acknowledged");
}

fn standby(measure: &mut Measure<'_>) {
    let mut sides = [Side::owner(), Side::standby()];
    let take = |[owner, standby]: &mut [Side; 2]| {
        let House { shard, now, .. } = &mut standby.house;
        for word in owner.said.drain(..) {
            shard.handle_told(*now, OTHER, word);
        }
        let mut acks = 0;
        while let Some(asked) = shard.poll_request(Way::Peer(OTHER)) {
            assert!(
                matches!(asked.request, Request::Ack { ack: Ack { held: Some(_), .. }, .. }),
                "it is taken"
            );
            acks += 1;
        }
        acks
    };
    take(&mut sides);
    let prepare = |[owner, _]: &mut [Side; 2]| {
        for _ in 0..ROUNDS {
            owner.publish();
        }
        owner.settle();
    };
    measure.run_prepared(ROUNDS, &mut sides, prepare, |sides| assert_eq!(take(sides), 1, "one ack for all"));
}
