//! A peer's WebTransport streams cut anywhere give the answers that the whole gives.

#![no_main]

#[path = "../targets/webtransport.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
