//! Rings between shards: items there and back on one thread, without the cost of moving cache lines.

use std::hint::black_box;

use ringway_mesh::spsc::ring;

use crate::micro::{Case, Measure};

const BATCHES: u64 = 20;
const BATCH: u64 = 16;

pub(super) const CASES: &[Case] = &[Case::new("ring push and pop, 16 in a batch", batches)];

fn batches(measure: &mut Measure) {
    let (mut sender, mut receiver) = ring::<[u64; 4]>(64, 1 << 20);
    measure.run(BATCHES * BATCH, || {
        for _ in 0..BATCHES {
            for item in 0..BATCH {
                black_box(sender.push([item; 4], 140).is_ok());
            }
            while let Some(item) = receiver.pop() {
                black_box(item);
            }
        }
    });
}
