//! Scenario files: a scenario and its flags under a name, in TOML.
//!
//! ```toml
//! version = 1
//! scenario = "fanout"
//! about = "One publisher, many subscribers."
//! subscribers = 1000
//! rate = 20
//! ```
//!
//! All other keys are the scenario's flags without their dashes; `true` is a flag without a value, a list is joined with
//! commas. What is unknown or impossible is refused with the file's name, as it would be on the command line.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::RunFault;

/// Largest file that is read.
const BYTES_MAX: u64 = 64 * 1024;

/// A scenario file that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// What `run` takes.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(BuiltIn { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }),*]
    };
}

/// All of them, by name.
pub const BUILT_IN: &[BuiltIn] = built_in![
    "chat",
    "connect-storm",
    "echo",
    "fanout",
    "game",
    "mixed",
    "presence-storm",
    "resume-storm",
    "rooms",
    "slow-consumers",
    "soak",
];

impl BuiltIn {
    /// What it is, in a sentence.
    #[must_use]
    pub fn about(&self) -> String {
        let table = self.text.parse::<Table>().unwrap_or_default();
        table.get("about").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// A scenario file as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScenarioFile {
    pub(super) name: String,
    pub(super) about: Option<String>,
    /// Scenario and flags as typed.
    pub(super) words: Vec<String>,
}

impl ScenarioFile {
    /// Of a built-in's name, or a path.
    pub(super) fn read(name: &str) -> Result<Self, RunFault> {
        if let Some(built_in) = BUILT_IN.iter().find(|built_in| built_in.name == name) {
            return Self::parse(name, built_in.text);
        }
        let path = Path::new(name);
        let told = |fault: &dyn std::fmt::Display| {
            RunFault::Asked(format!(
                "{name}: {fault} (built in are those that `ringway-load scenarios` names)"
            ))
        };
        let bytes = fs::metadata(path).map_err(|fault| told(&fault))?.len();
        if bytes > BYTES_MAX {
            return Err(told(&"too large for a scenario"));
        }
        let text = fs::read_to_string(path).map_err(|fault| told(&fault))?;
        let stem = path.file_stem().map_or_else(|| name.into(), |stem| stem.to_string_lossy());
        Self::parse(&stem, &text)
    }

    fn parse(name: &str, text: &str) -> Result<Self, RunFault> {
        let fault = |text: String| RunFault::Asked(format!("{name}: {text}"));
        let mut table: Table = text
            .parse()
            .map_err(|reason: toml::de::Error| fault(reason.to_string().trim_end().to_owned()))?;
        match table.remove("version") {
            Some(Value::Integer(1)) => {}
            Some(other) => return Err(fault(format!("version {other} is not known here, only 1"))),
            None => return Err(fault("`version = 1` is missing".to_owned())),
        }
        let text_of = |table: &mut Table, key: &str| match table.remove(key) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(fault(format!("`{key}` is a text"))),
            None => Ok(None),
        };
        let scenario = text_of(&mut table, "scenario")?
            .ok_or_else(|| fault("`scenario = \"…\"` is missing".to_owned()))?;
        let about = text_of(&mut table, "about")?;
        let mut words = vec![scenario];
        for (key, value) in table {
            let flag = format!("--{}", key.replace('_', "-"));
            match value {
                Value::Boolean(true) => words.push(flag),
                Value::Boolean(false) => {}
                value => {
                    let value = plain(&value).ok_or_else(|| fault(format!("`{key}` is no flag's value")))?;
                    // In one word: a value may begin with a dash.
                    words.push(format!("{flag}={value}"));
                }
            }
        }
        Ok(Self { name: name.to_owned(), about, words })
    }
}

/// As typed.
fn plain(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Array(values) => values.iter().map(plain).collect::<Option<Vec<_>>>()?.join(","),
        Value::Boolean(_) | Value::Datetime(_) | Value::Table(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Plan;

    #[test]
    fn every_built_in_scenario_can_be_run() {
        for built_in in BUILT_IN {
            let plan = Plan::parse(&["run".to_owned(), built_in.name.to_owned()]);
            assert!(plan.is_ok_and(|plan| plan.about().is_some()), "{}", built_in.name);
        }
        let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")).unwrap().count();
        assert_eq!(files, BUILT_IN.len(), "every file is built in");
    }

    #[test]
    fn keys_become_flags() {
        let file = ScenarioFile::parse(
            "x",
            "version = 1\nscenario = \"fanout\"\nrate = 2.5\nno_ack = true\nspin = false\ntransport = [\"ws\", \"quic\"]\n",
        );
        assert_eq!(file.unwrap().words.join(" "), "fanout --no-ack --rate=2.5 --transport=ws,quic");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |text: &str, what: &str| {
            let path = std::env::temp_dir().join(format!("ringway-load-{}-{what}.toml", std::process::id()));
            fs::write(&path, text).unwrap();
            let name = path.display().to_string();
            let fault = Plan::parse(&["run".to_owned(), name]).unwrap_err().to_string();
            fs::remove_file(&path).unwrap();
            assert!(fault.contains(what), "{fault}");
            assert!(fault.contains("ringway-load-"), "names the file: {fault}");
        };
        refused("scenario = \"fanout\"", "version");
        refused("version = 2\nscenario = \"fanout\"", "only 1");
        refused("version = 1\nscenario = \"fanout\"\nsubscribrs = 5", "--subscribrs");
        refused("version = 1\nscenario = \"fanout\"\nrate = -5", "above 0");
        refused("version = 1\nscenario = \"fnout\"", "fnout");
        refused("version = 1\nscenario = \"relay\"", "no scenario");
        refused("version = 1\nscenario = \"fanout\"\nrate = { a = 1 }", "rate");
        refused("version = 1\nscenario = 5", "is a text");
        refused("version = 1\nscenario \"fanout\"", "scenario");
    }
}
