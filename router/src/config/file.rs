//! `ringway.toml` as assignments, each with its line.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::{Assignment, Fault, KeyPath, Origin, Raw};

/// Reads the text of a file. Sections are tables; `[namespaces.NAME]` is the only nested one.
///
/// # Errors
/// The first syntax error, or every value outside of a section.
pub fn assignments(path: &Path, text: &str) -> Result<Vec<Assignment>, Vec<Fault>> {
    let line = |offset: usize| {
        text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
    };
    let origin = |offset: usize| Origin::File { path: path.to_owned(), line: line(offset) };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        vec![Fault::at(&origin(at), format!("not valid TOML: {}", error.message().replace('\n', "; ")))]
    })?;
    let mut out = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in table.get_ref() {
        let here = origin(name.span().start);
        match value.get_ref() {
            DeValue::Table(section) if name.get_ref() == "namespaces" => {
                for (namespace, value) in section {
                    match value.get_ref() {
                        DeValue::Table(keys) => {
                            let section = format!("namespaces.{}", namespace.get_ref());
                            // An empty `[namespaces.x]` makes the namespace, too.
                            out.push(made(&section, origin(namespace.span().start)));
                            push(&mut out, &section, keys, &origin);
                        }
                        _ => faults.push(Fault::at(
                            &origin(namespace.span().start),
                            format!(
                                "namespaces.{0} must be a section: write [namespaces.{0}]",
                                namespace.get_ref()
                            ),
                        )),
                    }
                }
            }
            DeValue::Table(keys) => push(&mut out, name.get_ref(), keys, &origin),
            _ => faults.push(Fault::at(
                &here,
                format!(
                    "{0} stands outside of a section: write it below one, as in [clients]",
                    name.get_ref()
                ),
            )),
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

/// The mark that a namespace exists, though no key of it may be set.
pub(super) fn made(section: &str, origin: Origin) -> Assignment {
    Assignment { path: KeyPath::new(section, ""), raw: Raw::Boolean(true), origin }
}

fn push(out: &mut Vec<Assignment>, section: &str, keys: &DeTable<'_>, origin: &impl Fn(usize) -> Origin) {
    for (key, value) in keys {
        let path = KeyPath::new(section, key.get_ref().as_ref());
        out.push(Assignment { path, raw: raw(value), origin: origin(key.span().start) });
    }
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Other("number too large"), Raw::Integer),
        DeValue::Boolean(value) => Raw::Boolean(*value),
        DeValue::Array(items) => Raw::List(items.iter().map(raw).collect()),
        DeValue::Float(_) => Raw::Other("fraction"),
        DeValue::Datetime(_) => Raw::Other("date"),
        DeValue::Table(_) => Raw::Other("table"),
    }
}

/// One value as it stands in TOML, as [`super::declare::Section::show`] writes it.
///
/// # Panics
/// When the text is not a TOML value: a defect of `show`.
pub(super) fn shown(text: &str) -> Raw {
    raw(&DeValue::parse(text).expect("show() writes TOML values"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_knows_its_line() {
        let text = "[clients]\nanonymous = true\n\n[namespaces.chat]\njoin = \"users\"\n";
        let all = assignments(Path::new("r.toml"), text).unwrap();
        let told: Vec<String> =
            all.iter().map(|one| format!("{} {} {}", one.origin, one.path, one.raw)).collect();
        assert_eq!(
            told,
            [
                "r.toml:2 clients.anonymous true",
                "r.toml:4 namespaces.chat. true",
                "r.toml:5 namespaces.chat.join \"users\""
            ]
        );
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let faults = assignments(Path::new("r.toml"), "[clients]\nlisten = \n").unwrap_err();
        assert!(faults[0].to_string().starts_with("r.toml:2: not valid TOML: "), "{}", faults[0]);
    }
}
