//! Hot paths in instructions: counted by callgrind, so that a shared machine's noise does not blur them, and compared with a committed baseline.
//!
//! A case prepares what it needs and hands one closure to [`Measure::run`]; only what happens in there is counted. The runner starts itself
//! under valgrind once for each case. Instructions are not time: they tell that a path has grown, not how long it takes.

mod baseline;
mod case;
mod runner;

use std::hint::black_box;
use std::io;
use std::path::PathBuf;

use baseline::Baseline;

/// Which cases, and what to do with the counts.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only cases whose name contains this
    filter: Option<String>,
    /// Fail when a case has grown by more than 5 % against the baseline
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Write the counts into the baseline
    #[arg(long)]
    update: bool,
    /// The baseline
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.json"))]
    baseline: PathBuf,
}

/// The one case that a process under callgrind runs.
#[derive(clap::Args)]
pub(crate) struct CaseOptions {
    /// Its name
    name: String,
}

/// One hot path.
struct Case {
    name: &'static str,
    run: fn(&mut Measure),
}

impl Case {
    const fn new(name: &'static str, run: fn(&mut Measure)) -> Self {
        Self { name, run }
    }
}

/// Runs the part of a case that is counted.
struct Measure {
    operations: u64,
}

impl Measure {
    /// Counts the instructions of one call, which does so many operations.
    fn run(&mut self, operations: u64, mut call: impl FnMut()) {
        self.operations += operations;
        runner::counted_by_callgrind(&mut call);
        black_box(&mut call);
    }
}

/// Counts all cases and prints a table.
///
/// # Errors
/// If valgrind can't be run, or a case has grown and `--check` was given.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let mut counts = Baseline::of_this_host();
    let old = Baseline::read(&options.baseline)?;
    println!("{:<36} {:>14} {:>14} {:>8}", "instructions for one operation", "now", "baseline", "");
    for case in case::all() {
        if options.filter.as_ref().is_some_and(|filter| !case.name.contains(filter.as_str())) {
            continue;
        }
        let count = runner::count(case.name)?;
        let before = old.get(case.name);
        let change =
            before.map_or(String::from("new"), |before| format!("{:+.1} %", (count / before - 1.0) * 100.0));
        let before = before.map_or(String::from("–"), |before| format!("{before:.1}"));
        println!("{:<36} {count:>14.1} {before:>14} {change:>8}", case.name);
        counts.set(case.name, count);
    }
    if options.update {
        return counts.merged_into(old, options.filter.is_some()).write(&options.baseline);
    }
    let grown = counts.grown_against(&old);
    for line in &grown {
        println!("{line}");
    }
    if options.check && !grown.is_empty() {
        return Err(io::Error::other(
            "hot paths have grown; if that is right: ringway-bench micro --update, and say why in the commit",
        ));
    }
    Ok(())
}

/// Runs one case; its last line is how many operations were counted.
///
/// # Errors
/// If there is no such case.
pub(crate) fn run_case(options: &CaseOptions) -> io::Result<()> {
    let case = (case::all().find(|case| case.name == options.name)).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no case {:?}", options.name))
    })?;
    let mut measure = Measure { operations: 0 };
    (case.run)(&mut measure);
    println!("{}", measure.operations);
    Ok(())
}
