//! Any bytes as a JSON body.

#![no_main]

#[path = "../targets/json_value.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
