//! `RINGWAY__SECTION__KEY`, and `RINGWAY__NAMESPACES__NAME__KEY`: the same keys from the environment.

use super::raw::{Assignment, Fault, KeyPath, Origin, Raw};

const PREFIX: &str = "RINGWAY__";

/// Reads the variables of the environment that are ours.
///
/// # Errors
/// Every variable whose name has the prefix and not the form.
pub fn assignments(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Assignment>, Vec<Fault>> {
    let mut out = Vec::new();
    let mut faults = Vec::new();
    let mut ours: Vec<_> = variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    ours.sort();
    for (name, value) in ours {
        let origin = Origin::Environment { name: name.clone() };
        let lower = name[PREFIX.len()..].to_ascii_lowercase();
        let parts: Vec<&str> = lower.split("__").collect();
        let path = match parts.as_slice() {
            ["namespaces", namespace, key] => KeyPath::new(format!("namespaces.{namespace}"), *key),
            [section, key] if *section != "namespaces" => KeyPath::new(*section, *key),
            _ => {
                let form = "write it RINGWAY__SECTION__KEY or RINGWAY__NAMESPACES__NAME__KEY";
                faults.push(Fault::at(&origin, format!("names no key: {form}")));
                continue;
            }
        };
        out.push(Assignment { path, raw: Raw::Loose(value), origin });
    }
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}
