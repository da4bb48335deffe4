//! The command line: arguments as typed ([`typed`]), then as used ([`Plan`]), then one file per command.
//!
//! Whatever goes wrong before work begins is a [`Refusal`]: lines on stderr that say what, where and how to mend it,
//! and exit code 2.

mod ask;
mod banner;
mod cluster;
mod config;
mod drain;
mod host;
mod load;
mod pki;
mod refusal;
mod serve;
mod token;
pub mod typed;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

pub use load::Plan;
pub use refusal::Refusal;
use typed::{Command, Typed};

/// The program.
#[must_use]
pub fn run() -> ExitCode {
    let done = match &Typed::parse().command {
        Command::Serve(command) => serve::run(command),
        Command::Config(command) => config::run(command),
        Command::Token(command) => token::run(command),
        Command::Drain(command) => drain::run(command),
        Command::Cluster(command) => cluster::run(command),
        Command::Pki(command) => pki::run(command),
        Command::Version => {
            say(concat!("ringway ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|refusal| {
        eprintln!("{refusal}");
        ExitCode::from(2)
    })
}

/// Prints; a reader that has gone (`| head`) is no fault.
fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// The environment; what is not Unicode is none of ours.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
