//! The parts of a page that are the same for one run and for several: verdict, tiles, promises, machine, rows.

use super::figures::Shown;
use super::markup::Markup;
use super::number::{self, Unit};
use super::plot::{Plot, sample};
use super::words::{self, Outcome, PROMISES, TOLD};
use crate::report::record::{Record, RunInfo};

/// Warnings, failures and pieces of evidence that are shown.
const LIST_MAX: usize = 50;

/// What stands where a file says nothing.
pub(super) const UNKNOWN: &str = "unknown";

/// Rows that are tiles.
const TILES: [&str; 18] = [
    "p50_us",
    "p99_us",
    "p999_us",
    "max_us",
    "state_p50_us",
    "state_p99_us",
    "state_age_p99_us",
    "event_p99_us",
    "caught_up_p99_us",
    "states_received_per_s",
    "deliveries_per_s",
    "publishes_per_s",
    "messages_per_s",
    "connects_per_s",
    "connections",
    "server_cpu",
    "server_rss_kib",
    "client_cpu",
];

/// The first thing to see of a run: banner, verdict, what limited it, what to mind.
pub(super) fn verdict(page: &mut Markup, record: &Record) {
    if let Some(because) = words::partial(record) {
        banner(
            page,
            if record.complete() == Some(false) { "PARTIAL" } else { "NOT KNOWN TO BE WHOLE" },
            &because,
        );
    }
    page.element("p", &[("class", Outcome::of(record).class())], &words::verdict(record));
    page.element("p", &[("class", "limit")], &words::limit(record.text("limited_by")));
    mind(page, &record.warnings);
}

/// A loud line.
pub(super) fn banner(page: &mut Markup, word: &str, because: &str) {
    page.within("div", &[("class", "banner"), ("role", "alert")], |page| {
        page.element("strong", &[], word);
        page.text(" ");
        page.text(because);
    });
}

/// Warnings.
pub(super) fn mind(page: &mut Markup, warnings: &[String]) {
    list(page, "warnings", warnings);
}

/// A list that has its bound.
pub(super) fn list(page: &mut Markup, class: &'static str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    page.within("ul", &[("class", class)], |page| {
        for item in items.iter().take(LIST_MAX) {
            page.element("li", &[], item.trim());
        }
        if items.len() > LIST_MAX {
            page.element(
                "li",
                &[],
                &format!("and {} more, in the JSON", number::plain((items.len() - LIST_MAX) as f64)),
            );
        }
    });
}

/// The key numbers of one run.
pub(super) fn tiles(page: &mut Markup, record: &Record) {
    let partial = record.complete() != Some(true);
    page.within("div", &[("class", if partial { "tiles partial" } else { "tiles" })], |page| {
        for name in TILES {
            let Some(value) = record.number(name) else { continue };
            page.within("div", &[("class", "tile")], |page| {
                page.element("b", &[], &Unit::of(name).show(value));
                page.element("span", &[], words::label(name).unwrap_or(name));
                if partial {
                    page.element("em", &[], "partial");
                }
            });
        }
    });
}

/// Pictures side by side.
pub(super) fn pictures(page: &mut Markup, plots: &[Plot]) {
    if plots.is_empty() {
        return;
    }
    page.within("section", &[("class", "plots"), ("aria-label", "Plots")], |page| {
        for plot in plots {
            plot.draw(page);
        }
    });
}

/// What was promised, and what came of it.
pub(super) fn promises(page: &mut Markup, record: &Record) {
    let known = |name: &str| record.number(name).is_some();
    if !PROMISES.iter().chain(&TOLD).any(|(name, _)| known(name)) && record.failures.is_empty() {
        return;
    }
    page.within("section", &[], |page| {
        page.element("h2", &[], "Promises");
        // Of a run that is not whole, no promise can be said to have been kept.
        let none = if record.complete() == Some(true) { ("good", "kept") } else { ("open", "none seen") };
        page.within("div", &[("class", "pair")], |page| {
            let heads = ["promise", "times broken", "verdict"];
            counted(page, record, &PROMISES, heads, [none, ("bad", "broken")]);
            let heads = ["no broken promise, but", "how many", ""];
            counted(page, record, &TOLD, heads, [("", "none"), ("open", "told")]);
        });
        if !record.failures.is_empty() {
            page.element("h3", &[], "Failures and evidence");
            list(page, "evidence", &record.failures);
        }
    });
}

/// A table of counts that had better be 0, with class and word for those that are and for those that aren't.
fn counted(
    page: &mut Markup,
    record: &Record,
    rows: &[(&str, &str)],
    heads: [&str; 3],
    [none, some]: [(&str, &str); 2],
) {
    let known: Vec<_> = rows.iter().filter_map(|row| Some((row, record.number(row.0)?))).collect();
    if known.is_empty() {
        return;
    }
    page.within("table", &[], |page| {
        head(page, &heads);
        page.within("tbody", &[], |page| {
            for ((name, meaning), count) in known {
                let (class, word) = if count == 0.0 { none } else { some };
                page.within("tr", &[], |page| {
                    page.within("th", &[("scope", "row")], |page| {
                        page.text(&name.replace('_', " "));
                        page.element("small", &[], meaning);
                    });
                    page.element("td", &[("class", "number")], &number::plain(count));
                    page.element("td", &[("class", &format!("number {class}"))], word);
                });
            }
        });
    });
}

