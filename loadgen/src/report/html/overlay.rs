//! The page of several runs: their numbers side by side, their curves over each other, and in what they differ.

use super::figures::{self, Shown};
use super::markup::Markup;
use super::number::Unit;
use super::plot::sample;
use super::sections;
use super::words::{self, Outcome};
use crate::report::record::{Record, RunInfo};

/// Rows that are compared with the first run's.
const KEY: [&str; 18] = [
    "p50_us",
    "p90_us",
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
    "server_cpu",
    "server_cpu_us_per_delivery",
    "server_rss_kib",
    "client_cpu",
];

/// Rows that a run is asked for: where they differ, the runs did not do the same.
const ASKED: [&str; 20] = [
    "transport",
    "format",
    "lane",
    "rooms",
    "subscribers",
    "publishers",
    "players",
    "rate",
    "burst",
    "body",
    "keys",
    "size",
    "tick_rate",
    "event_rate",
    "drops",
    "slow_percent",
    "reader_kbit",
    "rcvbuf",
    "rounds",
    "duration_s",
];

/// Its title.
pub(super) fn title(runs: &[(&str, &Record)]) -> String {
    let names = names(runs);
    match names.as_slice() {
        [one, other] => format!("{one} and {other}"),
        _ => format!("{} runs", runs.len()),
    }
}

/// Writes it.
pub(super) fn write(page: &mut Markup, runs: &[(&str, &Record)], title: &str) {
    let shown: Vec<Shown<'_>> = names(runs)
        .into_iter()
        .zip(runs)
        .enumerate()
        .map(|(style, (name, (_, record)))| Shown { name, style, faint: false, record })
        .collect();
    page.within("header", &[], |page| {
        page.element("p", &[("class", "kind")], "Loads on servers, laid over each other");
        page.element("h1", &[], title);
        let mind = "One run each: differences of a few percent may be chance. Ratios are to the first run.";
        page.element("p", &[("class", "asked")], mind);
        for run in &shown {
            if let Some(because) = words::partial(run.record) {
                let word =
                    if run.record.complete() == Some(false) { "PARTIAL" } else { "NOT KNOWN TO BE WHOLE" };
                sections::banner(page, word, &format!("{}: {because}", run.name));
            }
        }
    });
    verdicts(page, &shown);
    differences(page, &shown);
    keys(page, &shown);
    sections::pictures(page, &figures::of_several(&shown));
    for run in &shown {
        if !run.record.failures.is_empty() {
            page.within("section", &[], |page| {
                page.element("h2", &[], &format!("Failures and evidence of {}", run.name));
                sections::list(page, "evidence", &run.record.failures);
            });
        }
    }
    origins(page, &shown);
    sections::rows(page, &shown);
}

/// Names that are told apart: by the run's own name, else by file, else by number.
fn names(runs: &[(&str, &Record)]) -> Vec<String> {
    let own: Vec<String> = runs.iter().map(|(_, record)| words::name(record)).collect();
    let files: Vec<String> = runs
        .iter()
        .map(|(file, _)| file.rsplit('/').next().unwrap_or(file).trim_end_matches(".json").to_owned())
        .collect();
    let different =
        |names: &[String]| names.iter().collect::<std::collections::BTreeSet<_>>().len() == names.len();
    let names = if different(&own) {
        own
    } else if different(&files) {
        files
    } else {
        own.into_iter().enumerate().map(|(index, name)| format!("{name} {}", index + 1)).collect()
    };
    let marked = names.into_iter().zip(runs).map(|(name, (_, record))| match record.complete() {
        Some(false) => format!("{name} (partial)"),
        _ => name,
    });
    marked.collect()
}

