//! Rings and doorbells between shards: there and back on one thread, without the cost of moving cache lines. Floors and hops have that.

use std::hint::black_box;
use std::sync::Arc;

use ringway_mesh::spsc::ring;
use ringway_mesh::{Inbound, Mailbox, Wake};

use crate::micro::{Case, Measure};

const BATCHES: u64 = 20;
const BATCH: u64 = 16;
const WEIGHT_BYTES: usize = 140;

pub(super) const CASES: &[Case] = &[
    Case::new("ring push and pop, one at a time", |measure| batches(measure, 1)),
    Case::new("ring push and pop, 16 in a batch", |measure| batches(measure, BATCH)),
    Case::new("doorbell of one who is awake", announce),
    Case::new("mailbox post and take", mailbox),
];

/// Whoever is awake is not woken.
struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {
        unreachable!("nobody sleeps here");
    }
}

fn batches(measure: &mut Measure<'_>, batch: u64) {
    let (mut sender, mut receiver) = ring::<[u64; 4]>(64, 1 << 20);
    measure.run(BATCHES * batch, || {
        for _ in 0..BATCHES {
            for item in 0..batch {
                black_box(sender.push([item; 4], WEIGHT_BYTES).is_ok());
            }
            while let Some(item) = receiver.pop() {
                black_box(item);
            }
        }
    });
}

/// A batch was written: mark and look at the sleeper, then take the mark.
fn announce(measure: &mut Measure<'_>) {
    let inbound = Inbound::new(2, Nobody);
    measure.run(BATCHES, || {
        for _ in 0..BATCHES {
            black_box(inbound.announce(1));
            inbound.take(|writer| {
                black_box(writer);
            });
        }
    });
}

fn mailbox(measure: &mut Measure<'_>) {
    let mailbox = Mailbox::new(64, Arc::new(Inbound::new(1, Nobody)), 0);
    measure.run(BATCHES, || {
        for letter in 0..BATCHES {
            black_box(mailbox.post(letter).is_ok());
            black_box(mailbox.take());
        }
    });
}
