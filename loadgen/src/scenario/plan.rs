//! What is to be run: a scenario with its flags, as typed or as a scenario file says. Process view.
//!
//! A plan is its words: what repeats it, what a worker process is told, and what a search or a comparison changes by adding
//! to them.

use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::RunFault;
use super::file::ScenarioFile;
use crate::args::{Args, Scenario, Task};

/// A scenario with its flags.
#[derive(Clone, Debug)]
pub struct Plan {
    typed: Vec<String>,
    words: Vec<String>,
    scenario: Scenario,
    name: String,
    about: Option<String>,
}

impl Plan {
    /// Of a scenario's name and flags, or of `run` with a file and flags; of those that come twice the later counts.
    ///
    /// # Errors
    /// When they make no scenario: the text says what is wrong with them.
    pub fn parse(typed: &[String]) -> Result<Self, RunFault> {
        match parse(typed)? {
            Task::Scenario(scenario) => {
                let name = typed.first().cloned().unwrap_or_default();
                Ok(Self { typed: typed.to_vec(), words: typed.to_vec(), scenario, name, about: None })
            }
            Task::Run(run) => {
                let file = ScenarioFile::read(&run.file)?;
                let mut words = file.words.clone();
                let in_file = |fault: RunFault| RunFault::Asked(format!("{}: {fault}", run.file));
                // First by itself: then it is known whose fault it is.
                parse(&words).map_err(in_file)?;
                words.extend(run.flags);
                let Task::Scenario(scenario) = parse(&words)? else {
                    return Err(in_file(RunFault::Asked(format!("`{}` is no scenario", words[0]))));
                };
                Ok(Self { typed: typed.to_vec(), words, scenario, name: file.name, about: file.about })
            }
            _ => {
                let word = typed.first().map_or("", String::as_str);
                Err(RunFault::Asked(format!("`{word}` is no scenario")))
            }
        }
    }

    /// The same with more flags, which count more than those that are there.
    ///
    /// # Errors
    /// When they don't fit the scenario.
    pub fn with(&self, more: &[String]) -> Result<Self, RunFault> {
        let and_more = |words: &[String]| words.iter().chain(more).cloned().collect();
        let (typed, words): (Vec<_>, Vec<_>) = (and_more(&self.typed), and_more(&self.words));
        Ok(Self { typed, name: self.name.clone(), about: self.about.clone(), ..Self::parse(&words)? })
    }

    /// As typed, with what was added: what repeats it.
    #[must_use]
    pub fn typed(&self) -> &[String] {
        &self.typed
    }

    /// The same without secrets: what may stand in a report.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        const SECRETS: [&str; 2] = ["--token", "--token-key"];
        let mut secret = false;
        let show = |word: &String| {
            if std::mem::replace(&mut secret, SECRETS.contains(&word.as_str())) {
                return "…".to_owned();
            }
            match word.split_once('=') {
                Some((flag, _)) if SECRETS.contains(&flag) => format!("{flag}=…"),
                _ => word.clone(),
            }
        };
        self.typed.iter().map(show).collect()
    }

    /// The same without files.
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

fn parse(words: &[String]) -> Result<Task, RunFault> {
    let refused = |fault: clap::Error| {
        let text = fault.to_string();
        RunFault::Asked(text.trim_start_matches("error: ").trim_end().to_owned())
    };
    let all = std::iter::once("ringway-load").chain(words.iter().map(String::as_str));
    let matches = overriding(Args::command()).try_get_matches_from(all).map_err(refused)?;
    Ok(Args::from_arg_matches(&matches).map_err(refused)?.task)
}

/// A command whose flags may come again: the last one counts.
fn overriding(command: Command) -> Command {
    command.args_override_self(true).mut_subcommands(overriding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn later_flags_count_more() {
        let plan = Plan::parse(&words("fanout --rate 5 --subscribers 7")).unwrap();
        let plan = plan.with(&words("--rate 9")).unwrap();
        let Scenario::Fanout(args) = plan.scenario() else { panic!("fanout") };
        assert_eq!((args.publish.rate, args.subscribers), (9.0, 7));
        assert_eq!(plan.typed().join(" "), "fanout --rate 5 --subscribers 7 --rate 9");
    }

    #[test]
    fn secrets_are_not_shown() {
        let plan = Plan::parse(&words("fanout --token abc --rate 5")).unwrap();
        assert_eq!(plan.shown().join(" "), "fanout --token … --rate 5");
        let plan = Plan::parse(&words("fanout --token-key=abc")).unwrap();
        assert_eq!(plan.shown().join(" "), "fanout --token-key=…");
    }

    #[test]
    fn what_is_no_scenario_is_refused() {
        for text in ["relay", "scenarios", "worker", "fnout", "fanout --rate -5", "fanout --subscribrs 5"] {
            assert!(matches!(Plan::parse(&words(text)), Err(RunFault::Asked(_))), "{text}");
        }
    }

    #[test]
    fn a_built_in_scenario_takes_more_flags() {
        let plan = Plan::parse(&words("run chat --subscribers 11")).unwrap();
        let Scenario::Fanout(args) = plan.scenario() else { panic!("a fanout") };
        assert_eq!((args.subscribers, plan.name()), (11, "chat"));
        assert!(plan.about().is_some_and(|about| about.ends_with('.')));
        assert_eq!(plan.typed().join(" "), "run chat --subscribers 11");
    }
}