fn verdicts(page: &mut Markup, runs: &[Shown<'_>]) {
    page.within("section", &[], |page| {
        page.element("h2", &[], "Results");
        page.within("div", &[("class", "wide")], |page| {
            page.within("table", &[], |page| {
                page.within("thead", &[], |page| {
                    page.within("tr", &[], |page| {
                        for head in ["run", "scenario", "promises", "what limited it"] {
                            page.element("th", &[("scope", "col")], head);
                        }
                    });
                });
                page.within("tbody", &[], |page| runs.iter().for_each(|run| verdict(page, run)));
            });
        });
        for run in runs {
            let warnings: Vec<String> =
                run.record.warnings.iter().map(|text| format!("{}: {text}", run.name)).collect();
            sections::mind(page, &warnings);
        }
    });
}

fn verdict(page: &mut Markup, run: &Shown<'_>) {
    let outcome = Outcome::of(run.record);
    page.within("tr", &[], |page| {
        page.within("th", &[("scope", "row")], |page| {
            sample(page, run.style);
            page.text(&run.name);
        });
        let asked = words::asked(run.record);
        page.within("td", &[], |page| {
            page.text(&run.record.scenario);
            page.element("small", &[], &asked);
        });
        page.element(
            "td",
            &[("class", outcome.class().trim_start_matches("verdict "))],
            &words::verdict(run.record),
        );
        page.element("td", &[], &words::limit(run.record.text("limited_by")));
    });
}

fn differences(page: &mut Markup, runs: &[Shown<'_>]) {
    let differs = |name: &&str| {
        let mut values = runs.iter().map(|run| run.record.value(name));
        let first = values.next().flatten();
        values.any(|value| value != first)
    };
    let names: Vec<&str> = ASKED.into_iter().filter(|name| *name != "duration_s").filter(differs).collect();
    let scenarios: std::collections::BTreeSet<_> = runs.iter().map(|run| &run.record.scenario).collect();
    if names.is_empty() && scenarios.len() == 1 {
        page.element("p", &[("class", "asked")], "All runs were asked for the same.");
        return;
    }
    page.within("section", &[], |page| {
        page.element("h2", &[], "Not asked for the same");
        page.within("div", &[("class", "wide")], |page| {
            page.within("table", &[("class", "rows differs")], |page| {
                sections::columns(page, runs);
                page.within("tbody", &[], |page| {
                    if scenarios.len() > 1 {
                        page.within("tr", &[], |page| {
                            page.element("th", &[("scope", "row")], "scenario");
                            for run in runs {
                                page.element("td", &[("class", "number")], &run.record.scenario);
                            }
                        });
                    }
                    for name in names {
                        sections::row(page, runs, name, name);
                    }
                });
            });
        });
    });
}

fn keys(page: &mut Markup, runs: &[Shown<'_>]) {
    page.within("section", &[], |page| {
        page.element("h2", &[], "Key numbers");
        page.within("div", &[("class", "wide")], |page| {
            page.within("table", &[], |page| {
                sections::columns(page, runs);
                page.within("tbody", &[], |page| {
                    for name in KEY {
                        if runs.iter().any(|run| run.record.number(name).is_some()) {
                            key(page, runs, name);
                        }
                    }
                });
            });
        });
    });
}

fn key(page: &mut Markup, runs: &[Shown<'_>], name: &str) {
    let first = runs[0].record.number(name).filter(|first| *first > 0.0);
    page.within("tr", &[], |page| {
        page.element("th", &[("scope", "row")], words::label(name).unwrap_or(name));
        for (index, run) in runs.iter().enumerate() {
            page.within("td", &[("class", "number")], |page| {
                let Some(value) = run.record.number(name) else {
                    page.text("–");
                    return;
                };
                page.text(&Unit::of(name).show(value));
                if let Some(first) = first.filter(|_| index > 0) {
                    page.element("small", &[], &ratio(value / first));
                }
            });
        }
    });
}

/// `× 0.93`, with two digits behind the point until they no longer matter.
pub(super) fn ratio(ratio: f64) -> String {
    if ratio < 10.0 { format!("× {ratio:.2}") } else { format!("× {}", super::number::digits(ratio)) }
}

fn origins(page: &mut Markup, runs: &[Shown<'_>]) {
    page.within("section", &[], |page| {
        page.element("h2", &[], "Machines and versions");
        let infos: Vec<RunInfo> = runs.iter().map(|run| run.record.run.clone().unwrap_or_default()).collect();
        let facts: Vec<_> = infos.iter().map(sections::facts).collect();
        page.within("div", &[("class", "wide")], |page| {
            page.within("table", &[("class", "left")], |page| {
                sections::columns(page, runs);
                page.within("tbody", &[], |page| {
                    for (index, (term, _)) in facts[0].iter().enumerate() {
                        page.within("tr", &[], |page| {
                            page.element("th", &[("scope", "row")], term);
                            for facts in &facts {
                                page.element("td", &[], &facts[index].1);
                            }
                        });
                    }
                });
            });
        });
        page.element("h3", &[], "To repeat them");
        for info in &infos {
            if let Some(command) = &info.command {
                page.element("pre", &[], &words::command(command));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_name_are_told_apart_by_their_files() {
        let record = Record { scenario: "fanout".to_owned(), ..Record::default() };
        assert_eq!(names(&[("x/one.json", &record), ("x/two.json", &record)]), ["one", "two"]);
        assert_eq!(names(&[("x/one.json", &record), ("y/one.json", &record)]), ["fanout 1", "fanout 2"]);
    }
}
