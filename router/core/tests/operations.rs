//! The core under operations made of bytes: the committed corpus, and a few thousand made up here. The fuzz target
//! `fuzz/fuzz_targets/operations.rs` looks for more.

#![allow(clippy::disallowed_methods, reason = "a test reads its corpus from files")]

mod bench;
#[path = "bench/operations.rs"]
mod operations;

#[test]
fn the_committed_corpus_runs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/operations");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        operations::run(&std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 0);
}

#[test]
fn operations_made_of_noise_neither_panic_nor_get_stuck() {
    let mut state = 0x1234_5678_9abc_def0u64;
    for _ in 0..1_500 {
        let bytes: Vec<u8> = (0..600)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        operations::run(&bytes);
    }
}
