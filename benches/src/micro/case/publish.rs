//! A publication from its command to the outboxes of a room's members.

use std::hint::black_box;

use ringway_protocol::Lane;

use crate::micro::house::{House, publication, room};
use crate::micro::{Case, Measure};

/// Publications of a round; outboxes are emptied between rounds.
const PUBLICATIONS: u64 = 4;

pub(super) const CASES: &[Case] = &[
    Case::new("publish to 1 member", |measure| publish(measure, 1, Lane::Reliable)),
    Case::new("publish to 100 members", |measure| publish(measure, 100, Lane::Reliable)),
    Case::new("publish to 10,000 members", |measure| publish(measure, 10_000, Lane::Reliable)),
    Case::new("publish latest to 100 members", |measure| publish(measure, 100, Lane::Latest)),
];

fn publish(measure: &mut Measure<'_>, members: u64, lane: Lane) {
    let mut house = House::of(members);
    let command = publication(room(), lane, "cursor");
    let publish = |house: &mut House| {
        for _ in 0..PUBLICATIONS {
            house.command(house.members[0], black_box(&command));
        }
    };
    // The first ones find outboxes that never held anything.
    publish(&mut house);
    measure.run_prepared(
        PUBLICATIONS,
        &mut house,
        |house| assert_eq!(house.drain(), members, "each member has something"),
        publish,
    );
}
