//! The commands, one file for each that is more than a few lines.

mod apply;
mod check;
mod plan;
mod revert;
mod typed;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use ringway_tune::{Host, Probes, Process, tunable};

use typed::{Command, JOURNAL, Target, Typed};

/// Reads the arguments and does what they say.
pub(crate) fn run() -> ExitCode {
    let done = match Typed::parse().command {
        Command::Check(check) => check::run(&check),
        Command::Plan(plan) => plan::run(&plan),
        Command::Apply(apply) => apply::run(&apply),
        Command::Revert(revert) => revert::run(&revert),
        Command::Explain { name } => explain(&name),
        Command::List => list(),
        Command::Probe => say(&format!("{}\n", Probes::ask().to_json())).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|why| {
        eprintln!("ringway-tune: {why}");
        ExitCode::from(1)
    })
}

fn explain(name: &str) -> Result<ExitCode, String> {
    let tunable = tunable::named(name).ok_or("no such setting")?;
    say(&format!(
        "{}: {}\n\n{}\n\nWhat it does: {}.\nSource: {}.\n",
        tunable.name, tunable.why, tunable.explanation, tunable.effect, tunable.source
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn list() -> Result<ExitCode, String> {
    let names: Vec<_> = tunable::ALL.iter().map(|tunable| tunable.name).collect();
    say(&format!("{}\n", names.join("\n")))?;
    Ok(ExitCode::SUCCESS)
}

/// The host that the arguments name.
fn host(target: &Target) -> Result<Host, String> {
    let host = if target.root == Path::new("/") {
        Host::live()
    } else {
        if !target.root.is_dir() {
            return Err(format!("{} is no directory", target.root.display()));
        }
        let path = target.root.join("probe.json");
        let probes = match fs::read(&path) {
            Ok(text) => Probes::from_json(&text).map_err(|why| format!("{}: {why}", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Probes::default(),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        Host::at(&target.root, probes)
    };
    let host = match target.pid {
        Some(id) if !target.root.join(format!("proc/{id}")).is_dir() => {
            return Err(format!("there is no process {id}"));
        }
        Some(id) => host.seen_by(Process::Id(id)),
        None => host,
    };
    Ok(match &target.cores {
        Some(cores) => host.with_shards(cores.clone()),
        None => host,
    })
}

fn journal(root: &Path, named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| root.join(JOURNAL))
}

/// Prints. Whoever reads may close its end, as `head` does: that is no failure of ours.
fn say(text: &str) -> Result<(), String> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| format!("stdout: {error}")),
    }
}

/// How wide the terminal is; 100 where there is none.
fn width() -> usize {
    const NO_TERMINAL: usize = 100;
    if !io::stdout().is_terminal() {
        let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        return asked.unwrap_or(NO_TERMINAL);
    }
    // SAFETY: an all-zero size is a valid one.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a size of ours.
    let done = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    if done == 0 && size.ws_col > 0 { usize::from(size.ws_col) } else { NO_TERMINAL }
}
