//! The end of a run: rows for people, an object for programs, a verdict for the shell. Process view.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Latency, Tally};
use crate::proc_stat::Usage;

/// Whether the run was fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every promise was kept.
    Kept,
    /// A promise was broken, or the run did not do what was asked.
    Broken,
}

impl Verdict {
    /// 0 or 1.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Kept => ExitCode::SUCCESS,
            Self::Broken => ExitCode::from(1),
        }
    }
}

/// Rows in the order in which they are shown; each is also a member of the JSON object.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    scenario: &'static str,
    rows: Vec<(&'static str, Value, String)>,
    warnings: Vec<String>,
    failures: Vec<String>,
}

impl Summary {
    /// An empty summary of a scenario.
    #[must_use]
    pub fn new(scenario: &'static str) -> Self {
        Self { scenario, ..Self::default() }
    }

    /// A whole number.
    pub fn count(&mut self, name: &'static str, count: u64) {
        self.rows.push((name, json!(count), grouped(count)));
    }

    /// A rate or ratio.
    pub fn number(&mut self, name: &'static str, number: f64) {
        let rounded = (number * 1e3).round() / 1e3;
        let shown = match number.abs() {
            1e3.. => grouped(number.round() as u64),
            100.0.. => format!("{number:.1}"),
            _ => format!("{rounded}"),
        };
        self.rows.push((name, json!(rounded), shown));
    }

    /// A name.
    pub fn text(&mut self, name: &'static str, text: &str) {
        self.rows.push((name, json!(text), text.to_owned()));
    }

    /// The usual quantiles, with a prefix such as `handshake_`, or none for the scenario's main latency.
    pub fn latency(&mut self, names: [&'static str; 5], latency: &Latency) {
        for (name, quantile) in names.iter().zip([0.5, 0.9, 0.99, 0.999]) {
            self.number(name, latency.quantile_us(quantile));
        }
        self.number(names[4], latency.max_us());
    }

    /// Counts of everything that must not be.
    pub fn promises(&mut self, tally: &Tally) {
        self.count("lost", tally.lost);
        self.count("duplicated", tally.duplicated);
        self.count("reordered", tally.reordered);
        self.count("corrupted", tally.corrupted);
        self.count("other_violations", tally.broken);
        self.count("told_gaps", tally.told_gaps);
        self.count("resets", tally.resets);
        self.count("errors", tally.errors.values().sum());
        self.count("refused", tally.refused);
        self.count("unsent", tally.unsent);
        self.count("disconnects", tally.disconnects);
        self.count("connect_failures", tally.connect_failures);
        for (name, count) in &tally.errors {
            self.warn(format!("the server answered {name} {} times", grouped(*count)));
        }
        for (text, count) in &tally.endings {
            self.warn(format!("{} connections ended: {text}", grouped(*count)));
        }
        if tally.unsent > 0 {
            self.warn(format!("{} publications were due and could not be sent", grouped(tally.unsent)));
        }
        if tally.unsettled > 0 {
            self.fail(format!("{} subscribers were no members at the end", grouped(tally.unsettled)));
        }
        if tally.violations() > 0 {
            self.fail(format!("{} promises were broken", tally.violations()));
        }
        for evidence in &tally.evidence {
            self.failures.push(format!("  {}: {}", evidence.client, evidence.text));
        }
    }

    /// The server's memory and CPU over the measured time, `None` where it could not be found.
    pub fn server(&mut self, before: Option<Usage>, after: Option<Usage>, over: Duration, deliveries: u64) {
        let (Some(before), Some(after)) = (before, after) else {
            for name in ["server_rss_kib", "server_cpu"] {
                self.rows.push((name, Value::Null, "unknown".to_owned()));
            }
            self.warn("the server's process was not found: pass --server-pid".to_owned());
            return;
        };
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
        self.count("server_rss_kib", after.rss_kib);
        self.number("server_cpu", cpu / over.as_secs_f64());
        if deliveries > 0 {
            self.number("server_cpu_us_per_delivery", cpu * 1e6 / deliveries as f64);
        }
    }

    /// The client's own CPU and punctuality, with a warning when it was itself the bottleneck.
    pub fn client(&mut self, tally: &Tally, over: Duration, spins: bool) {
        self.number("client_cpu", tally.cpu.as_secs_f64() / over.as_secs_f64());
        self.number("send_lag_p99_us", tally.send_lag.quantile_us(0.99));
        if tally.busiest > 0.9 && !spins {
            let share = (tally.busiest * 100.0).round();
            self.warn(format!(
                "a client thread used {share} % of a core: the client was the bottleneck (more --threads?)"
            ));
        }
        if tally.send_lag.count() > 0 && tally.send_lag.quantile_us(0.99) > 1_000.0 {
            self.warn(
                "the client sent late (p99 above 1 ms): its own lag is part of the latencies".to_owned(),
            );
        }
    }

    /// Something that makes the numbers less worth.
    pub fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    /// Something that makes the run a failure.
    pub fn fail(&mut self, text: String) {
        self.failures.insert(0, text);
    }

    /// A row's value by its name; null when there is none.
    #[must_use]
    pub fn value(&self, name: &str) -> Value {
        self.rows.iter().find(|row| row.0 == name).map_or(Value::Null, |row| row.1.clone())
    }

    /// What made the run a failure, most important first.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Whether anything failed.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.failures.is_empty() { Verdict::Kept } else { Verdict::Broken }
    }

    /// The object for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("scenario".to_owned(), json!(self.scenario));
        for (name, value, _) in &self.rows {
            object.insert((*name).to_owned(), value.clone());
        }
        object.insert("warnings".to_owned(), json!(self.warnings));
        object.insert("failures".to_owned(), json!(self.failures));
        Value::Object(object)
    }

    /// Prints the table, and writes the JSON where it is wanted.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn publish(&self, json: Option<&Path>) -> io::Result<Verdict> {
        let to_stdout = json == Some(Path::new("-"));
        let table = self.table();
        if to_stdout {
            io::stderr().write_all(table.as_bytes())?;
        } else {
            io::stdout().write_all(table.as_bytes())?;
        }
        if let Some(path) = json {
            let mut text = serde_json::to_string_pretty(&self.to_json()).map_err(io::Error::other)?;
            text.push('\n');
            if to_stdout { io::stdout().write_all(text.as_bytes())? } else { std::fs::write(path, text)? }
        }
        Ok(self.verdict())
    }

    fn table(&self) -> String {
        let mut table = format!("\n{}\n", self.scenario);
        let name_width = self.rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        let width = self.rows.iter().map(|(_, _, shown)| shown.len()).max().unwrap_or(0);
        for (name, _, shown) in &self.rows {
            table += &format!("  {name:<name_width$}  {shown:>width$}\n");
        }
        for warning in &self.warnings {
            table += &format!("warning: {warning}\n");
        }
        for failure in &self.failures {
            table += &format!("FAILED: {failure}\n");
        }
        table
    }
}

/// 1234567 as 1,234,567.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn a_lost_message_makes_the_run_a_failure_with_evidence() {
        let mut tally = Tally::default();
        let fault = ringway_protocol::session::client::Fault::Lost {
            from: ringway_protocol::Offset(3),
            to: ringway_protocol::Offset(5),
        };
        tally.fault(|| "client 7".to_owned(), &fault);
        let mut summary = Summary::new("fanout");
        summary.promises(&tally);
        assert_eq!(summary.verdict(), Verdict::Broken);
        let json = summary.to_json();
        assert_eq!(json["lost"], 3);
        assert!(json["failures"][1].as_str().unwrap().contains("client 7"));
    }
}
