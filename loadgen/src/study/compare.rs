//! `compare`: two servers, in turn, under the same load.
//!
//! Whoever goes first in a round goes second in the next, so that neither gets the quieter half; ratios are taken within
//! a round, so that a slow hour of the host slows both.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{of_run, rounded};
use crate::args::CompareArgs;
use crate::report::{Limit, Summary, Verdict, grouped};
use crate::scenario::{self, Plan, RunFault};
use crate::server::ServerFile;

/// Rows that say which of two is better, with their unit, and whether more is.
const ROWS: &[(&str, &str, bool)] = &[
    ("deliveries_per_s", "/s", true),
    ("messages_per_s", "/s", true),
    ("connects_per_s", "/s", true),
    ("states_received_per_s", "/s", true),
    ("p50_us", "µs", false),
    ("p90_us", "µs", false),
    ("p99_us", "µs", false),
    ("p999_us", "µs", false),
    ("max_us", "µs", false),
    ("upgrade_p99_us", "µs", false),
    ("joined_p99_us", "µs", false),
    ("caught_up_p99_us", "µs", false),
    ("state_p50_us", "µs", false),
    ("state_p99_us", "µs", false),
    ("state_age_p99_us", "µs", false),
    ("event_p99_us", "µs", false),
    ("converged_p50_us", "µs", false),
    ("converged_max_us", "µs", false),
    ("server_cpu", "cores", false),
    ("server_cpu_us_per_delivery", "µs", false),
    ("server_rss_kib", "KiB", false),
    ("server_bytes_per_session", "B", false),
];

/// One of the two.
struct Side {
    server: ServerFile,
    plan: Plan,
    runs: Vec<Summary>,
}

/// Measures both, prints each round as it is done, then the table.
///
/// # Errors
/// When a server can't be started, a run can't take place, or a document can't be written.
pub fn compare(args: &CompareArgs) -> Result<ExitCode, String> {
    let plan = Plan::parse(&args.study.scenario).map_err(|fault| fault.to_string())?;
    let mut sides = [side(&args.a, &plan, args)?, side(&args.b, &plan, args)?];
    for round in 0..args.rounds {
        for turn in 0..2 {
            let side = &mut sides[usize::from((round + turn) % 2)];
            let summary = scenario::run(&side.plan).map_err(|fault: RunFault| {
                side.server.with_setup(format!("{}: {fault}", side.server.name))
            })?;
            if summary.was_interrupted() {
                return Err("interrupted".to_owned());
            }
            let row = |name: &str| summary.value(name).as_f64();
            let rate = ["deliveries_per_s", "messages_per_s", "connects_per_s", "states_received_per_s"];
            let rate = rate.into_iter().find_map(row).unwrap_or(0.0);
            let p99 = row("p99_us").or_else(|| row("state_p99_us")).unwrap_or(0.0);
            let name = &side.server.name;
            eprintln!(
                "round {} of {}, {name}: {}/s, p99 {p99:.0} µs, limited by {}{}",
                round + 1,
                args.rounds,
                grouped(rate.round() as u64),
                summary.limit().name(),
                if summary.verdict() == Verdict::Kept { "" } else { ", FAILED" },
            );
            side.runs.push(summary);
        }
    }
    let rows: Vec<Row> =
        ROWS.iter().filter_map(|(name, unit, more)| Row::of(name, unit, *more, &sides)).collect();
    let (warnings, failures) = (warnings(&sides), failures(&sides));
    let table = table(&plan, &sides, &rows, &warnings, &failures);
    args.study.output().deliver(&table, &document(&plan, args, &sides, &rows, &warnings, &failures))?;
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn side(server: &str, plan: &Plan, args: &CompareArgs) -> Result<Side, String> {
    let server = ServerFile::read(server)?;
    let mut flags = server.flags(Some(&args.server_cores));
    flags.extend(["--client-core".to_owned(), args.client_core.to_string(), "--quiet".to_owned()]);
    let plan = plan.with(&flags).map_err(|fault| format!("{}: {fault}", server.name))?;
    Ok(Side { server, plan, runs: Vec::new() })
}

/// One figure of both, round by round.
struct Row {
    name: &'static str,
    unit: &'static str,
    more_is_better: bool,
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Row {
    /// `None` where one of the two has no such figure, or nothing but zeros.
    fn of(name: &'static str, unit: &'static str, more_is_better: bool, sides: &[Side; 2]) -> Option<Self> {
        let of_side = |side: &Side| -> Option<Vec<f64>> {
            let figures: Vec<_> =
                side.runs.iter().map(|run| run.value(name).as_f64()).collect::<Option<_>>()?;
            figures.iter().any(|figure| *figure > 0.0).then_some(figures)
        };
        Some(Self { name, unit, more_is_better, a: of_side(&sides[0])?, b: of_side(&sides[1])? })
    }

    /// A to B, round by round.
    fn ratios(&self) -> Vec<f64> {
        self.a.iter().zip(&self.b).filter(|(_, b)| **b > 0.0).map(|(a, b)| a / b).collect()
    }
}

/// Smallest, middle and largest; zeros of nothing.
fn spread(figures: &[f64]) -> [f64; 3] {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return [0.0; 3] };
    let middle = sorted.len() / 2;
    let median = if sorted.len().is_multiple_of(2) {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    } else {
        sorted[middle]
    };
    [*first, median, *last]
}

fn warnings(sides: &[Side; 2]) -> Vec<String> {
    let mut warnings = Vec::new();
    for side in sides {
        let bound = side.runs.iter().filter(|run| run.limit() == Limit::Client).count();
        if bound > 0 {
            let (name, runs) = (&side.server.name, side.runs.len());
            warnings.push(format!(
                "client-bound in {bound} of {runs} runs against {name}: those figures are the client's"
            ));
        }
    }
    warnings
}

fn failures(sides: &[Side; 2]) -> Vec<String> {
    let of_side = |side: &Side| -> Vec<String> {
        let runs = (1..).zip(&side.runs);
        let broken = runs.filter(|(_, run)| run.verdict() == Verdict::Broken);
        broken
            .flat_map(|(round, run)| {
                let name = side.server.name.clone();
                run.failures().iter().map(move |failure| format!("{name}, round {round}: {failure}"))
            })
            .collect()
    };
    sides.iter().flat_map(of_side).collect()
}

fn table(plan: &Plan, sides: &[Side; 2], rows: &[Row], warnings: &[String], failures: &[String]) -> String {
    let [a, b] = sides.each_ref().map(|side| side.server.name.as_str());
    let mut lines = vec![[plan.name().to_owned(), format!("A: {a}"), format!("B: {b}"), "A / B".to_owned()]];
    for row in rows {
        let figure = |figures: &[f64]| {
            let [low, median, high] = spread(figures);
            format!("{} ({}–{}) {}", shown(median), shown(low), shown(high), row.unit)
        };
        let [low, median, high] = spread(&row.ratios());
        let better = if (median > 1.0) == row.more_is_better { "A" } else { "B" };
        let better = if (low..=high).contains(&1.0) { "" } else { better };
        let ratio = format!("{median:.2} ({low:.2}–{high:.2}) {better}");
        lines.push([row.name.to_owned(), figure(&row.a), figure(&row.b), ratio.trim_end().to_owned()]);
    }
    let widths: [usize; 4] = std::array::from_fn(|column| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)
    });
    let mut table = String::from("\n");
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(table, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    table += "median (smallest–largest); A or B: the better one, where no round says otherwise\n";
    for warning in warnings {
        let _ = writeln!(table, "warning: {warning}");
    }
    for failure in failures {
        let _ = writeln!(table, "FAILED: {failure}");
    }
    table
}

