//! The page of a comparison: who is better in what, by how much, and how sure that is.

use super::figures::{self, Shown};
use super::markup::Markup;
use super::number::{self, Unit};
use super::overlay::ratio;
use super::plot::sample;
use super::sections;
use super::words::{self, Outcome};
use crate::report::record::{Comparison, Ratio, Record, Row, RunInfo};

/// Ratios beyond this, and below its inverse, are drawn at the edge.
const DRAWN_RATIO_MAX: f64 = 4.0;
/// Names of sides at most this long stand in sentences.
const NAME_MAX: usize = 40;

/// Its title.
pub(super) fn title(comparison: &Comparison) -> String {
    let [a, b] = names(comparison);
    format!("{a} against {b}")
}

/// Writes it.
pub(super) fn write(page: &mut Markup, comparison: &Comparison, title: &str) {
    let [a, b] = names(comparison);
    page.within("header", &[], |page| {
        page.element("p", &[("class", "kind")], "Two servers under the same load, in turns");
        page.element("h1", &[], title);
        let asked = comparison.runs.first().map(words::asked).unwrap_or_default();
        let rounds = comparison
            .rounds
            .unwrap_or_else(|| comparison.rows.iter().map(|row| row.a.len()).max().unwrap_or(0) as u64);
        let scenario = comparison.scenario.as_deref().unwrap_or("unknown");
        page.within("p", &[("class", "asked")], |page| {
            page.text("Scenario ");
            page.element("b", &[], scenario);
            page.text(&format!(
                ", {rounds} {} of each, one after the other",
                if rounds == 1 { "round" } else { "rounds" }
            ));
            page.text(&if asked.is_empty() { ".".to_owned() } else { format!(": {asked}.") });
        });
        for run in &comparison.runs {
            if let Some(because) = words::partial(run) {
                let word = if run.complete() == Some(false) { "PARTIAL" } else { "NOT KNOWN TO BE WHOLE" };
                sections::banner(page, word, &format!("{}: {because}", turn(comparison, run)));
            }
        }
        verdict(page, comparison);
        sections::mind(page, &comparison.warnings);
    });
    if !comparison.rows.is_empty() {
        ratios(page, comparison, [&a, &b]);
    }
    sections::pictures(page, &figures::of_several(&shown(comparison)));
    runs(page, comparison);
    for (side, info) in [(&a, &comparison.a), (&b, &comparison.b)] {
        origin(page, side, info, comparison);
    }
}

fn names(comparison: &Comparison) -> [String; 2] {
    let name = |info: &RunInfo, side: &str| {
        info.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(side).chars().take(NAME_MAX).collect()
    };
    let [a, b]: [String; 2] = [name(&comparison.a, "a"), name(&comparison.b, "b")];
    if a == b { [format!("{a} (a)"), format!("{b} (b)")] } else { [a, b] }
}

fn turn(comparison: &Comparison, run: &Record) -> String {
    let [a, b] = names(comparison);
    let side = match run.side.as_deref() {
        Some("a") => &a,
        Some("b") => &b,
        _ => "a run of no side",
    };
    run.round.map_or_else(|| side.to_owned(), |round| format!("{side}, round {round}"))
}

fn verdict(page: &mut Markup, comparison: &Comparison) {
    let broken = comparison
        .runs
        .iter()
        .filter(|run| matches!(Outcome::of(run), Outcome::Broken | Outcome::Failed))
        .count();
    if broken > 0 || !comparison.failures.is_empty() {
        let text = match broken {
            0 => "Failed: what went wrong is below.".to_owned(),
            1 => "In 1 run a promise was broken or the load failed: see below.".to_owned(),
            _ => format!("In {broken} runs a promise was broken or the load failed: see below."),
        };
        page.element("p", &[("class", "verdict bad")], &text);
        sections::list(page, "evidence", &comparison.failures);
    } else {
        page.element("p", &[("class", "verdict good")], "Every run ended without a broken promise.");
    }
}

fn ratios(page: &mut Markup, comparison: &Comparison, [a, b]: [&str; 2]) {
    page.within("section", &[], |page| {
        page.element("h2", &[], &format!("{a} over {b}"));
        let how = "The ratio is taken round by round: its median, and its range over the rounds. Where the range holds 1, there is no clear difference.";
        page.element("p", &[("class", "asked")], how);
        page.within("div", &[("class", "wide")], |page| {
            page.within("table", &[], |page| {
                page.within("thead", &[], |page| {
                    page.within("tr", &[], |page| {
                        page.element("th", &[("scope", "col")], "");
                        for (style, name) in [a, b].into_iter().enumerate() {
                            page.within("th", &[("scope", "col"), ("class", "number")], |page| {
                                sample(page, style);
                                page.text(name);
                            });
                        }
                        page.element("th", &[("scope", "col"), ("class", "number")], "ratio");
                        page.within("th", &[("scope", "col"), ("class", "ratio")], scale);
                        page.element("th", &[("scope", "col")], "in words");
                    });
                });
                page.within("tbody", &[], |page| {
                    for row in &comparison.rows {
                        write_row(page, row, [a, b]);
                    }
                });
            });
        });
    });
}

