//! The WebSocket codec against its rules, against itself under every split of its input, and against an oracle
//! (tungstenite) in both directions and both roles. All randomness comes from fixed seeds.

mod handshake;
mod oracle;
mod rules;
mod splits;
mod support;
