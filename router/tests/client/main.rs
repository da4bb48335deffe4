//! `ringway-client` against a whole node in this process: what a Rust client can rely on.

mod driver;
mod endings;
mod probe;
mod session;
mod support;
