//! A link's stream cut anywhere gives the frames that the whole gives.

#![no_main]

#[path = "../targets/stream.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
