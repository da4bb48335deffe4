//! The binary as operators meet it: started, asked, reloaded, drained, and refused with one clear line.
//!
//! Each test has a process of its own on free ports and waits for what the process says, never for time to pass.

mod api;
mod client;
mod drain;
mod logs;
mod metrics;
#[path = "../patient/mod.rs"]
mod patient;
mod process;
mod reload;
mod start;
mod tls;
mod token;
