//! Bytes as a list of operations on two shards.
#![no_main]

#[path = "../../tests/bench/mod.rs"]
mod bench;
#[path = "../../tests/bench/operations.rs"]
mod operations;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| operations::run(bytes));
