//! The hot paths, by the crate they run through.

mod codec;
mod core;
mod rings;
mod websocket;

use super::Case;

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    [codec::CASES, websocket::CASES, rings::CASES, core::CASES].into_iter().flatten()
}
