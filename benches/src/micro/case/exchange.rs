//! Two shards: interest in a room of another shard, and what comes from there. Without the rings between them, which are cases of their own.

use std::hint::black_box;

use ringway_protocol::{Lane, RoomName};

use crate::micro::house::{Pair, join, leave, publication};
use crate::micro::{Case, Measure};

const ROUNDS: u64 = 10;
const MEMBERS: u64 = 100;

pub(super) const CASES: &[Case] = &[
    Case::new("interest in a room of another shard, and no more", interest),
    Case::new("publish to 100 members from another shard's room", publish),
];

/// The only one here joins and leaves: the edge's interest begins and ends, and the owner learns of both.
fn interest(measure: &mut Measure<'_>) {
    let name = Pair::room();
    let room = RoomName::new(&name).expect("a valid name");
    let mut pair = Pair::of(0, room);
    let visitor = pair.edge.open(0);
    let (join, leave) = (join(room, None), leave(room));
    measure.run_prepared(
        ROUNDS,
        &mut pair,
        |pair| {
            pair.edge.drain();
        },
        |pair| {
            for _ in 0..ROUNDS {
                pair.command(visitor, &join);
                pair.command(visitor, &leave);
            }
        },
    );
}

/// There and back: the request to the owner, one delivery from it, and all outboxes of this shard.
fn publish(measure: &mut Measure<'_>) {
    let name = Pair::room();
    let room = RoomName::new(&name).expect("a valid name");
    let mut pair = Pair::of(MEMBERS, room);
    let command = publication(room, Lane::Reliable, "");
    measure.run_prepared(
        ROUNDS,
        &mut pair,
        |pair| {
            pair.edge.drain();
        },
        |pair| {
            for _ in 0..ROUNDS {
                pair.command(pair.edge.members[0], black_box(&command));
            }
        },
    );
    assert_eq!(pair.edge.drain(), MEMBERS, "each member has something");
}
