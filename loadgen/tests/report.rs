//! Reports are made anew from files: every kind of document gives one whole page, and nothing that a file says can do
//! more than be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ringway_load::report::html::{Source, page};
use ringway_load::report::record::Document;
use serde_json::Value;

/// What every string of a hostile file is.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.json"))
}

fn source(name: &str) -> Source {
    let document = Document::parse(&fs::read(fixture(name)).unwrap()).expect("a good fixture");
    Source { file: format!("{name}.json"), document }
}

fn rendered(names: &[&str]) -> String {
    let sources: Vec<Source> = names.iter().map(|name| source(name)).collect();
    let page = page(&sources, None).expect("a page");
    check(&page);
    page
}

/// Tags close in order, names are those of the page, and nothing points outside.
fn check(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed in order");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "<{tag}>");
        // Values are quoted, and have no quote in them.
        let names: String = tag.split('"').step_by(2).collect();
        for attribute in ["src", "href", "onerror", "onload", "action", "style"] {
            assert!(!names.contains(&format!(" {attribute}=")), "<{tag}>");
        }
        if tag.ends_with('/') {
            continue;
        }
        open.push(name);
        // What is in these two is no markup.
        if let "style" | "script" = name {
            rest = &rest[rest.find(&format!("</{name}>")).expect("it ends")..];
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    for outside in ["http://", "https://", "url(", "@import", "//cdn"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<script").count(), 1, "only the page's own script");
    assert!(!page.contains("NaN") && !page.contains("inf "), "every number is one");
}

fn has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text} is missing");
    }
}

const MACHINE: [&str; 4] = ["bench-1", "Intel(R) Xeon(R) Platinum 8481C", "23.5 GiB", "6.18.5"];

#[test]
fn a_run_says_machine_versions_scenario_result_and_limit() {
    let page = rendered(&["run"]);
    has(&page, &MACHINE);
    has(&page, &["ringway-load 0.1.0", "2026-11-21 21:53:20 UTC", "ws://127.0.0.1:7400/v1"]);
    has(
        &page,
        &["1,000 subscribers", "A thousand readers of one room", "ringway-load fanout --subscribers 1000"],
    );
    has(&page, &["Kept: every promise held.", "Limited by the offered rate"]);
    let plots = ["Latency by percentile", "Latency over time", "Received per second", "CPU over time"];
    has(&page, &plots);
    has(&page, &["Server memory over time", "KiB a minute", "warm-up", "server_cpu_us_per_delivery"]);
    assert!(!page.contains("PARTIAL"));
}

#[test]
fn a_partial_run_says_so_everywhere_and_keeps_its_evidence() {
    let page = rendered(&["broken"]);
    has(&page, &["<title>PARTIAL: evening peak</title>", "Ctrl-C after 7 s of 60 s", "<em>partial</em>"]);
    has(&page, &["Broken: 3 promises were not kept.", "4413 came after 4414", "none seen"]);
    has(&page, &["Limited by the load generator", "Broken promises and errors in each second"]);
    assert!(!page.contains(">kept<"), "nothing is known to have been kept");
    let titled = page_of(&[source("broken")], "Mine");
    has(&titled, &["<title>PARTIAL: Mine</title>"]);
}

#[test]
fn several_runs_are_laid_over_each_other() {
    let page = rendered(&["run", "faster"]);
    has(&page, &MACHINE);
    has(&page, &["<h1>fanout and fanout-2-shards</h1>", "× 0.76", "All runs were asked for the same."]);
    let page = rendered(&["run", "broken"]);
    has(&page, &["evening peak (partial)", "Not asked for the same", "PARTIAL"]);
}

#[test]
fn a_comparison_says_who_is_better_and_how_sure_that_is() {
    let page = rendered(&["compare"]);
    has(&page, &MACHINE);
    has(&page, &["ringway against other-server", "which is better", "no clear difference", "0.54 to 0.58"]);
    has(&page, &["other-server, round 3", "keeps no history", "protocol centrifugo"]);
}

