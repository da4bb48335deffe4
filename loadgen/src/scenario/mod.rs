//! What the clients do, one file per scenario, and what all scenarios share: threads, phases, the schedule.

mod connect;
mod crowd;
mod echo;
mod failover;
mod fanout;
mod file;
mod foreign;
mod game;
mod plan;
mod presence_storm;
mod resume_storm;
mod run;
mod slow_reader;

use std::fmt;

pub use file::{BUILT_IN, BuiltIn};
pub use plan::Plan;
pub use run::Setup;

use crate::args::Scenario;
use crate::engine::BadUrl;
use crate::report::Summary;
use run::{Load, Part, Work};

/// Why a run could not take place.
#[derive(Debug)]
pub enum RunFault {
    /// The URL.
    Url(BadUrl),
    /// The system refused something.
    System(std::io::Error),
    /// What was asked for can't be done.
    Asked(String),
}

impl fmt::Display for RunFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(fault) => fault.fmt(formatter),
            Self::System(fault) => fault.fmt(formatter),
            Self::Asked(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for RunFault {}

impl From<BadUrl> for RunFault {
    fn from(fault: BadUrl) -> Self {
        Self::Url(fault)
    }
}

impl From<std::io::Error> for RunFault {
    fn from(fault: std::io::Error) -> Self {
        Self::System(fault)
    }
}

/// Runs the scenario and says what came of it.
///
/// # Errors
/// When the run could not take place.
pub fn run(plan: &Plan) -> Result<Summary, RunFault> {
    foreign::check(plan.scenario())?;
    run::carry_out(plan)
}

/// The whole life of a process that is one of several of a run: told by the first one what to do.
///
/// # Errors
/// When the first one is gone.
pub fn work() -> std::io::Result<()> {
    run::work()
}

/// The part of a run that falls to one of its processes.
fn begin(plan: &Plan, part: Part) -> Result<(Setup, Work), RunFault> {
    run::begin(plan.scenario(), part)
}

fn load(scenario: &Scenario) -> &dyn Load {
    match scenario {
        Scenario::Echo(args) => args,
        Scenario::Fanout(args) => args,
        Scenario::Connect(args) => args,
        Scenario::ResumeStorm(args) => args,
        Scenario::Failover(args) => args,
        Scenario::PresenceStorm(args) => args,
        Scenario::SlowReader(args) => args,
        Scenario::Game(args) => args,
    }
}
