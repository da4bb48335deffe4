//! What the clients do, one file per scenario, and what all scenarios share: threads, phases, the schedule.

mod connect;
mod crowd;
mod echo;
mod fanout;
mod game;
mod resume_storm;
mod run;
mod slow_reader;

use std::fmt;

pub use run::{Schedule, Setup};

use crate::args::Scenario;
use crate::engine::BadUrl;
use crate::report::Summary;

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
pub fn run(scenario: &Scenario) -> Result<Summary, RunFault> {
    match scenario {
        Scenario::Echo(args) => echo::run(args),
        Scenario::Fanout(args) => fanout::run(args),
        Scenario::Connect(args) => connect::run(args),
        Scenario::ResumeStorm(args) => resume_storm::run(args),
        Scenario::SlowReader(args) => slow_reader::run(args),
        Scenario::Game(args) => game::run(args),
    }
}
