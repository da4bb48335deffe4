//! What a run tells: a line while it runs, then a table, a JSON document and, where promises were broken, the evidence.
//!
//! Numbers are gathered per thread in a [`Tally`] and added up at the end; what is shown while it runs, and the series
//! by second, goes over the [`Board`].

mod board;
mod context;
pub mod hgrm;
pub mod html;
mod measured;
mod output;
mod rebuild;
pub mod record;
mod series;
mod summary;
mod tally;
mod unrest;
pub mod whole;

pub use board::{Board, Progress};
pub use context::{Context, Machine, Server};
pub use measured::Measured;
pub use output::Output;
pub use rebuild::{ReportArgs, ReportFault, rebuild};
pub use series::{Counts, Pulse, Row, Second, Series, second_of};
pub(crate) use summary::{BUSY, grouped};
pub use summary::{Limit, Summary, Verdict};
pub use tally::{Evidence, Latency, Tally};
pub use unrest::Unrest;
