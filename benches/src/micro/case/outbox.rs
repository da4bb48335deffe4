//! What waits for a session: conflated while it waits, and taken for its socket.

use std::hint::black_box;

use ringway_protocol::Lane;

use crate::micro::house::{House, publication, room};
use crate::micro::{Case, Measure};

const MEMBERS: u64 = 100;
const KEYS: u64 = 64;

pub(super) const CASES: &[Case] = &[
    Case::new("transmit 1 message to a session", |measure| transmit(measure, 1)),
    Case::new("transmit 16 messages to a session", |measure| transmit(measure, 16)),
    Case::new("conflate among 64 keys, 100 members", conflate),
    Case::new("transmit 64 values to a session", transmit_values),
];

fn transmit(measure: &mut Measure<'_>, messages: u64) {
    let mut house = House::of(MEMBERS);
    let command = publication(room(), Lane::Reliable, "");
    measure.run_prepared(
        MEMBERS,
        &mut house,
        |house| {
            for _ in 0..messages {
                house.command(house.members[0], &command);
            }
        },
        |house| assert_eq!(house.drain(), MEMBERS, "each session has something"),
    );
}

/// Each publication replaces a value that waits for every member.
fn conflate(measure: &mut Measure<'_>) {
    let keys = keys();
    let mut house = House::of(MEMBERS);
    let publish = |house: &mut House| publish_all(house, &keys);
    publish(&mut house);
    measure.run_prepared(KEYS, &mut house, |_| {}, publish);
    let (_, frames) = house.drain_counting();
    assert_eq!(frames, KEYS * MEMBERS, "one value of each key waited for each member");
}

fn transmit_values(measure: &mut Measure<'_>) {
    let keys = keys();
    let mut house = House::of(MEMBERS);
    measure.run_prepared(
        MEMBERS,
        &mut house,
        |house| publish_all(house, &keys),
        |house| assert_eq!(house.drain(), MEMBERS, "each session has something"),
    );
}

fn keys() -> Vec<String> {
    (0..KEYS).map(|key| format!("player-{key}")).collect()
}

fn publish_all(house: &mut House, keys: &[String]) {
    for key in keys {
        house.command(house.members[0], black_box(&publication(room(), Lane::Latest, key)));
    }
}