#[test]
fn a_search_says_which_rate_held_and_what_limited_it() {
    let page = rendered(&["saturate"]);
    has(&page, &MACHINE);
    has(&page, &["12,000/s was the highest rate that held 99 % of latencies within 5.00 ms."]);
    has(&page, &["Limited by the server", "Latency over rate", "p99 was 52.0 ms", "bound: 5.00 ms"]);
}

#[test]
fn documents_of_different_kinds_are_not_shown_together() {
    let refused = |names: [&str; 2]| page(&names.map(source), None).unwrap_err();
    assert!(refused(["run", "saturate"]).contains("run.json is a run and saturate.json a search"));
    assert!(refused(["run", "compare"]).contains("compare.json: a comparison has a report of its own"));
    rendered(&["saturate", "saturate"]);
}

#[test]
fn nothing_that_a_file_says_becomes_markup() {
    for name in ["run", "broken", "compare", "saturate"] {
        let mut value: Value = serde_json::from_slice(&fs::read(fixture(name)).unwrap()).unwrap();
        poison(&mut value);
        let hostile = || Source {
            file: HOSTILE.to_owned(),
            document: Document::parse(value.to_string().as_bytes()).expect("still a document"),
        };
        let pages = [page_of(&[hostile()], HOSTILE), page(&[hostile()], None).unwrap()];
        for page in &pages {
            check(page);
            assert!(page.contains("&lt;script&gt;alert(1)"), "{name} shows the text as text");
        }
        if name == "run" {
            check(&page_of(&[hostile(), hostile()], HOSTILE));
        }
    }
}

/// Every string and every name of a row becomes hostile.
fn poison(value: &mut Value) {
    match value {
        Value::String(text) if !matches!(text.as_str(), "a" | "b") => *text = HOSTILE.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(poison),
        Value::Object(members) => {
            members.values_mut().for_each(poison);
            if members.contains_key("scenario") {
                members.insert(HOSTILE.to_owned(), HOSTILE.into());
            }
            if let Some(Value::Object(histograms)) = members.get_mut("histograms") {
                let latency = histograms["latency"].clone();
                histograms.insert(HOSTILE.to_owned(), latency);
            }
        }
        _ => {}
    }
}

#[test]
fn a_day_of_seconds_gives_a_page_of_bounded_size() {
    let mut value: Value = serde_json::from_slice(&fs::read(fixture("run")).unwrap()).unwrap();
    let second = value["series"][10].clone();
    let seconds = (0..100_000).map(|t| {
        let mut second = second.clone();
        second["t"] = t.into();
        second["p99_us"] = (1_000 + t % 977).into();
        second
    });
    value["series"] = seconds.collect();
    let document = Document::parse(value.to_string().as_bytes()).unwrap();
    let page = page_of(&[Source { file: "day.json".to_owned(), document }], "Day");
    assert!(page.len() < 500_000, "{} bytes", page.len());
    check(&page);
}

#[test]
fn absurd_numbers_are_drawn_at_the_edge() {
    for absurd in ["1e308", "-1e308", "1e-320", "0", "-0.0"] {
        let json = format!(
            r#"{{"schema": 1, "p50_us": {absurd}, "p99_us": {absurd}, "rate": {absurd}, "server_rss_kib": {absurd},
                "duration_s": {absurd}, "lost": {absurd}, "series": [
                {{"t": {absurd}, "sent": {absurd}, "received": 1, "p50_us": {absurd}, "server_rss_kib": {absurd}}},
                {{"t": 5, "sent": 3, "p50_us": 7, "server_cpu": {absurd}}}],
                "histograms": {{"latency": [[0, 1], [18446744073709551615, 3]]}}}}"#
        );
        let document = Document::parse(json.as_bytes()).unwrap();
        check(&page_of(&[Source { file: "absurd.json".to_owned(), document }], "Absurd"));
    }
}

