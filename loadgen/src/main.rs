//! The binary: arguments in, exit code out (0 fine, 1 a promise was broken or the run failed, 2 bad usage).

use std::process::ExitCode;

use clap::Parser;
use ringway_load::args::{Args, Task};
use ringway_load::scenario::Plan;
use ringway_load::{relay, scenario};

fn main() -> ExitCode {
    let told = match &Args::parse().task {
        Task::Scenario(_) => {
            let words: Vec<String> = std::env::args().skip(1).collect();
            Plan::parse(&words).map_err(|fault| fault.to_string()).and_then(|plan| load(&plan))
        }
        Task::Worker => {
            scenario::work().map(|()| ExitCode::SUCCESS).map_err(|fault| format!("worker: {fault}"))
        }
        Task::Relay(args) => relay::run(args).map(ExitCode::from).map_err(|fault| fault.to_string()),
    };
    told.unwrap_or_else(|fault| {
        eprintln!("ringway-load: {fault}");
        ExitCode::from(2)
    })
}

fn load(plan: &Plan) -> Result<ExitCode, String> {
    let summary = scenario::run(plan).map_err(|fault| fault.to_string())?;
    let verdict = summary.publish(plan.scenario().common().json.as_deref())?;
    Ok(verdict.exit_code())
}
