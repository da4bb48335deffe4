//! The page of a search for the highest rate: latency over rate, where the bound broke, and why.

use std::cmp::Ordering;

use super::axis::Axis;
use super::figures::{self, Shown};
use super::markup::Markup;
use super::number::{self, Unit};
use super::plot::{Line, Mark, Plot, Rule, ends, heights};
use super::sections;
use super::words::{self, Outcome};
use crate::report::record::{Bound, Saturation, Step};

/// Runs whose curves are laid over each other.
const CURVES_MAX: usize = 8;
/// Rates further apart than this are drawn by decades.
const LINEAR_RATIO_MAX: f64 = 20.0;

type Found<'a> = (&'a str, &'a Saturation);

/// Its title.
pub(super) fn title(found: &[Found<'_>]) -> String {
    let scenario = found[0].1.scenario.as_deref().unwrap_or("load");
    let searches = if found.len() > 1 { format!(", {} searches", found.len()) } else { String::new() };
    format!("How much {scenario} holds{searches}")
}

/// Writes it.
pub(super) fn write(page: &mut Markup, found: &[Found<'_>], title: &str) {
    page.within("header", &[], |page| {
        page.element("p", &[("class", "kind")], "Rising load on a server, until a bound no longer holds");
        page.element("h1", &[], title);
        if let Some(asked) = found[0].1.runs.first().map(words::asked).filter(|asked| !asked.is_empty()) {
            page.element("p", &[("class", "asked")], &format!("The first step: {asked}."));
        }
        for (file, search) in found {
            headline(page, file, search, found.len() > 1);
        }
    });
    sections::pictures(page, &curves(found));
    for (file, search) in found {
        page.within("section", &[], |page| {
            let of = if found.len() > 1 { format!("Steps of {file}") } else { "Steps".to_owned() };
            page.element("h2", &[], &of);
            steps(page, search);
        });
        evidence(page, search);
        if let Some(run) = search.runs.first() {
            sections::origin(page, run);
        }
    }
}

fn headline(page: &mut Markup, file: &str, search: &Saturation, several: bool) {
    for (at, run) in search.runs.iter().enumerate() {
        if let Some(because) = words::partial(run) {
            let word = if run.complete() == Some(false) { "PARTIAL" } else { "NOT KNOWN TO BE WHOLE" };
            sections::banner(page, word, &format!("{}: {because}", rate_of(search, at)));
        }
    }
    let bound = search.bound.map_or_else(|| "an unknown bound".to_owned(), bound);
    let of = if several { format!("{file}: ") } else { String::new() };
    let text = match search.best {
        Some(best) => format!("{of}{} was the highest rate that held {bound}.", Unit::PerSecond.show(best)),
        None => format!("{of}No rate held {bound}."),
    };
    page.element(
        "p",
        &[("class", if search.best.is_some() { "verdict good" } else { "verdict bad" })],
        &text,
    );
    let limit = match search.limited_by.as_deref() {
        Some("never") => {
            "The bound never broke: the limit lies above the highest rate that was tried.".to_owned()
        }
        Some("server") => "Limited by the server: above that rate it could not keep up.".to_owned(),
        Some("client") => "Limited by the load generator: the server's own limit may lie higher.".to_owned(),
        other => words::limit(other),
    };
    page.element("p", &[("class", "limit")], &limit);
    let broken = search.runs.iter().filter(|run| Outcome::of(run) == Outcome::Broken).count();
    if broken > 0 {
        let steps = if broken == 1 { "1 step" } else { &format!("{broken} steps") };
        page.element(
            "p",
            &[("class", "verdict bad")],
            &format!("In {steps} promises were broken: see below."),
        );
    }
    sections::mind(page, &search.warnings);
    sections::list(page, "evidence", &search.failures);
}

fn bound(bound: Bound) -> String {
    let percent = number::trimmed(&format!("{:.4}", bound.quantile * 100.0));
    format!("{percent} % of latencies within {}", Unit::Micros.show(bound.us))
}

/// Steps in order of rate, whatever order they were tried in.
fn by_rate(search: &Saturation) -> Vec<&Step> {
    let mut steps: Vec<&Step> = search.steps.iter().collect();
    steps.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    steps
}

fn curves(found: &[Found<'_>]) -> Vec<Plot> {
    let mut plots: Vec<Plot> = over_rate(found).into_iter().collect();
    plots.extend(cpu_over_rate(found));
    if let [(_, search)] = found {
        let mut order: Vec<usize> = (0..search.runs.len()).collect();
        order.sort_by(|one, other| {
            rate(search, *one).partial_cmp(&rate(search, *other)).unwrap_or(Ordering::Equal)
        });
        let every = order.len().div_ceil(CURVES_MAX).max(1);
        let runs = order.into_iter().step_by(every).enumerate();
        let runs: Vec<Shown<'_>> = runs
            .map(|(style, at)| Shown {
                name: rate_of(search, at),
                style,
                faint: false,
                record: &search.runs[at],
            })
            .collect();
        plots.extend(figures::of_several(&runs));
    }
    plots
}

/// What the runs say of the CPU at each rate: a server that is the limit uses all of what it has.
fn cpu_over_rate(found: &[Found<'_>]) -> Option<Plot> {
    let mut lines = Vec::new();
    for (index, (file, search)) in found.iter().enumerate() {
        for (style, row, name) in
            [(index * 2, "server_cpu", "server"), (index * 2 + 1, "client_cpu", "load generator")]
        {
            let runs = search.runs.iter().enumerate();
            let mut points: Vec<(f64, f64)> =
                runs.filter_map(|(at, run)| Some((rate(search, at)?, run.number(row)?))).collect();
            points.sort_by(|one, other| one.0.total_cmp(&other.0));
            let name = if found.len() > 1 { format!("{name}, {file}") } else { name.to_owned() };
            lines.push(Line::new(name, style, points.into_iter().map(Some).collect()));
        }
    }
    lines.retain(|line| !line.points.is_empty());
    let (least, most, largest) = ends(&lines)?;
    Some(Plot {
        title: "CPU over rate".to_owned(),
        note: String::new(),
        x: rate_axis(least, most),
        x_label: "offered per second",
        y: Axis::from_zero(largest, Unit::Cores),
        unit: Unit::Cores,
        lines,
        rules: Vec::new(),
        marks: Vec::new(),
        shaded_until: None,
        x_shown: |rate| Unit::PerSecond.show(rate.round()),
    })
}

fn rate_axis(least: f64, most: f64) -> Axis {
    if least > 0.0 && most / least > LINEAR_RATIO_MAX {
        Axis::decades(least, most, Unit::Count)
    } else {
        Axis::from_zero(most, Unit::Count)
    }
}

fn over_rate(found: &[Found<'_>]) -> Option<Plot> {
    let mut lines = Vec::new();
    let mut marks = Vec::new();
    for (index, (file, search)) in found.iter().enumerate() {
        let steps = by_rate(search);
        let name = |quantile: &str| {
            if found.len() > 1 { format!("{quantile}, {file}") } else { quantile.to_owned() }
        };
        let line = |style, quantile, of: fn(&Step) -> Option<f64>| {
            let points = steps.iter().filter_map(|step| Some(Some((step.rate, of(step)?)))).collect();
            Line::new(name(quantile), style, points)
        };
        lines.push(line(index * 2, "p50", |step| step.p50_us));
        lines.push(line(index * 2 + 1, "p99", |step| step.p99_us));
        let marked =
            steps.iter().filter_map(|step| Some(Mark { x: step.rate, y: step.p99_us?, good: step.held }));
        marks.extend(marked);
    }
    lines.retain(|line| !line.points.is_empty());
    let (least, most, _) = ends(&lines)?;
    let bound = found[0].1.bound.filter(|bound| found.iter().all(|found| found.1.bound == Some(*bound)));
    let mut rules: Vec<Rule> = bound
        .map(|it| Rule::Across(it.us, format!("bound: {}", Unit::Micros.show(it.us))))
        .into_iter()
        .collect();
    if let ([_], Some(best)) = (found, found[0].1.best) {
        rules.push(Rule::Upright(best, format!("{} held", Unit::PerSecond.show(best))));
    }
    Some(Plot {
        title: "Latency over rate".to_owned(),
        note: "A dot is a rate that held the bound, a cross one that did not.".to_owned(),
        x: rate_axis(least, most),
        x_label: "offered per second",
        y: Axis::latency(heights(&lines).chain(bound.map(|bound| bound.us)).collect::<Vec<_>>().into_iter()),
        unit: Unit::Micros,
        lines,
        rules,
        marks,
        shaded_until: None,
        x_shown: |rate| Unit::PerSecond.show(rate.round()),
    })
}

fn steps(page: &mut Markup, search: &Saturation) {
    page.within("div", &[("class", "wide")], |page| {
        page.within("table", &[], |page| {
            sections::head(page, &["rate", "p50", "p99", "bound", "why"]);
            page.within("tbody", &[], |page| {
                for step in &search.steps {
                    let shown = |value: Option<f64>| {
                        value.map_or_else(|| "–".to_owned(), |value| Unit::Micros.show(value))
                    };
                    let (class, word) =
                        if step.held { ("number good", "held") } else { ("number bad", "broke") };
                    page.within("tr", &[], |page| {
                        page.element("th", &[("scope", "row")], &Unit::PerSecond.show(step.rate));
                        page.element("td", &[("class", "number")], &shown(step.p50_us));
                        page.element("td", &[("class", "number")], &shown(step.p99_us));
                        page.element("td", &[("class", class)], word);
                        page.element("td", &[], step.why.as_deref().unwrap_or(""));
                    });
                }
            });
        });
    });
}

fn evidence(page: &mut Markup, search: &Saturation) {
    for (at, run) in search.runs.iter().enumerate().filter(|(_, run)| !run.failures.is_empty()) {
        page.within("section", &[], |page| {
            page.element("h3", &[], &format!("Failures and evidence at {}", rate_of(search, at)));
            sections::list(page, "evidence", &run.failures);
        });
    }
}

/// The rate of a run: its step's where each step has its run, else what the run itself says.
fn rate(search: &Saturation, at: usize) -> Option<f64> {
    if search.runs.len() == search.steps.len() {
        search.steps.get(at).map(|step| step.rate)
    } else {
        search.runs.get(at)?.number("rate")
    }
}

fn rate_of(search: &Saturation, at: usize) -> String {
    rate(search, at).map_or_else(|| format!("run {}", at + 1), |rate| Unit::PerSecond.show(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_said_in_words() {
        assert_eq!(bound(Bound { quantile: 0.999, us: 5_000.0 }), "99.9 % of latencies within 5.00 ms");
    }

    #[test]
    fn steps_are_drawn_in_order_of_rate() {
        let step = |rate| Step { rate, p99_us: Some(rate), ..Step::default() };
        let search = Saturation { steps: vec![step(10.0), step(40.0), step(20.0)], ..Saturation::default() };
        let plot = over_rate(&[("file", &search)]).unwrap();
        let rates: Vec<f64> = plot.lines[0].points.iter().flatten().map(|point| point.0).collect();
        assert_eq!(rates, [10.0, 20.0, 40.0]);
    }
}
