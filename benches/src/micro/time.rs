//! Time: the same cases under criterion, which warms up, takes samples and gives a median with its confidence.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};

use super::cases;
use super::measure::{Measure, Meter, Round};

/// Which cases, and how long for each.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only cases whose name contains this
    filter: Option<String>,
    /// Samples of each case, at least 10
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(10..))]
    samples: u16,
    /// Milliseconds to warm up before each case
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    warm_ms: u64,
    /// Milliseconds to measure each case
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    measure_ms: u64,
    /// Core to run on
    #[arg(long)]
    core: Option<usize>,
    /// Folder for criterion's own files, one subfolder for each case; comparisons are with what is there
    #[arg(long, default_value = "target/criterion")]
    out: PathBuf,
}

/// Times all cases; criterion prints them.
///
/// # Errors
/// If there is no such core, or no case of that name.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    if let Some(core) = options.core {
        crate::cpu::pin(core)?;
    }
    if cases(options.filter.as_deref()).next().is_none() {
        let filter = options.filter.as_deref().unwrap_or_default();
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no case's name contains {filter:?}")));
    }
    let mut criterion = Criterion::default()
        .sample_size(options.samples.into())
        .warm_up_time(Duration::from_millis(options.warm_ms))
        .measurement_time(Duration::from_millis(options.measure_ms))
        .output_directory(&options.out);
    time_cases(&mut criterion, options.filter.as_deref());
    Ok(())
}

/// Times all cases with the arguments of `cargo bench`; without its `--bench`, as `cargo test` runs it, each case is played once.
pub fn cargo_bench() {
    let mut criterion = Criterion::default().configure_from_args();
    time_cases(&mut criterion, None);
    criterion.final_summary();
}

fn time_cases(criterion: &mut Criterion, filter: Option<&str>) {
    let mut group = criterion.benchmark_group("micro");
    for case in cases(filter) {
        group.bench_function(BenchmarkId::from_parameter(case.name), |bencher| {
            (case.run)(&mut Measure::by(&mut Timed { bencher }));
        });
    }
    group.finish();
}

/// Hands rounds to criterion, one operation being one iteration, whatever a round holds.
struct Timed<'b, 'c> {
    bencher: &'b mut criterion::Bencher<'c>,
}

impl Meter for Timed<'_, '_> {
    fn play(&mut self, operations: u64, round: &mut dyn Round) {
        self.bencher.iter_custom(|iterations| {
            let calls = iterations.div_ceil(operations);
            let mut took = Duration::ZERO;
            for _ in 0..calls {
                round.prepare();
                let from = Instant::now();
                round.call();
                took += from.elapsed();
            }
            // Whole rounds are played, so a few operations more than asked for.
            took.mul_f64(iterations as f64 / (calls * operations) as f64)
        });
    }
}
