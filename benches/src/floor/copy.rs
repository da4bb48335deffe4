//! Copies: what it costs to gather frames into one buffer before a write.

use std::hint::black_box;
use std::io;

use super::{COALESCED, Options};
use crate::cpu;
use crate::table::Table;

const GATHERS: usize = 20_000;
const BLOCK_BYTES: usize = 64 * 1024;

/// Frames gathered into one buffer, and a large block.
pub(super) fn table(options: &Options) -> io::Result<Table> {
    let mut table = Table::new("copies", "CPU ns", vec!["each".to_owned()]);
    // Many frames, so that they are not all in the first cache.
    let frames: Vec<Vec<u8>> = (0..4_096).map(|fill| vec![fill as u8; options.bytes]).collect();
    let mut gathered = Vec::with_capacity(options.bytes * COALESCED);
    let block = vec![7_u8; BLOCK_BYTES];
    let mut copied = vec![0_u8; BLOCK_BYTES];
    for _ in 0..options.alternations {
        let gather = per_call(|call| {
            gathered.clear();
            for offset in 0..COALESCED {
                gathered.extend_from_slice(&frames[(call * COALESCED + offset) % frames.len()]);
            }
            black_box(&gathered);
        });
        table.push(
            &format!("one frame of {} bytes into a gathered write", options.bytes),
            0,
            gather / COALESCED as f64,
        );
        let whole = per_call(|_| {
            copied.copy_from_slice(black_box(&block));
            black_box(&copied);
        });
        table.push("64 KiB at once", 0, whole);
    }
    Ok(table)
}

/// CPU nanoseconds of one call.
fn per_call(mut call: impl FnMut(usize)) -> f64 {
    let from = cpu::thread_ns();
    for index in 0..GATHERS {
        call(index);
    }
    (cpu::thread_ns() - from) as f64 / GATHERS as f64
}
