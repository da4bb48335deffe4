//! What one format says, the other says too.

#![no_main]

#[path = "../targets/formats.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
