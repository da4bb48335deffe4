//! What is to be run: a scenario with its flags, as typed or as a scenario file says. Process view.
//!
//! A plan is its words: what repeats it, what a worker process is told, and what a search or a comparison changes by adding
//! to them.

use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::RunFault;
use crate::args::{Args, Scenario, Task};

/// A scenario with its flags.
#[derive(Clone, Debug)]
pub struct Plan {
    words: Vec<String>,
    scenario: Scenario,
    name: String,
    about: Option<String>,
}

impl Plan {
    /// Of a scenario's name and flags; of those that come twice the later counts.
    ///
    /// # Errors
    /// When they make no scenario: the text says what is wrong with them.
    pub fn parse(words: &[String]) -> Result<Self, RunFault> {
        let refused = |fault: clap::Error| RunFault::Asked(fault.to_string().trim_end().to_owned());
        let command = overriding(Args::command());
        let all = std::iter::once("ringway-load").chain(words.iter().map(String::as_str));
        let matches = command.try_get_matches_from(all).map_err(refused)?;
        let Task::Scenario(scenario) = Args::from_arg_matches(&matches).map_err(refused)?.task else {
            let word = words.first().map_or("", String::as_str);
            return Err(RunFault::Asked(format!("`{word}` is no scenario")));
        };
        Ok(Self {
            words: words.to_vec(),
            scenario,
            name: words.first().cloned().unwrap_or_default(),
            about: None,
        })
    }

    /// The same with more flags, which count more than those that are there.
    ///
    /// # Errors
    /// When they don't fit the scenario.
    pub fn with(&self, more: &[String]) -> Result<Self, RunFault> {
        let words: Vec<_> = self.words.iter().chain(more).cloned().collect();
        Ok(Self { name: self.name.clone(), about: self.about.clone(), ..Self::parse(&words)? })
    }

    /// What repeats it.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// What is to be done.
    #[must_use]
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The scenario file's name, or the scenario's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The scenario file's sentence.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }
}

/// A command whose flags may come again: the last one counts.
fn overriding(command: Command) -> Command {
    command.args_override_self(true).mut_subcommands(overriding)
}
