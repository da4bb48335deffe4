//! Why the program ends before it did anything: lines that each say what, where and how to mend it. Exit code 2.

use std::fmt;

use crate::config::Fault;

/// Lines for stderr.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    lines: Vec<String>,
}

impl Refusal {
    /// One line.
    pub fn new(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()] }
    }
}

impl From<Vec<Fault>> for Refusal {
    fn from(faults: Vec<Fault>) -> Self {
        Self { lines: faults.iter().map(ToString::to_string).collect() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(formatter, "{gap}ringway: {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
