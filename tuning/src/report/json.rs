//! Findings and plans for programs: the shapes are those of `docs/operating/tuning.md`.

use serde_json::{Value, json};

use crate::{Change, Finding, Plan, Standing, tunable};

/// The version of both shapes: it rises when something is renamed or removed, not when something is added.
pub const VERSION: u32 = 1;

/// What `check --format json` prints.
#[must_use]
pub fn findings_as_json(findings: &[Finding]) -> Value {
    let count = |standing| findings.iter().filter(|finding| finding.standing == standing).count();
    let settings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "name": finding.name,
                "standing": finding.standing.name(),
                "now": finding.now,
                "wanted": finding.wanted,
                "why": finding.why,
                "effect": finding.effect,
                "source": tunable::named(finding.name).map(|tunable| tunable.source),
            })
        })
        .collect();
    json!({
        "version": VERSION,
        "important": count(Standing::Important),
        "advice": count(Standing::Advice),
        "unknown": count(Standing::Unknown),
        "good": count(Standing::Good),
        "settings": settings,
    })
}

/// What `plan --format json` prints.
#[must_use]
pub fn plan_as_json(plan: &Plan) -> Value {
    let (mut values, mut files) = (Vec::new(), Vec::new());
    for change in &plan.changes {
        match change {
            Change::Value { name, write } => values.push(json!({
                "name": name,
                "path": format!("/{}", write.path),
                "now": write.now,
                "new": write.new,
            })),
            Change::File { names, path, text } => {
                files.push(json!({"names": names, "path": format!("/{path}"), "text": text}));
            }
        }
    }
    let by_hand: Vec<Value> =
        plan.by_hand.iter().map(|by_hand| json!({"name": by_hand.name, "text": by_hand.text})).collect();
    json!({"version": VERSION, "values": values, "files": files, "by_hand": by_hand})
}