fn write_row(page: &mut Markup, row: &Row, names: [&str; 2]) {
    let ratio_of = row.ratio.filter(|found| found.median.is_some()).or_else(|| by_round(row));
    page.within("tr", &[], |page| {
        page.element("th", &[("scope", "row")], words::label(&row.name).unwrap_or(&row.name));
        for side in [&row.a, &row.b] {
            page.within("td", &[("class", "number")], |page| {
                let mut known: Vec<f64> = side.iter().copied().flatten().collect();
                known.sort_by(f64::total_cmp);
                let unit = Unit::of(&row.name);
                let (Some(least), Some(largest)) = (known.first(), known.last()) else {
                    page.text("–");
                    return;
                };
                page.text(&unit.show(median(&known)));
                let (least, largest) = (unit.show(*least), unit.show(*largest));
                if least != largest {
                    page.element("small", &[], &format!("{least} to {largest}"));
                }
            });
        }
        page.within("td", &[("class", "number")], |page| {
            let Some(Ratio { median: Some(median), min, max }) = ratio_of else {
                page.text("–");
                return;
            };
            page.text(&ratio(median));
            if let (Some(min), Some(max)) = (min, max) {
                page.element("small", &[], &format!("{min:.2} to {max:.2}"));
            }
        });
        page.within("td", &[("class", "ratio")], |page| {
            if let Some(found) = ratio_of {
                whisker(page, found);
            }
        });
        let (class, words) = ratio_of.map_or(("", String::new()), |found| in_words(row, found, names));
        page.element("td", &[("class", class)], &words);
    });
}

/// Whether one is better, and by how much.
fn in_words(row: &Row, found: Ratio, [a, b]: [&str; 2]) -> (&'static str, String) {
    let Some(median) = found.median else { return ("", String::new()) };
    let (min, max) = (found.min.unwrap_or(median), found.max.unwrap_or(median));
    if min <= 1.0 && max >= 1.0 {
        return ("", "no clear difference".to_owned());
    }
    let by = if median > 2.0 {
        format!("{} times as much", number::digits(median))
    } else {
        let percent = (median - 1.0).abs() * 100.0;
        format!("{} % {}", number::digits(percent), if median < 1.0 { "less" } else { "more" })
    };
    let better = match row.better.as_deref() {
        Some("less") => Some(median < 1.0),
        Some("more") => Some(median > 1.0),
        _ => None,
    };
    match better {
        Some(true) => ("good", format!("{a}: {by}, which is better")),
        Some(false) => ("bad", format!("{a}: {by}; {b} is better")),
        None => ("", format!("{a}: {by}")),
    }
}

/// The head of the column of whiskers.
fn scale(page: &mut Markup) {
    let svg = [("viewBox", "0 0 170 18"), ("role", "img"), ("aria-label", "from a quarter to four times")];
    page.within("svg", &svg, |page| {
        for (anchor, x, text) in [("start", "2", "¼"), ("middle", "85", "1"), ("end", "168", "4")] {
            page.element("text", &[("text-anchor", anchor), ("x", x), ("y", "14")], text);
        }
    });
}

/// The range of a ratio by powers around 1.
fn whisker(page: &mut Markup, found: Ratio) {
    let Some(median) = found.median else { return };
    let place = |ratio: f64| {
        let by_powers = ratio.clamp(1.0 / DRAWN_RATIO_MAX, DRAWN_RATIO_MAX).ln() / DRAWN_RATIO_MAX.ln();
        85.0 + 80.0 * by_powers
    };
    let (min, max) = (place(found.min.unwrap_or(median)), place(found.max.unwrap_or(median)));
    page.within("svg", &[("viewBox", "0 0 170 18"), ("aria-hidden", "true")], |page| {
        page.empty("path", &[("class", "frame"), ("d", "M5 9H165")]);
        page.empty("path", &[("class", "frame"), ("d", "M85 2V16")]);
        page.empty(
            "path",
            &[("class", "line c0"), ("d", &format!("M{min:.1} 9H{max:.1}M{min:.1} 5V13M{max:.1} 5V13"))],
        );
        page.empty("path", &[("class", "mark c0 dot"), ("d", &format!("M{:.1} 9h0.1", place(median)))]);
    });
}

fn by_round(row: &Row) -> Option<Ratio> {
    let pairs = row.a.iter().zip(&row.b);
    let mut ratios: Vec<f64> = pairs
        .filter_map(|(a, b)| Some((*a)? / (*b).filter(|b| *b > 0.0)?))
        .filter(|ratio| ratio.is_finite())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let (min, max) = (ratios.first().copied()?, ratios.last().copied()?);
    Some(Ratio { median: Some(median(&ratios)), min: Some(min), max: Some(max) })
}

/// Of values that rise; there is one at least.
fn median(rising: &[f64]) -> f64 {
    let middle = rising.len() / 2;
    if rising.len() % 2 == 1 { rising[middle] } else { f64::midpoint(rising[middle - 1], rising[middle]) }
}

