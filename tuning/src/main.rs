//! `ringway-tune`: shows how this host is set up for Ringway, and why that matters.
//!
//! Exit codes: 0 nothing important is off, 1 something is, 2 the arguments make no sense.

use std::path::PathBuf;
use std::process::ExitCode;

use ringway_tune::{Standing, checks, table, tunable};

const USAGE: &str = "\
Checks host settings that io_uring, many connections and low latency depend on. Only reads.

Usage: ringway-tune <command>

  check [--root DIR]   look at this host, or at the one whose files are below DIR; exit 1 if something important is off
  explain NAME         what a setting is, what goes wrong, and how to change it
  list                 the names of all settings
  help                 this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["check"] => check(PathBuf::from("/")),
        ["check", "--root", root] => check(PathBuf::from(root)),
        ["explain", name] => explain(name),
        ["list"] => list(),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn check(root: PathBuf) -> ExitCode {
    let findings = checks(&root);
    print!("{}", table(&findings));
    let off: Vec<_> = findings.iter().filter(|finding| finding.standing.is_off()).collect();
    if let Some(first) = off.first() {
        println!("\n{} could be better: ringway-tune explain {}", off.len(), first.name);
    }
    ExitCode::from(u8::from(findings.iter().any(|finding| finding.standing == Standing::Important)))
}

fn explain(name: &str) -> ExitCode {
    match tunable::named(name) {
        Some(tunable) => {
            println!("{}: {}\n\n{}", tunable.name, tunable.why, tunable.explanation);
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("ringway-tune: there is no setting {name:?}; ringway-tune list names them");
            ExitCode::from(2)
        }
    }
}

fn list() -> ExitCode {
    for tunable in tunable::ALL {
        println!("{}", tunable.name);
    }
    ExitCode::SUCCESS
}
