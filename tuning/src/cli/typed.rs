//! The command line as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ringway_tune::{CpuSet, tunable};

/// Where the undo journal is, below the root. Not in the router's own directory: that belongs to the router's user, whom nothing should let
/// write what root restores.
pub(super) const JOURNAL: &str = "var/lib/ringway-tune/journal.json";

/// Looks at what io_uring, many connections and low latency need of a host, and changes it.
///
/// `check`, `plan`, `probe`, `explain` and `list` only read. `apply` remembers what was there in an undo journal before it changes anything;
/// `revert` restores it.
#[derive(Parser)]
#[command(name = "ringway-tune", version, disable_help_subcommand = true, after_help = AFTER)]
pub(super) struct Typed {
    #[command(subcommand)]
    pub(super) command: Command,
}

const AFTER: &str = "\
Exit codes: 0 done, 1 something important is off or something could not be done, 2 the arguments make no sense.

Examples:
  ringway-tune check
  ringway-tune check --pid $(pidof ringway) --cores 2-5
  ringway-tune plan --persist
  ringway-tune apply --only somaxconn,rmem_max,wmem_max
  ringway-tune revert";

#[derive(Subcommand)]
pub(super) enum Command {
    /// A table of all settings; exit 1 if something important is off
    Check(Check),
    /// The exact changes that `apply` would make, and what is left to people
    Plan(Planned),
    /// Change what is off, after a question
    Apply(Apply),
    /// Restore what was there before `apply`
    Revert(Revert),
    /// What a setting is, what goes wrong, and how to change it
    Explain {
        /// As `list` names it
        #[arg(value_parser = setting)]
        name: String,
    },
    /// The names of all settings
    List,
    /// What the kernel answers, as JSON: kept as probe.json in a directory, it is read by --root
    Probe,
}

#[derive(Args)]
pub(super) struct Target {
    /// Look at the host whose files are below DIR; its kernel's answers are read from DIR/probe.json if that is there
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(super) root: PathBuf,
    /// Look at the limits and control groups of this process, not at those of this shell
    #[arg(long)]
    pub(super) pid: Option<u32>,
    /// The shards' CPUs, like node.cores [default: as node.shards = "auto" takes them]
    #[arg(long, value_name = "LIST", value_parser = cpus)]
    pub(super) cores: Option<CpuSet>,
}

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) target: Target,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

#[derive(Args)]
pub(super) struct Wanted {
    #[command(flatten)]
    pub(super) target: Target,
    /// Only these settings
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = setting)]
    pub(super) only: Vec<String>,
    /// Not these settings
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = setting)]
    pub(super) skip: Vec<String>,
    /// Also write files that keep the changes over a restart
    #[arg(long)]
    pub(super) persist: bool,
    /// The undo journal [default: /var/lib/ringway-tune/journal.json]
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Planned {
    #[command(flatten)]
    pub(super) wanted: Wanted,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

#[derive(Args)]
pub(super) struct Apply {
    #[command(flatten)]
    pub(super) wanted: Wanted,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
}

#[derive(Args)]
pub(super) struct Revert {
    /// The host whose files are below DIR
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(super) root: PathBuf,
    /// The undo journal [default: /var/lib/ringway-tune/journal.json]
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
    /// Restore also what somebody else changed meanwhile
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs; the shape is in docs/operating/tuning.md
    Json,
}

fn setting(name: &str) -> Result<String, String> {
    match tunable::named(name) {
        Some(_) => Ok(name.to_owned()),
        None => Err("there is no such setting; ringway-tune list names them".into()),
    }
}

fn cpus(list: &str) -> Result<CpuSet, String> {
    let cpus = CpuSet::from_list(list).filter(|cpus| !cpus.is_empty());
    cpus.ok_or_else(|| "wanted is a list of CPUs like 0,2-5".into())
}
