//! QUIC: many clients in one thread, and a plain server to compare with.
//!
//! The clients ([`drain`], [`storm`]) are quinn-proto without a runtime over one UDP socket ([`driver`]), so that one core of clients has room
//! to spare beside one core of server. The floor ([`floor`]) is what a person who knows `quinn` and tokio would write to send the same bytes
//! to the same clients; its settings ([`settings`]) are those of the router where both have them. What one stream takes there and back without any
//! of it is [`round_trip`].

mod check;
mod drain;
mod driver;
mod floor;
mod publisher;
mod round_trip;
mod session;
mod settings;
mod socket;
mod storm;
#[cfg(test)]
mod tests;

pub(crate) use drain::{Options as DrainOptions, run as run_drain};
pub(crate) use floor::{Options as FloorOptions, run as run_floor};
pub(crate) use round_trip::{Options as RoundTripOptions, run as run_round_trip};
pub(crate) use storm::{Options as StormOptions, run as run_storm};
