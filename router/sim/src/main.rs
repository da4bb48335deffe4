//! `ringway-sim`: runs seeds until one violates a promise, or the time is over.

use std::cell::Cell;
use std::panic;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use ringway_cluster::slot::SLOTS;
use ringway_sim::{Lie, Mutation, Tally, Violation, World, cluster};

/// The wind tunnel: seeded worlds around the core, checked against a reference model.
#[derive(Debug, Parser)]
#[command(name = "ringway-sim", version)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Steps of each seed; 5,000 for one node, 12,000 for clusters.
    #[arg(long)]
    steps: Option<u64>,
    /// Run seeds for this many seconds instead of a number of them.
    #[arg(long)]
    seconds: Option<u64>,
    /// Run this one seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Print what happens, with --seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Go on after a violation, and tell them all.
    #[arg(long)]
    all: bool,
    /// Print how often each thing happened in all worlds together.
    #[arg(long)]
    tally: bool,
    /// Clusters of nodes instead of one node; a step is a millisecond of virtual time with faults.
    #[arg(long)]
    cluster: bool,
    /// With --cluster, do this wrong on purpose: it should be found out.
    #[arg(long, value_enum, requires = "cluster")]
    lie: Option<cluster::Lie>,
    /// Threads; each runs its own seeds.
    #[arg(long, default_value_t = 0)]
    jobs: usize,
}

/// Steps of a seed in the world of one node.
const STEPS: u64 = 5_000;

/// Which world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Node,
    Cluster(cluster::Lie),
}

impl Kind {
    /// Runs a seed and counts what happened.
    fn attempt(self, seed: u64, steps: u64, readable: bool) -> (Result<u64, Violation>, Tally) {
        RUNNING.set((self, seed, steps));
        match self {
            Self::Node => {
                let mut world = World::new(seed, Mutation::new(Lie::None), readable);
                (world.run(steps), world.tally())
            }
            Self::Cluster(lie) => {
                let mut world = cluster::World::new(seed, lie, readable);
                (world.run(steps), world.tally())
            }
        }
    }

    fn shrink(self, seed: u64, violation: &Violation) -> Violation {
        match self {
            Self::Node => ringway_sim::shrink(seed, violation, Lie::None).1,
            Self::Cluster(lie) => cluster::shrink(seed, violation, lie).1,
        }
    }
}

thread_local! {
    /// What this thread runs: seed and steps.
    static RUNNING: Cell<(Kind, u64, u64)> = const { Cell::new((Kind::Node, 0, 0)) };
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    panic::set_hook(Box::new(|info| {
        let (kind, seed, steps) = RUNNING.get();
        println!("seed {seed}: a panic: {info}");
        tell_replay(kind, seed, steps);
        std::process::exit(1);
    }));
    let lie = arguments.lie.unwrap_or_default();
    let kind = if arguments.cluster { Kind::Cluster(lie) } else { Kind::Node };
    let usual = if arguments.cluster { cluster::STEPS } else { STEPS };
    let steps = arguments.steps.unwrap_or(usual);
    match arguments.seed {
        Some(seed) => one(kind, seed, steps, arguments.trace),
        None => many(kind, steps, &arguments),
    }
}

fn one(kind: Kind, seed: u64, steps: u64, readable: bool) -> ExitCode {
    match kind.attempt(seed, steps, readable).0 {
        Ok(hash) => {
            println!("seed {seed}, {steps} steps: nothing violated, trace {hash:016x}");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            tell(kind, seed, &violation);
            ExitCode::FAILURE
        }
    }
}

fn many(kind: Kind, steps: u64, arguments: &Arguments) -> ExitCode {
    let jobs = if arguments.jobs > 0 {
        arguments.jobs
    } else {
        std::thread::available_parallelism().map_or(1, usize::from)
    };
    let end = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let last = if end.is_some() { u64::MAX } else { arguments.from + arguments.seeds };
    let next = AtomicU64::new(arguments.from);
    let done = AtomicU64::new(0);
    let found = Arc::new(Mutex::new(Vec::new()));
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let over = end.is_some_and(|end| Instant::now() >= end);
                    let stop = !arguments.all && found.lock().is_ok_and(|found| !found.is_empty());
                    if seed >= last || over || stop {
                        return;
                    }
                    let (result, counts) = kind.attempt(seed, steps, false);
                    if let Ok(mut tally) = tally.lock() {
                        tally.merge(&counts);
                    }
                    let count = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if arguments.all && count.is_multiple_of(100) {
                        println!("{count} seeds");
                    }
                    if let (Err(violation), Ok(mut found)) = (result, found.lock()) {
                        if arguments.all {
                            println!("seed {seed} step {}: {}", violation.step, violation.sentence);
                        }
                        found.push((seed, violation));
                    }
                }
            });
        }
    });
    let mut found = found.lock().map_or(Vec::new(), |mut found| core::mem::take(&mut *found));
    found.sort_by_key(|(seed, _)| *seed);
    if let Ok(tally) = tally.lock()
        && arguments.tally
    {
        for (name, count) in tally.iter() {
            println!("{count:>12}  {name}");
        }
    }
    println!(
        "{} seeds of {} steps{} from seed {}: {} violated a promise",
        done.load(Ordering::Relaxed),
        steps,
        if cfg!(few_slots) { format!(" and {SLOTS} slots") } else { String::new() },
        arguments.from,
        found.len()
    );
    match found.first() {
        Some((seed, violation)) => {
            tell(kind, *seed, &kind.shrink(*seed, violation));
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn tell(kind: Kind, seed: u64, violation: &Violation) {
    println!("seed {seed} violates a promise at step {}: {}", violation.step, violation.sentence);
    tell_replay(kind, seed, violation.step);
}

fn tell_replay(kind: Kind, seed: u64, steps: u64) {
    let cluster = if matches!(kind, Kind::Cluster(_)) { "--cluster " } else { "" };
    let command =
        if cfg!(few_slots) { "router/sim/few-slots" } else { "cargo run --release -p ringway-sim --" };
    println!("replay: {command} {cluster}--seed {seed} --steps {steps} --trace");
}
