//! The binary: arguments in, exit code out (0 fine, 1 a promise was broken or the run failed, 2 bad usage).

use clap::Parser;
use ringway_load::args::{Args, Scenario, Task};
use ringway_load::{relay, scenario};
use std::process::ExitCode;

fn main() -> ExitCode {
    let told = match &Args::parse().task {
        Task::Scenario(scenario) => load(scenario),
        Task::Relay(args) => relay::run(args).map(ExitCode::from).map_err(|fault| fault.to_string()),
    };
    told.unwrap_or_else(|fault| {
        eprintln!("ringway-load: {fault}");
        ExitCode::from(2)
    })
}

fn load(scenario: &Scenario) -> Result<ExitCode, String> {
    let summary = scenario::run(scenario).map_err(|fault| fault.to_string())?;
    let verdict = summary.publish(scenario.json()).map_err(|fault| format!("--json: {fault}"))?;
    Ok(verdict.exit_code())
}
