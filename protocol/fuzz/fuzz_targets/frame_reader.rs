//! A stream cut anywhere gives the frames that the whole gives.

#![no_main]

#[path = "../targets/frame_reader.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