#[test]
fn a_file_that_says_nothing_gives_a_page_that_says_so() {
    let empty = |json: &str| {
        let document = Document::parse(json.as_bytes()).unwrap();
        let page = page_of(&[Source { file: "empty.json".to_owned(), document }], "Empty");
        check(&page);
        page
    };
    has(
        &empty(r#"{"schema": 1}"#),
        &["NOT KNOWN TO BE WHOLE", "does not say what ran where", "is not known"],
    );
    has(&empty(r#"{"schema": 1, "saturate": {}}"#), &["No rate held an unknown bound"]);
    has(&empty(r#"{"schema": 1, "compare": {}}"#), &["Empty", "unknown"]);
}

fn page_of(sources: &[Source], title: &str) -> String {
    page(sources, Some(title)).expect("a page")
}

/// A folder for one test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ringway-load-report-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn report(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringway-load"));
        command.current_dir(&self.0).arg("report").args(arguments).output().expect("it runs")
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.report(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let names =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_command_writes_what_is_asked_for_and_nothing_else() {
    let folder = Folder::new("writes");
    let run = fixture("run");
    let run = run.to_str().unwrap();
    assert!(folder.report(&[run]).status.success());
    assert_eq!(folder.names(), ["report.html"]);
    assert!(folder.report(&[run, "--hgrm", "run.hgrm"]).status.success());
    assert_eq!(folder.names(), ["report.html", "run.hgrm"]);
    let hgrm = fs::read_to_string(folder.0.join("run.hgrm")).unwrap();
    has(
        &hgrm,
        &["Value     Percentile TotalCount 1/(1-Percentile)", "#[Mean ", "Total count    =        20000]"],
    );
    let output = folder.report(&[run, "--html", "-", "--title", "Mine"]);
    check(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(folder.names(), ["report.html", "run.hgrm"]);
}

#[test]
fn a_file_that_the_report_is_made_from_is_not_overwritten() {
    let folder = Folder::new("overwrites");
    fs::copy(fixture("run"), folder.0.join("run.json")).unwrap();
    std::os::unix::fs::symlink("run.json", folder.0.join("link.html")).unwrap();
    for output in ["run.json", "./run.json", "link.html"] {
        assert!(folder.refused(&["run.json", "--html", output]).contains("would overwrite"));
    }
    assert!(folder.refused(&["run.json", "--html", "x", "--hgrm", "x"]).contains("the same place"));
    assert!(Document::parse(&fs::read(folder.0.join("run.json")).unwrap()).is_ok());
    assert_eq!(folder.names(), ["link.html", "run.json"]);
}

#[test]
fn a_fault_names_the_file_and_the_place() {
    let folder = Folder::new("faults");
    fs::write(folder.0.join("garbage.json"), "{\"schema\": 1,\n\"p50_us\": 3,,}").unwrap();
    fs::write(folder.0.join("newer.json"), "{\"schema\": 2}").unwrap();
    let told = folder.refused(&["garbage.json"]);
    assert!(told.contains("garbage.json") && told.contains("line 2 column 13"), "{told}");
    assert!(folder.refused(&["newer.json"]).contains("newer.json: it follows schema 2"));
    assert!(folder.refused(&["none.json"]).contains("none.json: can't be read"));
    let run = fixture("run");
    let run = run.to_str().unwrap();
    assert!(folder.refused(&[run, run, "--hgrm", "x"]).contains("--hgrm is for one run"));
    let told = folder.refused(&[run, "--html", "/dev/full"]);
    assert!(told.contains("/dev/full: can't be written: No space left"), "{told}");
    let told = folder.refused(&[run, "--html", "none/report.html"]);
    assert!(told.contains("none/report.html"), "{told}");
    assert!(folder.refused(&[run; 51]).contains("51 files are too many"));
    assert_eq!(folder.names(), ["garbage.json", "newer.json"]);
}
