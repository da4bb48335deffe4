//! One table: rows by columns of series, printed as markdown and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::series::Series;

/// A table under way.
pub(crate) struct Table {
    title: String,
    unit: &'static str,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Series>)>,
}

impl Table {
    /// An empty table; `unit` is that of every cell.
    pub(crate) fn new(title: impl Into<String>, unit: &'static str, columns: Vec<String>) -> Self {
        Self { title: title.into(), unit, columns, rows: Vec::new() }
    }

    /// One more sample for a cell; the row is made at its first sample.
    ///
    /// # Panics
    /// If there is no such column.
    pub(crate) fn push(&mut self, row: &str, column: usize, sample: f64) {
        assert!(column < self.columns.len(), "the table has no column {column}");
        let at = self.rows.iter().position(|(name, _)| name == row).unwrap_or_else(|| {
            self.rows.push((row.to_owned(), vec![Series::default(); self.columns.len()]));
            self.rows.len() - 1
        });
        self.rows[at].1[column].push(sample);
    }

    /// Medians with their spread.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {} ({})\n\n| |", self.title, self.unit);
        for column in &self.columns {
            let _ = write!(text, " {column} |");
        }
        text.push_str("\n|---|");
        text.push_str(&"---:|".repeat(self.columns.len()));
        for (name, cells) in &self.rows {
            let _ = write!(text, "\n| {name} |");
            for cell in cells {
                let (low, high) = cell.spread();
                if cell.samples().is_empty() {
                    text.push_str(" – |");
                } else {
                    let _ =
                        write!(text, " **{}** ({}–{}) |", figure(cell.median()), figure(low), figure(high));
                }
            }
        }
        text.push('\n');
        text
    }

    /// Medians and all samples.
    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|(name, cells)| {
                let cells: serde_json::Map<String, Value> = (self.columns.iter().zip(cells))
                    .map(|(column, cell)| {
                        (column.clone(), json!({ "median": cell.median(), "samples": cell.samples() }))
                    })
                    .collect();
                json!({ "row": name, "cells": cells })
            })
            .collect();
        json!({ "title": self.title, "unit": self.unit, "columns": self.columns, "rows": rows })
    }
}

/// Three significant digits or the whole number.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_appears_with_its_first_sample_and_holes_are_shown() {
        let mut table = Table::new("sends", "ns", vec!["100".into(), "1000".into()]);
        for sample in [1700.0, 1650.0, 1900.0] {
            table.push("send", 1, sample);
        }
        assert_eq!(
            table.markdown(),
            "### sends (ns)\n\n| | 100 | 1000 |\n|---|---:|---:|\n| send | – | **1700** (1650–1900) |\n"
        );
        assert_eq!(table.json()["rows"][0]["cells"]["1000"]["median"], 1700.0);
        assert_eq!(table.json()["columns"], json!(["100", "1000"]), "objects don't keep the order");
    }

    #[test]
    fn small_figures_keep_their_digits() {
        assert_eq!([figure(0.631), figure(12.34), figure(1999.6)], ["0.63", "12.3", "2000"]);
    }
}
