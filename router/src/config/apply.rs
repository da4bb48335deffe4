//! Layers of assignments become one [`Config`]: the later layer wins, and every fault of every layer is told.

use std::collections::BTreeMap;

use super::declare::Section;
use super::raw::{Assignment, Fault, KeyPath, Origin};
use super::suggest::nearest;
use super::{Config, Raw};

/// A configuration and where each value that is no default comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Where they were written.
    pub origins: BTreeMap<KeyPath, Origin>,
}

impl Loaded {
    /// Where a key's value comes from.
    #[must_use]
    pub fn origin(&self, section: &str, key: &str) -> Origin {
        self.origins.get(&KeyPath::new(section, key)).cloned().unwrap_or(Origin::Default)
    }
}

/// Applies layers in order.
///
/// # Errors
/// Every unknown key and every value that its key does not take.
pub fn apply(layers: impl IntoIterator<Item = Vec<Assignment>>) -> Result<Loaded, Vec<Fault>> {
    let mut loaded = Loaded { config: Config::default(), origins: BTreeMap::new() };
    let mut faults = Vec::new();
    for assignment in layers.into_iter().flatten() {
        match assign(&mut loaded.config, &assignment) {
            Ok(()) if assignment.path.key.is_empty() => {}
            Ok(()) => {
                loaded.origins.insert(assignment.path, assignment.origin);
            }
            Err(what) => faults.push(Fault::at(&assignment.origin, what)),
        }
    }
    if faults.is_empty() { Ok(loaded) } else { Err(faults) }
}

fn assign(config: &mut Config, assignment: &Assignment) -> Result<(), String> {
    let path = &assignment.path;
    let known = Config::default();
    let Some(section) = config.section_mut(&path.section) else {
        return Err(unknown_section(&known, path));
    };
    if path.key.is_empty() {
        return Ok(());
    }
    if !section.keys().iter().any(|key| key.name == path.key) {
        return Err(unknown_key(&known, section, path));
    }
    section.set(&path.key, &assignment.raw).map_err(|mend| match &assignment.raw {
        Raw::Other(kind) => format!("{path} is a {kind}: {mend}"),
        raw => format!("{path} = {raw}: {mend}"),
    })
}

fn unknown_section(known: &Config, path: &KeyPath) -> String {
    if let Some(namespace) = path.section.strip_prefix("namespaces.") {
        return format!("{namespace:?} can't name a namespace: use 1 to 32 of a-z, 0-9, _ and -");
    }
    let sections = known.sections();
    let names: Vec<&str> = sections.iter().map(|(name, _)| name.split('.').next().unwrap_or(name)).collect();
    let mend = match nearest(&path.section, names.iter().copied()) {
        Some(name) => format!("did you mean [{name}]?"),
        None => format!("there are [{}]", names.join("], [")).replace("[namespaces]", "[namespaces.NAME]"),
    };
    format!("unknown section [{}]: {mend}", path.section)
}

fn unknown_key(known: &Config, section: &dyn Section, path: &KeyPath) -> String {
    let here = nearest(&path.key, section.keys().iter().map(|key| key.name));
    let mend = match here {
        Some(name) => format!("did you mean {name}?"),
        None => {
            let elsewhere = known
                .sections()
                .into_iter()
                .find(|(_, section)| section.keys().iter().any(|key| key.name == path.key))
                .map(|(name, _)| format!("did you mean {name}.{}?", path.key));
            let all = || section.keys().iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
            elsewhere.unwrap_or_else(|| format!("[{}] has {}", path.section, all()))
        }
    };
    format!("unknown key {path}: {mend}")
}
