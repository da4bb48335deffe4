//! Instructions: the runner starts itself under callgrind once for each case, and the counts are compared with a committed baseline.

use std::hint::black_box;
use std::io;
use std::path::PathBuf;

use serde_json::json;

use super::baseline::Baseline;
use super::measure::{Measure, Meter, Round};
use super::{cases, runner};

/// Which cases, and what to do with the counts.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only cases whose name contains this
    filter: Option<String>,
    /// Fail when a case has grown by more than 5 % against the baseline, or is not in it
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Write the counts into the baseline
    #[arg(long)]
    update: bool,
    /// The baseline
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.json"))]
    baseline: PathBuf,
    /// Also write the counts here as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// The one case that a process under callgrind runs.
#[derive(clap::Args)]
pub(crate) struct CaseOptions {
    /// Its name
    name: String,
}

/// Counts all cases and prints a table.
///
/// # Errors
/// If valgrind can't be run, or with `--check` a case has grown or has no baseline.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let mut counts = Baseline::of_this_host();
    let old = Baseline::read(&options.baseline)?;
    let mut rows = Vec::new();
    println!("{:<52} {:>14} {:>14} {:>8}", "instructions for one operation", "now", "baseline", "");
    for case in cases(options.filter.as_deref()) {
        let count = runner::count(case.name)?;
        let before = old.get(case.name);
        rows.push(json!({ "case": case.name, "instructions": count, "baseline": before }));
        let change =
            before.map_or(String::from("new"), |before| format!("{:+.1} %", (count / before - 1.0) * 100.0));
        let before = before.map_or(String::from("–"), |before| format!("{before:.1}"));
        println!("{:<52} {count:>14.1} {before:>14} {change:>8}", case.name);
        counts.set(case.name, count);
    }
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", json!({ "rows": rows })))?;
    }
    if options.update {
        return counts.merged_into(old, options.filter.is_some()).write(&options.baseline);
    }
    let (grown, unguarded) = (counts.grown_against(&old), counts.unguarded_by(&old));
    for line in grown.iter().chain(&unguarded) {
        println!("{line}");
    }
    let fault = match (grown.is_empty(), unguarded.is_empty()) {
        (true, true) => return Ok(()),
        _ if !options.check => return Ok(()),
        (false, _) => {
            "hot paths have grown; if that is right: ringway-bench micro --update, and say why in the commit"
        }
        (true, false) => "cases without a baseline guard nothing: ringway-bench micro --update",
    };
    Err(io::Error::other(fault))
}

/// Runs one case; its last line is how many operations were counted.
///
/// # Errors
/// If there is no such case.
pub(crate) fn run_case(options: &CaseOptions) -> io::Result<()> {
    let case = (cases(None).find(|case| case.name == options.name)).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no case {:?}", options.name))
    })?;
    let mut once = Once { operations: 0 };
    (case.run)(&mut Measure::by(&mut once));
    println!("{}", once.operations);
    Ok(())
}

/// One call, of which callgrind counts the instructions.
struct Once {
    operations: u64,
}

impl Meter for Once {
    fn play(&mut self, operations: u64, round: &mut dyn Round) {
        self.operations += operations;
        round.prepare();
        runner::counted_by_callgrind(&mut || round.call());
        black_box(round);
    }
}
