//! `ringway cluster status|map|nodes`: what a running node sees of its cluster, as a table or as the API's JSON.

use std::fmt::Write;
use std::process::ExitCode;

use serde::Deserialize;

use crate::cluster::driver::{MapEntry, NodeLook, Status};

use super::ask::Door;
use super::typed::{Ask, Cluster, Format};
use super::{Refusal, say};

/// Runs the command. Exit code 1 where `status` finds a node that serves nothing.
pub(super) fn run(typed: &Cluster) -> Result<ExitCode, Refusal> {
    match typed {
        Cluster::Status(typed) => {
            let (door, body) = ask(typed, "/api/v1/cluster")?;
            let status: OneOf = read(&door, &body)?;
            print(typed, &body, || match &status {
                OneOf::Alone { .. } => "this node is alone: cluster.coordinator is \"none\"\n".into(),
                OneOf::Member(status) => of_status(status),
            });
            let good = !matches!(&status, OneOf::Member(status) if status.not_ready.is_some());
            return Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
        Cluster::Map(typed) => {
            let (door, body) = ask(typed, "/api/v1/cluster/map")?;
            let map: Vec<MapEntry> = read(&door, &body)?;
            print(typed, &body, || of_map(&map));
        }
        Cluster::Nodes(typed) => {
            let (door, body) = ask(typed, "/api/v1/cluster/nodes")?;
            let nodes: Vec<NodeLook> = read(&door, &body)?;
            print(typed, &body, || of_nodes(&nodes));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What `/api/v1/cluster` says.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOf {
    Member(Box<Status>),
    Alone {
        #[serde(rename = "state")]
        _state: String,
    },
}

fn ask(typed: &Ask, path: &str) -> Result<(Door, String), Refusal> {
    let door = Door::of(&typed.sources, typed.http.as_ref(), typed.token_file.as_ref())?;
    let body = door.ask("GET", path, 200)?;
    Ok((door, body))
}

fn read<'a, T: Deserialize<'a>>(door: &Door, body: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(body).map_err(|error| {
        Refusal::new(format!(
            "{} said what this version can't read: {error}; use the node's own `ringway`",
            door.address
        ))
    })
}

fn print(typed: &Ask, body: &str, table: impl FnOnce() -> String) {
    match typed.format {
        Format::Table => say(&table()),
        Format::Json => say(&format!("{}\n", body.trim_end())),
    }
}

fn of_status(status: &Status) -> String {
    let controller = status.controller.as_deref();
    let mut lines = vec![
        ("node", status.node.clone()),
        ("cluster", status.cluster.clone()),
        ("state", status.state.clone()),
        ("serves", status.not_ready.as_ref().map_or_else(|| "yes".into(), |why| format!("no: {why}"))),
        ("lease", format!("{} ms left", status.lease_left_ms)),
        ("controller", or_dash(controller).into()),
        ("nodes up", status.nodes_up.to_string()),
        ("slots owned", format!("{} ({} with a standby in sync)", status.slots_owned, status.slots_in_sync)),
        ("stands by for", format!("{} slots", status.slots_standby)),
        ("handing over", format!("{} slots", status.handovers)),
        ("vacant", format!("{} slots of the cluster", status.slots_vacant)),
        ("revision", status.revision.to_string()),
    ];
    lines.extend(status.disk_fault.as_ref().map(|fault| ("disk", fault.clone())));
    lines.iter().fold(String::new(), |mut out, (name, value)| {
        let _ = writeln!(out, "{name:<14} {value}");
        out
    })
}

/// Slots that follow each other and are alike in one line.
fn of_map(map: &[MapEntry]) -> String {
    let rows =
        map.chunk_by(|left, right| MapEntry { slot: right.slot, ..left.clone() } == *right).map(|run| {
            let (first, last) = (&run[0], &run[run.len() - 1]);
            let slots =
                if run.len() == 1 { first.slot.to_string() } else { format!("{}-{}", first.slot, last.slot) };
            let sync = match (&first.standby, first.in_sync) {
                (None, _) => "-",
                (_, true) => "yes",
                (_, false) => "no",
            };
            let cells = [
                or_dash(first.owner.as_deref()),
                &first.term.to_string(),
                or_dash(first.standby.as_deref()),
                sync,
                or_dash(first.next.as_deref()),
            ];
            [slots].into_iter().chain(cells.map(String::from)).collect()
        });
    table(&["SLOTS", "OWNER", "TERM", "STANDBY", "IN SYNC", "NEXT"], rows)
}

fn of_nodes(nodes: &[NodeLook]) -> String {
    let rows = nodes.iter().map(|node| {
        let control = if node.controller { "yes" } else { "" };
        let numbers =
            [u64::from(node.weight), node.slots_owned as u64, node.slots_standby as u64, node.registration];
        let numbers = numbers.map(|number| number.to_string());
        [node.node.clone(), node.state.clone()]
            .into_iter()
            .chain(numbers)
            .chain([control.into(), node.addresses.clone()])
            .collect()
    });
    table(&["NODE", "STATE", "WEIGHT", "OWNED", "STANDBY", "JOINED", "CONTROLLER", "LINKS"], rows)
}

fn or_dash(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}

/// Columns as wide as their widest cell, two spaces apart.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let all: Vec<Vec<String>> =
        std::iter::once(head.iter().map(|cell| (*cell).to_string()).collect()).chain(rows).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    all.iter().fold(String::new(), |mut out, row| {
        let line = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect::<Vec<_>>();
        let _ = writeln!(out, "{}", line.join("  ").trim_end());
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(slot: u16, owner: Option<&str>, term: u64) -> MapEntry {
        MapEntry { slot, owner: owner.map(Into::into), term, standby: None, in_sync: false, next: None }
    }

    #[test]
    fn slots_that_are_alike_share_a_line() {
        let map =
            [entry(0, Some("1"), 7), entry(1, Some("1"), 7), entry(2, Some("12"), 7), entry(3, None, 7)];
        assert_eq!(
            of_map(&map),
            "SLOTS  OWNER  TERM  STANDBY  IN SYNC  NEXT\n\
             0-1    1      7     -        -        -\n\
             2      12     7     -        -        -\n\
             3      -      7     -        -        -\n"
        );
    }

    #[test]
    fn a_node_that_is_alone_and_one_that_is_not_are_told_apart() {
        assert!(matches!(serde_json::from_str(r#"{"state":"alone"}"#), Ok(OneOf::Alone { .. })));
        let text = serde_json::to_string(&Status { state: "up".into(), ..Status::default() }).unwrap();
        let Ok(OneOf::Member(status)) = serde_json::from_str(&text) else { panic!("{text}") };
        assert!(of_status(&status).contains("serves         yes\n"));
    }
}
