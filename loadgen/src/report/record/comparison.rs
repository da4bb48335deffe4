//! Two servers under the same load, in turns.

use serde::Deserialize;

use super::{Record, RunInfo};

/// What came of comparing `a` with `b`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Comparison {
    /// One server.
    pub a: RunInfo,
    /// The other one.
    pub b: RunInfo,
    /// Which scenario.
    pub scenario: Option<String>,
    /// How often each had its turn.
    pub rounds: Option<u64>,
    /// What was measured.
    pub rows: Vec<Row>,
    /// What makes the numbers less worth.
    pub warnings: Vec<String>,
    /// What made it a failure.
    pub failures: Vec<String>,
    /// All runs, each with its side and round.
    #[serde(skip)]
    pub runs: Vec<Record>,
}

/// One number of both sides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Row {
    /// The row's name in a run.
    pub name: String,
    /// Its unit.
    pub unit: Option<String>,
    /// `less` or `more`.
    pub better: Option<String>,
    /// Of each round.
    pub a: Vec<Option<f64>>,
    /// Of each round.
    pub b: Vec<Option<f64>>,
    /// `a` over `b`, round by round.
    pub ratio: Option<Ratio>,
}

/// A ratio over the rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Ratio {
    /// The middle one.
    pub median: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}
