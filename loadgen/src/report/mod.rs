//! What a run tells: a line while it runs, then a table, a JSON summary and, where promises were broken, the evidence.
//!
//! Numbers are gathered per thread in a [`Tally`] and added up at the end; what is shown while it runs comes from the
//! relaxed atomics of a [`Board`].

mod board;
mod summary;
mod tally;

pub use board::{Board, Progress};
pub(crate) use summary::grouped;
pub use summary::{Summary, Verdict};
pub use tally::{Evidence, Latency, Tally};
