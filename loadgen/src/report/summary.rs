//! The end of a run: rows for people, an object for programs, a verdict for the shell. Process view.

use std::borrow::Cow;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Context, Latency, Measured, Row, Tally};

/// Version of the JSON document; it changes when a member changes its meaning or goes.
pub(super) const SCHEMA: u32 = 1;
/// A thread that uses more of a core than this may be what is measured.
pub(crate) const BUSY: f64 = 0.9;
/// A client that sends later than this may be what is measured.
const LAG_MAX: Duration = Duration::from_millis(1);
/// And by more than this part of what it measures.
const LAG_SHARE: f64 = 0.1;

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

/// What a run was held back by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// Nothing: what was asked for took place at the rate that was asked for.
    Rate,
    /// The clients: the numbers are theirs, not the server's.
    Client,
    /// The server used all of the cores that it may use.
    Server,
    /// Each message waits for the one before: latency and rate are two words for the same.
    ClosedLoop,
    /// Neither was busy, and yet not everything could be sent; or the server's process is not known.
    #[default]
    Unknown,
}

impl Limit {
    /// As reports call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Client => "client",
            Self::Server => "server",
            Self::ClosedLoop => "closed-loop",
            Self::Unknown => "unknown",
        }
    }
}

/// Rows in the order in which they are shown; each is also a member of the JSON object.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    scenario: &'static str,
    rows: Vec<(Cow<'static, str>, Value, String)>,
    warnings: Vec<String>,
    failures: Vec<String>,
    context: Context,
    series: Vec<Row>,
    histograms: Vec<(&'static str, Latency)>,
    limit: Limit,
    interrupted: bool,
}

impl Summary {
    /// An empty summary of a scenario.
    #[must_use]
    pub fn new(scenario: &'static str) -> Self {
        let context = Context { complete: true, ..Context::default() };
        Self { scenario, context, ..Self::default() }
    }

    /// A whole number.
    pub fn count(&mut self, name: &'static str, count: u64) {
        self.rows.push((name.into(), json!(count), grouped(count)));
    }

    /// A rate or ratio.
    pub fn number(&mut self, name: impl Into<Cow<'static, str>>, number: f64) {
        let rounded = (number * 1e3).round() / 1e3;
        let shown = match number.abs() {
            1e3.. => grouped(number.round() as u64),
            100.0.. => format!("{number:.1}"),
            _ => format!("{rounded}"),
        };
        self.rows.push((name.into(), json!(rounded), shown));
    }

    /// A name.
    pub fn text(&mut self, name: &'static str, text: &str) {
        self.rows.push((name.into(), json!(text), text.to_owned()));
    }

    /// The usual quantiles, with a prefix such as `handshake_`, or none for the scenario's main latency.
    pub fn latency(&mut self, prefix: &str, latency: &Latency) {
        for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
            self.number(format!("{prefix}{name}_us"), latency.quantile_us(quantile));
        }
        self.number(format!("{prefix}max_us"), latency.max_us());
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

    /// The server's memory and CPU over the measured time, unknown where its process could not be found.
    pub fn server(&mut self, measured: &Measured, deliveries: u64) {
        let Some((used, rss_kib)) = measured.server() else {
            for name in ["server_rss_kib", "server_cpu"] {
                self.rows.push((name.into(), Value::Null, "unknown".to_owned()));
            }
            if !measured.over.is_zero() {
                self.warn("the server's process was not found: pass --server-pid".to_owned());
            }
            return;
        };
        self.count("server_rss_kib", rss_kib);
        self.number("server_cpu", used.cores);
        self.number("server_busiest_thread", used.busiest);
        if deliveries > 0 {
            let cpu = used.cores * measured.over.as_secs_f64();
            self.number("server_cpu_us_per_delivery", cpu * 1e6 / deliveries as f64);
        }
    }

    /// How fast the server's memory grew over the second half of the measuring, and a failure where that is too fast.
    pub fn memory_slope(&mut self, series: &[Row], max: Option<f64>) {
        let looks: Vec<(f64, f64)> = series
            .iter()
            .filter(|row| row.t >= 0)
            .filter_map(|row| Some((row.t as f64 / 60.0, row.server_rss_kib? as f64)))
            .collect();
        let Some(slope) = slope(&looks[looks.len() / 2..]) else {
            if max.is_some() {
                self.fail(
                    "--rss-slope-max: the server's memory is not known, or the run too short".to_owned(),
                );
            }
            return;
        };
        self.number("server_rss_kib_per_minute", slope);
        if let Some(max) = max.filter(|max| slope > *max) {
            self.fail(format!(
                "the server's memory grew by {slope:.0} KiB a minute over the second half, the bound is {max}"
            ));
        }
    }

    /// The client's own CPU and punctuality, and what held the run back. `spins`: the threads are busy whatever they do;
    /// `closed`: messages wait for others.
    pub fn client(&mut self, tally: &Tally, measured: &Measured, spins: bool, closed: bool) {
        self.number("client_cpu", tally.cpu.as_secs_f64() / measured.over.as_secs_f64().max(1e-9));
        self.number("client_busiest_thread", tally.busiest);
        self.number("send_lag_p99_us", tally.send_lag.quantile_us(0.99));
        let busy = tally.busiest > BUSY && !spins;
        let server_busy = measured.server().is_some_and(|(used, _)| used.busiest > BUSY);
        // What is small beside the latencies does not make them.
        let lag_us = tally.send_lag.quantile_us(0.99);
        let late =
            lag_us > LAG_MAX.as_secs_f64() * 1e6 && lag_us > LAG_SHARE * tally.latency.quantile_us(0.99);
        self.limit = match () {
            // Nothing was measured, so nothing held it back.
            () if measured.over.is_zero() => Limit::Unknown,
            () if busy || (late && !server_busy) => Limit::Client,
            () if server_busy => Limit::Server,
            () if closed => Limit::ClosedLoop,
            () if tally.unsent == 0 && tally.refused == 0 => Limit::Rate,
            () => Limit::Unknown,
        };
        self.text("limited_by", self.limit.name());
        if busy {
            let share = (tally.busiest * 100.0).round();
            self.warn(format!(
                "client-bound: a client thread used {share} % of a core; these are the client's numbers (more --threads?)"
            ));
        }
        if late {
            self.warn(format!(
                "the client sent late (p99 {:.1} ms): its own lag is part of the latencies",
                lag_us / 1e3
            ));
        }
    }

    /// What held the run back.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// Where and when it took place, what happened second by second, and the full histograms.
    pub fn circumstances(&mut self, context: Context, series: Vec<Row>, tally: &Tally) {
        self.context = context;
        self.series = series;
        let histograms = [
            ("latency", &tally.latency),
            ("send_lag", &tally.send_lag),
            ("handshake", &tally.handshake),
            ("caught_up", &tally.caught_up),
            ("value_latency", &tally.value_latency),
            ("value_age", &tally.value_age),
            ("ack_latency", &tally.ack_latency),
        ];
        let filled = histograms.into_iter().filter(|(_, latency)| latency.count() > 0);
        self.histograms = filled.map(|(name, latency)| (name, latency.clone())).collect();
    }

    /// What is known beside the numbers.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Somebody pressed Ctrl-C.
    pub const fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Whether somebody pressed Ctrl-C: what was to follow should not.
    #[must_use]
    pub const fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// The run ended before it had done what it was asked to: its numbers are of a part of it.
    pub fn incomplete(&mut self, why: String) {
        self.fail(format!("only a part of the run took place: {why}"));
        self.context.complete = false;
        self.context.incomplete_because.get_or_insert(why);
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

    /// The document for programs; `docs/load-reports.md` describes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("schema".to_owned(), json!(SCHEMA));
        object.insert("scenario".to_owned(), json!(self.scenario));
        for (name, value, _) in &self.rows {
            object.insert(name.to_string(), value.clone());
        }
        object.insert("warnings".to_owned(), json!(self.warnings));
        object.insert("failures".to_owned(), json!(self.failures));
        object.insert("run".to_owned(), json!(self.context));
        object.insert("series".to_owned(), json!(self.series));
        let histograms: Map<String, Value> =
            self.histograms.iter().map(|(name, latency)| ((*name).to_owned(), json!(latency))).collect();
        object.insert("histograms".to_owned(), Value::Object(histograms));
        Value::Object(object)
    }

    /// The table for people, with warnings and failures below it.
    #[must_use]
    pub fn table(&self) -> String {
        let part = if self.context.complete { "" } else { " (only a part of the run took place)" };
        let mut table = format!("\n{}{part}\n", self.scenario);
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

/// The slope of the line that fits best; none of fewer than ten points.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    const POINTS_MIN: usize = 10;
    if points.len() < POINTS_MIN {
        return None;
    }
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let along: f64 = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum();
    let both: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (along > 0.0).then(|| both / along)
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
    fn memory_that_grows_is_a_failure_where_that_was_asked_for() {
        let row = |t: i64, rss: u64| Row { t, server_rss_kib: Some(rss), ..Row::default() };
        // Warm for half a minute, then 2 KiB a second.
        let rows: Vec<Row> =
            (0..60).map(|t| row(t, if t < 30 { 50_000 - t as u64 * 100 } else { t as u64 * 2 })).collect();
        let mut summary = Summary::new("soak");
        summary.memory_slope(&rows, Some(121.0));
        assert_eq!(summary.value("server_rss_kib_per_minute"), json!(120.0));
        assert_eq!(summary.verdict(), Verdict::Kept);
        summary.memory_slope(&rows, Some(119.0));
        assert_eq!(summary.verdict(), Verdict::Broken);
        let mut short = Summary::new("soak");
        short.memory_slope(&rows[..10], Some(119.0));
        assert!(short.failures()[0].contains("too short"));
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