/// The rounds of each side, faint, and over them the side's first whole one with its name.
fn shown(comparison: &Comparison) -> Vec<Shown<'_>> {
    let names = names(comparison);
    let mut shown = Vec::new();
    for (style, (side, name)) in ["a", "b"].into_iter().zip(names).enumerate() {
        let rounds = comparison.runs.iter().filter(|run| run.side.as_deref() == Some(side)).take(25);
        for (index, record) in rounds.enumerate() {
            let name = if index == 0 { name.clone() } else { String::new() };
            shown.push(Shown { name, style, faint: index > 0, record });
        }
    }
    shown
}

fn runs(page: &mut Markup, comparison: &Comparison) {
    if comparison.runs.is_empty() {
        return;
    }
    page.within("section", &[], |page| {
        page.element("h2", &[], "Runs");
        page.within("div", &[("class", "wide")], |page| {
            page.within("table", &[], |page| {
                page.within("thead", &[], |page| {
                    page.within("tr", &[], |page| {
                        for head in ["turn", "promises", "p50", "p99", "deliveries", "what limited it"] {
                            page.element("th", &[("scope", "col")], head);
                        }
                    });
                });
                page.within("tbody", &[], |page| {
                    for run in &comparison.runs {
                        let outcome = Outcome::of(run);
                        let cell = |name| {
                            run.number(name)
                                .map_or_else(|| "–".to_owned(), |value| Unit::of(name).show(value))
                        };
                        page.within("tr", &[], |page| {
                            page.element("th", &[("scope", "row")], &turn(comparison, run));
                            page.element(
                                "td",
                                &[("class", outcome.class().trim_start_matches("verdict "))],
                                outcome.word(),
                            );
                            for name in ["p50_us", "p99_us", "deliveries_per_s"] {
                                page.element("td", &[], &cell(name));
                            }
                            page.element("td", &[], run.text("limited_by").unwrap_or("unknown"));
                        });
                    }
                });
            });
        });
        for run in &comparison.runs {
            if !run.failures.is_empty() {
                page.element("h3", &[], &format!("Failures and evidence of {}", turn(comparison, run)));
                sections::list(page, "evidence", &run.failures);
            }
            let said = |text: &String| format!("{}: {text}", turn(comparison, run));
            let warnings: Vec<String> =
                run.warnings.iter().filter(|text| !comparison.warnings.contains(text)).map(said).collect();
            sections::mind(page, &warnings);
        }
    });
}

/// What the comparison says of a side, and of its first run where it says nothing.
fn origin(page: &mut Markup, name: &str, info: &RunInfo, comparison: &Comparison) {
    let side = if std::ptr::eq(info, &comparison.a) { "a" } else { "b" };
    let run =
        comparison.runs.iter().find(|run| run.side.as_deref() == Some(side)).and_then(|run| run.run.as_ref());
    page.within("section", &[], |page| {
        page.element("h2", &[], &format!("Machine and versions: {name}"));
        let own = sections::facts(info);
        let of_run = sections::facts(run.unwrap_or(info));
        page.within("dl", &[], |page| {
            for ((term, said), (_, by_run)) in own.into_iter().zip(of_run) {
                page.element("dt", &[], term);
                page.element("dd", &[], if said == sections::UNKNOWN { &by_run } else { &said });
            }
        });
        if let Some(command) = info.command.as_ref().or_else(|| run?.command.as_ref()) {
            page.element("h3", &[], "To repeat it");
            page.element("pre", &[], &words::command(command));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(better: &str, a: &[f64], b: &[f64]) -> Row {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect();
        Row {
            name: "p50_us".to_owned(),
            better: Some(better.to_owned()),
            a: some(a),
            b: some(b),
            ..Row::default()
        }
    }

    #[test]
    fn a_range_that_holds_one_is_no_difference() {
        let row = row("less", &[9.0, 11.0], &[10.0, 10.0]);
        let (class, words) = in_words(&row, by_round(&row).unwrap(), ["x", "y"]);
        assert_eq!((class, words.as_str()), ("", "no clear difference"));
    }

    #[test]
    fn what_is_better_depends_on_the_row() {
        let of = |better| {
            let row = row(better, &[8.0, 9.0, 8.5], &[10.0, 10.0, 10.0]);
            in_words(&row, by_round(&row).unwrap(), ["x", "y"])
        };
        assert_eq!(of("less"), ("good", "x: 15.0 % less, which is better".to_owned()));
        assert_eq!(of("more"), ("bad", "x: 15.0 % less; y is better".to_owned()));
        assert_eq!(of("?").0, "");
    }

    #[test]
    fn rounds_without_a_value_are_left_out_of_the_ratio() {
        let mut row = row("less", &[1.0, 2.0], &[0.0, 4.0]);
        row.a.push(None);
        row.b.push(Some(1.0));
        assert_eq!(by_round(&row).unwrap(), Ratio { median: Some(0.5), min: Some(0.5), max: Some(0.5) });
    }
}
