//! Any bytes as a binary frame.

#![no_main]

#[path = "../targets/binary.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
