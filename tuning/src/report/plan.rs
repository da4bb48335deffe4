//! A plan for people.

use std::fmt::Write as _;

use crate::{Change, Plan};

/// What is done at once, which files are written with their whole text, what is left to people.
#[must_use]
pub fn plan_as_text(plan: &Plan) -> String {
    let mut text = String::new();
    let _ = to_text(plan, &mut text);
    text
}

fn to_text(plan: &Plan, text: &mut String) -> std::fmt::Result {
    let values: Vec<_> = plan
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Value { name, write } => Some((name, write)),
            Change::File { .. } => None,
        })
        .collect();
    if !values.is_empty() {
        writeln!(text, "At once:")?;
        for (name, write) in values {
            writeln!(text, "  /{}\n    {} -> {}    ({name})", write.path, write.now, write.new)?;
        }
    }
    for change in &plan.changes {
        if let Change::File { names, path, text: content } = change {
            gap(text);
            writeln!(text, "The file /{path}, for {}:", names.join(", "))?;
            for line in content.lines() {
                writeln!(text, "  {line}")?;
            }
        }
    }
    if !plan.not_kept.is_empty() {
        gap(text);
        let paths: Vec<_> = plan.not_kept.iter().map(|path| format!("/{path}")).collect();
        writeln!(text, "To keep it over a restart add --persist, which writes {}.", paths.join(", "))?;
    }
    if !plan.by_hand.is_empty() {
        gap(text);
        writeln!(text, "By hand:")?;
        let mut last = "";
        for by_hand in &plan.by_hand {
            if by_hand.name != last {
                writeln!(text, "  {}", by_hand.name)?;
            }
            last = by_hand.name;
            writeln!(text, "    {}", by_hand.text)?;
        }
    }
    if text.is_empty() {
        writeln!(text, "Nothing to change.")?;
    }
    Ok(())
}

fn gap(text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
}
