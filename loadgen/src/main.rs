//! The binary: arguments in, exit code out (0 fine, 1 a promise was broken or the run failed, 2 bad usage).

use std::process::ExitCode;

use clap::Parser;
use ringway_load::args::{Args, Task};
use ringway_load::report::Output;
use ringway_load::scenario::{BUILT_IN, Plan};
use ringway_load::{relay, report, scenario, study};

fn main() -> ExitCode {
    let told = match &Args::parse().task {
        Task::Scenario(_) | Task::Run(_) => {
            let words: Vec<String> = std::env::args().skip(1).collect();
            Plan::parse(&words).map_err(|fault| fault.to_string()).and_then(|plan| load(&plan))
        }
        Task::Scenarios { name } => scenarios(name.as_deref()),
        Task::Saturate(args) => study::saturate(args),
        Task::Compare(args) => study::compare(args),
        Task::Worker => {
            scenario::work().map(|()| ExitCode::SUCCESS).map_err(|fault| format!("worker: {fault}"))
        }
        Task::Relay(args) => relay::run(args).map(ExitCode::from).map_err(|fault| fault.to_string()),
        Task::Report(args) => {
            report::rebuild(args).map(|()| ExitCode::SUCCESS).map_err(|fault| fault.to_string())
        }
    };
    told.unwrap_or_else(|fault| {
        eprintln!("ringway-load: {fault}");
        ExitCode::from(2)
    })
}

fn load(plan: &Plan) -> Result<ExitCode, String> {
    let summary = scenario::run(plan).map_err(|fault| fault.to_string())?;
    let common = plan.scenario().common();
    let output =
        Output { json: common.json.as_deref(), html: common.html.as_deref(), hgrm: common.hgrm.as_deref() };
    output.deliver(&summary.table(), &summary.to_json())?;
    Ok(summary.verdict().exit_code())
}

/// The built-in scenarios, or the text of one.
fn scenarios(name: Option<&str>) -> Result<ExitCode, String> {
    match name {
        None => {
            for built_in in BUILT_IN {
                println!("{:<16} {}", built_in.name, built_in.about());
            }
        }
        Some(name) => {
            let built_in = BUILT_IN.iter().find(|built_in| built_in.name == name);
            let built_in = built_in.ok_or_else(|| format!("no scenario `{name}` is built in"))?;
            print!("{}", built_in.text);
        }
    }
    Ok(ExitCode::SUCCESS)
}