/// Machine, versions and command of one run.
pub(super) fn origin(page: &mut Markup, record: &Record) {
    page.within("section", &[], |page| {
        page.element("h2", &[], "Machine and versions");
        let Some(info) = &record.run else {
            page.element("p", &[], "The file does not say what ran where.");
            return;
        };
        page.within("dl", &[], |page| {
            for (term, said) in facts(info) {
                page.element("dt", &[], term);
                page.element("dd", &[], &said);
            }
        });
        if let Some(command) = &info.command {
            page.element("h3", &[], "To repeat it");
            page.element("pre", &[], &words::command(command));
        }
    });
}

/// What ran where, as terms and what is known of them; the same terms for every run.
pub(super) fn facts(info: &RunInfo) -> Vec<(&'static str, String)> {
    let machine = info.machine.clone().unwrap_or_default();
    let server = info.server.clone().unwrap_or_default();
    let threads = |threads| counted_as(threads, "thread", "threads");
    let pinned = |cores: Option<String>| cores.map(|cores| format!("on cores {cores}"));
    let generator = [
        info.tool.clone(),
        counted_as(info.processes, "process", "processes"),
        threads(info.threads),
        pinned(info.client_cores.clone()),
    ];
    let serving = [
        server.version,
        server.executable,
        threads(server.threads),
        pinned(server.cores),
        server.pid.map(|pid| format!("process {pid}")),
    ];
    let address = [info.url.clone(), info.protocol.as_ref().map(|protocol| format!("protocol {protocol}"))];
    let kind =
        machine.r#virtual.map(|it| if it { "virtual machine" } else { "no virtual machine" }.to_owned());
    let processor = [
        machine.cpu,
        counted_as(machine.cores, "core", "cores"),
        machine.governor.map(|governor| format!("governor {governor}")),
    ];
    vec![
        ("began", joined([info.started_unix_ms.map(words::moment)])),
        ("load generator", joined(generator)),
        ("server", joined(serving)),
        ("server's command", joined([server.command.as_deref().map(words::command)])),
        ("address", joined(address)),
        ("host", joined([machine.host, kind])),
        ("processor", joined(processor)),
        ("memory", joined([machine.memory_kib.map(|memory| Unit::Kib.show(memory))])),
        ("kernel", joined([machine.kernel])),
    ]
}

fn counted_as(count: Option<u64>, one: &str, several: &str) -> Option<String> {
    count.map(|count| format!("{count} {}", if count == 1 { one } else { several }))
}

fn joined<const N: usize>(pieces: [Option<String>; N]) -> String {
    let known: Vec<String> = pieces.into_iter().flatten().filter(|piece| !piece.is_empty()).collect();
    if known.is_empty() { UNKNOWN.to_owned() } else { known.join(", ") }
}

/// All rows of runs, a column for each run.
pub(super) fn rows(page: &mut Markup, runs: &[Shown<'_>]) {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in runs.iter().flat_map(|run| &run.record.rows) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return;
    }
    page.within("section", &[], |page| {
        page.element("h2", &[], "All rows");
        page.within("div", &[("class", "wide")], |page| {
            page.within("table", &[("class", "rows")], |page| {
                columns(page, runs);
                page.within("tbody", &[], |page| {
                    for name in names {
                        row(page, runs, name, name);
                    }
                });
            });
        });
    });
}

/// The head of a table with a column for each run.
pub(super) fn columns(page: &mut Markup, runs: &[Shown<'_>]) {
    page.within("thead", &[], |page| {
        page.within("tr", &[], |page| {
            page.element("th", &[("scope", "col")], "");
            for run in runs {
                page.within("th", &[("scope", "col"), ("class", "number")], |page| {
                    if runs.len() > 1 {
                        sample(page, run.style);
                    }
                    page.text(if runs.len() > 1 { &run.name } else { "value" });
                });
            }
        });
    });
}

/// One row of such a table; the number as it lies in the file is a cell's title.
pub(super) fn row(page: &mut Markup, runs: &[Shown<'_>], name: &str, label: &str) {
    page.within("tr", &[], |page| {
        page.element("th", &[("scope", "row")], label);
        for run in runs {
            let value = run.record.rows.iter().find(|row| row.0 == name).map(|row| &row.1);
            let shown = value.map_or_else(|| "–".to_owned(), |value| number::row(name, value));
            let raw = value.map(ToString::to_string).unwrap_or_default();
            page.element("td", &[("class", "number"), ("title", &raw)], &shown);
        }
    });
}

/// The head of a table.
pub(super) fn head(page: &mut Markup, names: &[&str]) {
    page.within("thead", &[], |page| {
        page.within("tr", &[], |page| {
            for (index, name) in names.iter().enumerate() {
                let class = if index == 0 { "" } else { "number" };
                page.element("th", &[("scope", "col"), ("class", class)], name);
            }
        });
    });
}
