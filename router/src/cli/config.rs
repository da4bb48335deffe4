//! `ringway config check|show`.

use std::process::ExitCode;

use crate::config::document;
use crate::config::resolve::check_files;

use super::typed::Config;
use super::{Plan, Refusal, say, variables};

/// Runs the command.
pub(super) fn run(command: &Config) -> Result<ExitCode, Refusal> {
    match command {
        Config::Check(sources) => {
            let plan = Plan::of(sources)?;
            check_files(&plan.load(variables())?)?;
            match &plan.file {
                Some(file) => say(&format!("{}: good\n", file.display())),
                None => say("good (no file: defaults and environment only)\n"),
            }
        }
        Config::Show { defaults: true, .. } => say(&document::reference()),
        Config::Show { sources, defaults: false } => {
            say(&document::effective(&Plan::of(sources)?.parse(variables())?));
        }
    }
    Ok(ExitCode::SUCCESS)
}
