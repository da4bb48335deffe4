//! `ringway drain`: asks the running node, through its HTTP door, to empty itself and end.

use std::process::ExitCode;

use super::ask::Door;
use super::typed::Drain;
use super::{Refusal, say};

/// Runs the command.
pub(super) fn run(typed: &Drain) -> Result<ExitCode, Refusal> {
    let door = Door::of(&typed.sources, typed.http.as_ref(), typed.token_file.as_ref())?;
    door.ask("POST", "/api/v1/drain", 202)?;
    say(&format!("{} is draining; the process ends when the last client is gone\n", door.address));
    Ok(ExitCode::SUCCESS)
}
