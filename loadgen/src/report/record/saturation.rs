//! Rising rates until a bound no longer holds.

use serde::Deserialize;

use super::Record;

/// What came of looking for the highest rate that holds a bound.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Saturation {
    /// Which scenario.
    pub scenario: Option<String>,
    /// What had to hold.
    pub bound: Option<Bound>,
    /// The rates that were tried, in order of time.
    pub steps: Vec<Step>,
    /// The highest rate that held, if any did.
    pub best: Option<f64>,
    /// `server`, `client` or `never`.
    pub limited_by: Option<String>,
    /// What makes the numbers less worth.
    pub warnings: Vec<String>,
    /// What made it a failure.
    pub failures: Vec<String>,
    /// The runs of the steps.
    #[serde(skip)]
    pub runs: Vec<Record>,
}

/// A latency that a quantile must not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Bound {
    /// Between 0 and 1.
    pub quantile: f64,
    /// In µs.
    pub us: f64,
}

/// One rate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Offered, per second.
    pub rate: f64,
    /// Median latency in µs.
    pub p50_us: Option<f64>,
    /// The 99th percentile.
    pub p99_us: Option<f64>,
    /// Whether the bound held.
    pub held: bool,
    /// Why not.
    pub why: Option<String>,
}