fn shown(number: f64) -> String {
    match number {
        1e3.. => grouped(number.round() as u64),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

fn document(
    plan: &Plan,
    args: &CompareArgs,
    sides: &[Side; 2],
    rows: &[Row],
    warnings: &[String],
    failures: &[String],
) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let [min, median, max] = spread(&row.ratios()).map(rounded);
            json!({
                "name": row.name, "unit": row.unit, "better": if row.more_is_better { "more" } else { "less" },
                "a": row.a, "b": row.b, "ratio": {"median": median, "min": min, "max": max},
            })
        })
        .collect();
    let about = |side: &Side| {
        let run = side.runs.first().map(Summary::context);
        json!({
            "name": side.server.name, "about": side.server.about, "url": side.server.url,
            "spawn": side.server.spawn, "server": run.and_then(|run| run.server.clone()),
            "protocol": run.map(|run| run.protocol.clone()),
        })
    };
    let mut runs = Vec::new();
    for (letter, side) in ["a", "b"].into_iter().zip(sides) {
        for (round, run) in (1..).zip(&side.runs) {
            runs.push(of_run(run.to_json(), json!({"side": letter, "round": round})));
        }
    }
    json!({
        "schema": 1,
        "compare": {
            "a": about(&sides[0]), "b": about(&sides[1]),
            "scenario": plan.name(), "command": plan.shown(), "rounds": args.rounds,
            "rows": rows, "warnings": warnings, "failures": failures,
        },
        "runs": runs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_a_middle() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), [1.0, 2.0, 3.0]);
        assert_eq!(spread(&[4.0, 1.0]), [1.0, 2.5, 4.0]);
        assert_eq!(spread(&[]), [0.0; 3]);
    }
}
