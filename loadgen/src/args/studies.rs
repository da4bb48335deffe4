//! Flags of what runs scenarios from files, or several times.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::values::{duration, rate};

/// `run`.
#[derive(Clone, Debug, ClapArgs)]
pub struct RunArgs {
    /// A file, or the name of one that is built in.
    pub file: String,
    /// Flags of its scenario.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    pub flags: Vec<String>,
}

/// Flags of what runs a scenario several times; they come before it.
#[derive(Clone, Debug, ClapArgs)]
pub struct StudyArgs {
    /// Write the document here as JSON, with all runs; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a report here that any browser shows, without a network.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// The scenario with its flags: `fanout --subscribers 100`, or `run FILE`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "SCENARIO")]
    pub scenario: Vec<String>,
}

/// `saturate`.
#[derive(Clone, Debug, ClapArgs)]
pub struct SaturateArgs {
    /// The bound on the 99th percentile.
    #[arg(long, default_value = "5ms", value_parser = duration, value_name = "TIME")]
    pub p99_under: Duration,
    /// Rate of the first step; by default the scenario's own.
    #[arg(long, value_parser = rate, value_name = "N")]
    pub from: Option<f64>,
    /// No step goes beyond this rate.
    #[arg(long, value_parser = rate, value_name = "N")]
    pub to: Option<f64>,
    /// How near the answer has to be to the truth, in percent.
    #[arg(long, default_value_t = 5.0, value_parser = rate, value_name = "PERCENT")]
    pub precision: f64,
    /// Shared flags.
    #[command(flatten)]
    pub study: StudyArgs,
}

/// `compare`.
#[derive(Clone, Debug, ClapArgs)]
pub struct CompareArgs {
    /// A server: a description or a URL.
    pub a: String,
    /// The other one.
    pub b: String,
    /// How often each of them is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000), value_name = "N")]
    pub rounds: u16,
    /// Cores of servers that are started, like 0 or 0,2-3.
    #[arg(long, default_value = "0", value_name = "LIST")]
    pub server_cores: String,
    /// The clients' first core.
    #[arg(long, default_value_t = 1, value_name = "CORE")]
    pub client_core: usize,
    /// Shared flags.
    #[command(flatten)]
    pub study: StudyArgs,
}
