//! From the arguments as typed, the file and the environment to one checked configuration.
//!
//! A [`Plan`] remembers its sources, so that SIGHUP loads from the same ones again.

use std::path::{Path, PathBuf};

use crate::config::apply::{Loaded, apply};
use crate::config::raw::{Assignment, KeyPath, Origin, Raw};
use crate::config::{Fault, check, dev, environment, file};

use super::typed::{Serve, Sources};

const LOCAL: &str = "ringway.toml";
const SYSTEM: &str = "/etc/ringway/ringway.toml";

/// Where a configuration is loaded from, again and again.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Development mode.
    pub dev: bool,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    flags: Vec<Assignment>,
}

impl Plan {
    /// Of `ringway serve`.
    ///
    /// # Errors
    /// A `--set` that names no key.
    pub fn of_serve(typed: &Serve) -> Result<Self, Vec<Fault>> {
        let mut plan = Self::of(&typed.sources)?;
        for (name, section, key, value) in [
            ("--shards", "node", "shards", &typed.shards),
            ("--cores", "node", "cores", &typed.cores),
            ("--listen", "clients", "listen", &typed.listen),
            ("--http", "http", "listen", &typed.http),
            ("--runtime", "node", "runtime", &typed.runtime),
            ("--tls", "tls", "mode", &typed.tls),
            ("--state-dir", "node", "state_dir", &typed.state_dir),
            ("--log", "log", "filter", &typed.log),
            ("--log-format", "log", "format", &typed.log_format),
        ] {
            if let Some(value) = value {
                let path = KeyPath::new(section, key);
                plan.flags.push(Assignment {
                    path,
                    raw: Raw::Loose(value.clone()),
                    origin: Origin::Flag { name },
                });
            }
        }
        Ok(plan)
    }

    /// Of the other commands.
    ///
    /// # Errors
    /// A `--set` that names no key.
    pub fn of(sources: &Sources) -> Result<Self, Vec<Fault>> {
        let flags = sources.set.iter().map(|text| set(text)).collect::<Result<_, _>>()?;
        let found = [LOCAL, SYSTEM].into_iter().map(PathBuf::from).find(|path| path.is_file());
        let found = found.filter(|path| !sources.dev || path != Path::new(SYSTEM));
        Ok(Self { dev: sources.dev, file: sources.config.clone().or(found), flags })
    }

    /// Reads file and environment, and checks everything.
    ///
    /// # Errors
    /// Every fault of every source.
    pub fn load(&self, variables: impl IntoIterator<Item = (String, String)>) -> Result<Loaded, Vec<Fault>> {
        let loaded = self.parse(variables)?;
        let faults = check::check(&loaded, self.dev);
        if faults.is_empty() { Ok(loaded) } else { Err(faults) }
    }

    /// Reads file and environment without asking whether the whole makes sense: for commands that serve nobody.
    ///
    /// # Errors
    /// Every fault of every source.
    pub fn parse(&self, variables: impl IntoIterator<Item = (String, String)>) -> Result<Loaded, Vec<Fault>> {
        let mut faults = Vec::new();
        let written = match &self.file {
            None => Vec::new(),
            Some(path) => match std::fs::read_to_string(path) {
                Ok(text) => file::assignments(path, &text).unwrap_or_else(|more| keep(&mut faults, more)),
                Err(error) => keep(
                    &mut faults,
                    vec![Fault::whole(format!(
                        "can't read the configuration {}: {error}; check --config",
                        path.display()
                    ))],
                ),
            },
        };
        let variables = environment::assignments(variables).unwrap_or_else(|more| keep(&mut faults, more));
        let given = [written, variables, self.flags.clone()];
        let profile = if self.dev { dev::profile(given.iter().flatten()) } else { Vec::new() };
        let applied = apply([vec![profile], given.to_vec()].concat());
        match applied {
            Ok(loaded) if faults.is_empty() => Ok(loaded),
            Ok(_) => Err(faults),
            Err(more) => {
                faults.extend(more);
                Err(faults)
            }
        }
    }
}

fn keep(faults: &mut Vec<Fault>, more: Vec<Fault>) -> Vec<Assignment> {
    faults.extend(more);
    Vec::new()
}

fn set(text: &str) -> Result<Assignment, Vec<Fault>> {
    let origin = Origin::Flag { name: "--set" };
    let mend = || {
        vec![Fault::at(&origin, format!("{text:?} is no SECTION.KEY=VALUE, as in limits.sessions_max=1000"))]
    };
    let (path, value) = text.split_once('=').ok_or_else(mend)?;
    let (section, key) = path.trim().rsplit_once('.').ok_or_else(mend)?;
    Ok(Assignment { path: KeyPath::new(section, key), raw: Raw::Loose(value.trim().into()), origin })
}
