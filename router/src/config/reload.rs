//! What a reload changes: everything that may change while the node runs, and nothing when anything is wrong.

use std::fmt;

use super::Config;
use super::apply::Loaded;
use super::declare::Section;
use super::file::shown;
use super::raw::KeyPath;

/// One key with another value than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which key; the key is empty for a namespace that came or went.
    pub path: KeyPath,
    /// As it was; empty for a namespace that came.
    pub before: String,
    /// As it was written now; empty for a namespace that went.
    pub after: String,
}

impl fmt::Display for Changed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.before.as_str(), self.after.as_str()) {
            ("", _) if self.path.key.is_empty() => write!(formatter, "{} is new", self.path.section),
            (_, "") if self.path.key.is_empty() => write!(formatter, "{} is gone", self.path.section),
            (before, after) => write!(formatter, "{}: {before} → {after}", self.path),
        }
    }
}

/// A new configuration against the one in force.
#[derive(Clone, Debug)]
pub struct Reload {
    /// What will be in force: the new values, but the old ones of keys that need a restart.
    pub loaded: Loaded,
    /// What changes.
    pub changed: Vec<Changed>,
    /// What was written otherwise and stays as it is until a restart.
    pub kept: Vec<Changed>,
}

impl Reload {
    /// Compares.
    #[must_use]
    pub fn between(old: &Loaded, new: Loaded) -> Self {
        let mut reload = Self { loaded: new, changed: Vec::new(), kept: Vec::new() };
        let written = reload.loaded.config.clone();
        for (name, section) in written.sections() {
            match named(&old.config, &name) {
                Some(before) => reload.compare(&name, before, section, old),
                None => reload.changed.push(Changed {
                    path: KeyPath::new(name, ""),
                    before: String::new(),
                    after: "new".into(),
                }),
            }
        }
        for (name, _) in old.config.sections() {
            if named(&written, &name).is_none() {
                let path = KeyPath::new(name, "");
                reload.changed.push(Changed { path, before: "gone".into(), after: String::new() });
            }
        }
        reload
    }

    fn compare(&mut self, name: &str, before: &dyn Section, after: &dyn Section, old: &Loaded) {
        for key in after.keys() {
            let (was, is) = (before.show(key.name), after.show(key.name));
            if was == is {
                continue;
            }
            let path = KeyPath::new(name, key.name);
            if !key.hot {
                let section = self.loaded.config.section_mut(name).expect("it was just compared");
                section.set(key.name, &shown(&was)).expect("a value in force is a good value");
                match old.origins.get(&path) {
                    Some(origin) => self.loaded.origins.insert(path.clone(), origin.clone()),
                    None => self.loaded.origins.remove(&path),
                };
            }
            let changed = Changed { path, before: was, after: is };
            if key.hot { &mut self.changed } else { &mut self.kept }.push(changed);
        }
    }
}

fn named<'a>(config: &'a Config, name: &str) -> Option<&'a dyn Section> {
    config.sections().into_iter().find(|(other, _)| other == name).map(|(_, section)| section)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::apply::apply;
    use crate::config::file::assignments;
    use std::path::Path;

    fn loaded(text: &str) -> Loaded {
        apply([assignments(Path::new("r.toml"), text).unwrap()]).unwrap()
    }

    fn told(changes: &[Changed]) -> Vec<String> {
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn hot_keys_change_and_cold_keys_keep_their_value_and_are_named() {
        let old = loaded("[clients]\nlisten = \"0.0.0.0:1\"\nheartbeat = \"10s\"\n[node]\nshards = 2\n");
        let new =
            loaded("[clients]\nlisten = \"0.0.0.0:2\"\nheartbeat = \"20s\"\n[node]\nshards = \"auto\"\n");
        let reload = Reload::between(&old, new);
        assert_eq!(told(&reload.changed), ["clients.heartbeat: \"10s\" → \"20s\""]);
        assert_eq!(
            told(&reload.kept),
            ["node.shards: 2 → \"auto\"", "clients.listen: \"0.0.0.0:1\" → \"0.0.0.0:2\""]
        );
        assert_eq!(reload.loaded.config.clients.listen, old.config.clients.listen);
        assert_eq!(reload.loaded.config.node, old.config.node);
        assert_eq!(reload.loaded.config.clients.heartbeat.as_ms(), 20_000);
    }

    #[test]
    fn namespaces_come_and_go_and_every_key_of_one_is_hot() {
        let old = loaded("[namespaces.chat]\njoin = \"anyone\"\n[namespaces.old]\n");
        let new = loaded("[namespaces.chat]\njoin = \"granted\"\n[namespaces.new]\n");
        let reload = Reload::between(&old, new);
        assert_eq!(
            told(&reload.changed),
            [
                "namespaces.chat.join: \"anyone\" → \"granted\"",
                "namespaces.new is new",
                "namespaces.old is gone"
            ]
        );
        assert!(reload.kept.is_empty());
    }

    #[test]
    fn every_cold_key_can_be_put_back() {
        // The values in force are put back through their text: each must read as what it shows.
        for (name, section) in Config::default().sections() {
            for key in section.keys() {
                let mut config = Config::default();
                let target = config.section_mut(&name).unwrap();
                assert_eq!(
                    target.set(key.name, &shown(&section.show(key.name))),
                    Ok(()),
                    "{name}.{}",
                    key.name
                );
                assert_eq!(config, Config::default(), "{name}.{}", key.name);
            }
        }
    }
}
