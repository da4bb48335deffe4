//! A WebSocket stream cut anywhere gives the items that the whole gives.

#![no_main]

#[path = "../targets/websocket.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
