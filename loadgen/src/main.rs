//! The binary: arguments in, exit code out (0 fine, 1 a promise was broken or the run failed, 2 bad usage).

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = ringway_load::args::Args::parse();
    let told = ringway_load::scenario::run(&args)
        .map_err(|fault| fault.to_string())
        .and_then(|summary| summary.publish(args.json()).map_err(|fault| format!("--json: {fault}")));
    match told {
        Ok(verdict) => verdict.exit_code(),
        Err(fault) => {
            eprintln!("ringway-load: {fault}");
            ExitCode::from(2)
        }
    }
}
