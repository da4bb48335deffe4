//! `ringway-tune apply`: shows the plan, asks, and carries it out.

use std::io::{self, BufRead, IsTerminal};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use ringway_tune::{Moment, apply, report};

use super::plan::plan_of;
use super::say;
use super::typed::Apply;

pub(super) fn run(typed: &Apply) -> Result<ExitCode, String> {
    let (plan, journal) = plan_of(&typed.wanted)?;
    say(&report::plan_as_text(&plan))?;
    if plan.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if !typed.yes && !agreed(plan.changes.len())? {
        say("Nothing was changed.\n")?;
        return Ok(ExitCode::from(1));
    }
    say("\n")?;
    let root = &typed.wanted.target.root;
    let mut tell = |moment: Moment<'_>| {
        if let Moment::Made(path) = moment {
            // A reader that is gone does not stop a change halfway.
            let _ = say(&format!("changed {}\n", root.join(path).display()));
        }
        ControlFlow::Continue(())
    };
    match apply(root, &plan, &journal, &mut tell) {
        Ok(applied) => {
            for path in &applied.already {
                say(&format!("was so already: {}\n", root.join(path).display()))?;
            }
            if !applied.changed.is_empty() {
                say(&format!("The way back: {}\n", way_back(typed, &journal)))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) if journal.exists() => Err(format!(
            "{failure}\nWhat was changed before that is undone by: {}",
            way_back(typed, &journal)
        )),
        Err(failure) => Err(format!("{failure}\nNothing was changed.")),
    }
}

fn agreed(changes: usize) -> Result<bool, String> {
    if !io::stdin().is_terminal() {
        return Err("there is nobody to ask: say --yes to make these changes".into());
    }
    say(&format!("\nMake {changes} change{}? [y/N] ", if changes == 1 { "" } else { "s" }))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| format!("stdin: {error}"))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn way_back(typed: &Apply, journal: &Path) -> String {
    let wanted = &typed.wanted;
    let mut command = "ringway-tune revert".to_owned();
    if wanted.target.root != Path::new("/") {
        command += &format!(" --root {}", wanted.target.root.display());
    }
    if wanted.journal.is_some() {
        command += &format!(" --journal {}", journal.display());
    }
    command
}
