//! The pictures of runs. Each takes as many runs as there are: one gives a line for each quantity, several a line for
//! each run.

use super::axis::Axis;
use super::number::{self, Unit};
use super::plot::{Line, Plot, ends, heights};
use super::thin::Point;
use crate::report::record::{Bins, Record, Second};

/// Steps at which the curve of a histogram is drawn.
const QUANTILE_STEPS: u32 = 300;
/// Shorter runs say nothing of a slope.
const SLOPE_SECONDS_MIN: f64 = 60.0;
/// Two quantities share a picture while neither is smaller than the other by this.
const SAME_SCALE_RATIO: f64 = 5.0;

/// A run with its name and its style in every picture.
#[derive(Clone, Debug)]
pub(super) struct Shown<'a> {
    /// In legends and heads; empty keeps it out of legends.
    pub(super) name: String,
    pub(super) style: usize,
    pub(super) faint: bool,
    pub(super) record: &'a Record,
}

/// A quantity of a second, with its name.
type Quantity = (&'static str, fn(&Second) -> Option<f64>);

/// All pictures of one run.
pub(super) fn of_one(record: &Record) -> Vec<Plot> {
    let mut plots = Vec::new();
    let main =
        record.latency().map(|bins| curve("latency", 0, bins)).or_else(|| from_rows("latency", 0, record));
    plots.extend(percentiles("Latency by percentile", main.into_iter().collect(), quantile_note(record)));
    let latency: [Quantity; 3] =
        [("p50", |second| second.p50_us), ("p99", |second| second.p99_us), ("max", |second| second.max_us)];
    plots.extend(over_time(record, "Latency over time", Unit::Micros, &latency));
    plots.extend(rates(record));
    let cpu: [Quantity; 2] =
        [("server", |second| second.server_cpu), ("load generator", |second| second.client_cpu)];
    plots.extend(over_time(record, "CPU over time", Unit::Cores, &cpu));
    let memory = over_time(
        record,
        "Server memory over time",
        Unit::Kib,
        &[("resident", |second| second.server_rss_kib)],
    );
    plots.extend(memory.map(|plot| Plot { note: slope_note(record), ..plot }));
    let faults: [Quantity; 2] =
        [("broken promises", |second| second.violations), ("errors", |second| second.errors)];
    if record
        .series
        .iter()
        .any(|second| second.violations.unwrap_or(0.0) + second.errors.unwrap_or(0.0) > 0.0)
    {
        plots.extend(over_time(record, "Broken promises and errors in each second", Unit::Count, &faults));
    }
    let others = record.histograms.iter().filter(|(name, bins)| *name != "latency" && bins.count() > 0);
    let others = others.enumerate().map(|(style, (name, bins))| curve(other_name(name), style + 1, bins));
    plots.extend(percentiles("Other times by percentile", others.collect(), String::new()));
    plots
}

fn other_name(name: &str) -> &str {
    match name {
        "send_lag" => "the client's own lag in sending",
        "handshake" => "from the first packet to the end of the upgrade",
        "caught_up" => "from a lost connection to the last missed message",
        other => other,
    }
}

/// The pictures that lay several runs over each other.
pub(super) fn of_several(runs: &[Shown<'_>]) -> Vec<Plot> {
    let lines = runs.iter().filter_map(|run| {
        let line = run.record.latency().map(|bins| curve(&run.name, run.style, bins));
        let line = line.or_else(|| from_rows(&run.name, run.style, run.record))?;
        Some(Line { faint: run.faint, ..line })
    });
    let mut plots: Vec<Plot> =
        percentiles("Latency by percentile", lines.collect(), String::new()).into_iter().collect();
    let quantities: [(Unit, Quantity); 6] = [
        (Unit::Micros, ("Median latency over time", |second| second.p50_us)),
        (Unit::Micros, ("99th percentile of latency over time", |second| second.p99_us)),
        (Unit::PerSecond, ("Received per second", |second| second.received)),
        (Unit::PerSecond, ("Sent per second", |second| second.sent)),
        (Unit::Cores, ("Server CPU over time", |second| second.server_cpu)),
        (Unit::Kib, ("Server memory over time", |second| second.server_rss_kib)),
    ];
    let span = span(runs.iter().map(|run| run.record));
    for (unit, (title, quantity)) in quantities {
        let lines = runs.iter().map(|run| Line {
            faint: run.faint,
            ..Line::new(run.name.clone(), run.style, series(run.record, quantity))
        });
        plots.extend(timed(title, unit, span, lines.collect()));
    }
    plots
}

/// Curves of histograms; nothing without any.
pub(super) fn percentiles(title: &str, lines: Vec<Line>, note: String) -> Option<Plot> {
    let (_, nines, _) = ends(&lines)?;
    Some(Plot {
        title: title.to_owned(),
        note,
        x: Axis::nines(nines),
        x_label: "share of measurements at or below",
        y: Axis::latency(heights(&lines)),
        unit: Unit::Micros,
        lines,
        rules: Vec::new(),
        marks: Vec::new(),
        shaded_until: None,
        x_shown: |nines| {
            let digits = (nines.floor() - 1.0).clamp(0.0, 7.0) as usize;
            format!("{:.digits$} %", 100.0 * (1.0 - 10_f64.powf(-nines)))
        },
    })
}

/// A histogram as a line over the number of nines, up to where one measurement is left.
pub(super) fn curve(name: &str, style: usize, bins: &Bins) -> Line {
    let nines = (bins.count() as f64).log10().clamp(1.0, 9.0);
    let points = (0..=QUANTILE_STEPS).map(|step| {
        let at = nines * f64::from(step) / f64::from(QUANTILE_STEPS);
        let quantile = if step == QUANTILE_STEPS { 1.0 } else { 1.0 - 10_f64.powf(-at) };
        Some((at, bins.at_quantile(quantile) as f64 / 1e3))
    });
    Line::new(name, style, points.collect())
}

/// What a run's memory grew by, in KiB a minute, by least squares over the measured seconds.
pub(super) fn memory_slope(record: &Record) -> Option<f64> {
    let measured = record.series.iter().filter(|second| second.t >= 0.0);
    let points: Vec<(f64, f64)> =
        measured.filter_map(|second| Some((second.t, second.server_rss_kib?))).collect();
    let (first, last) = (points.first()?, points.last()?);
    if last.0 - first.0 < SLOPE_SECONDS_MIN {
        return None;
    }
    let count = points.len() as f64;
    let (mean_t, mean_rss) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    let (mean_t, mean_rss) = (mean_t / count, mean_rss / count);
    let (over, under) = points.iter().fold((0.0, 0.0), |sum, (t, rss)| {
        (sum.0 + (t - mean_t) * (rss - mean_rss), sum.1 + (t - mean_t).powi(2))
    });
    let slope = over / under * 60.0;
    slope.is_finite().then_some(slope)
}

fn slope_note(record: &Record) -> String {
    memory_slope(record).map_or_else(String::new, |slope| {
        let way = if slope < 0.0 { "falls" } else { "grows" };
        format!(
            "Over the measured time it {way} by {} KiB a minute (least squares).",
            number::digits(slope.abs())
        )
    })
}

/// Sent and received: in one picture when of the same size, else each in its own.
fn rates(record: &Record) -> Vec<Plot> {
    let received: Quantity = ("received", |second| second.received);
    let sent: Quantity = ("sent", |second| second.sent);
    let top = |quantity: Quantity| record.series.iter().filter_map(quantity.1).fold(0.0, f64::max);
    let (most, least) = (top(received).max(top(sent)), top(received).min(top(sent)));
    if least > 0.0 && most / least > SAME_SCALE_RATIO {
        let plots = [("Received per second", received), ("Sent per second", sent)];
        return plots
            .into_iter()
            .filter_map(|(title, one)| over_time(record, title, Unit::PerSecond, &[one]))
            .collect();
    }
    over_time(record, "Rate over time", Unit::PerSecond, &[received, sent]).into_iter().collect()
}

fn over_time(record: &Record, title: &str, unit: Unit, quantities: &[Quantity]) -> Option<Plot> {
    let lines = quantities.iter().enumerate();
    let lines = lines.map(|(style, (name, quantity))| Line::new(*name, style, series(record, *quantity)));
    timed(title, unit, span(std::iter::once(record)), lines.collect())
}

fn series(record: &Record, quantity: fn(&Second) -> Option<f64>) -> Vec<Point> {
    record.series.iter().map(|second| quantity(second).map(|value| (second.t, value))).collect()
}

/// When the first second begins and the last one ends: the same for all pictures, so that they can be read together.
fn span<'a>(records: impl Iterator<Item = &'a Record>) -> (f64, f64) {
    let ends =
        records.filter_map(|record| Some((record.series.first()?.t.floor(), record.series.last()?.t + 1.0)));
    ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).unwrap_or_default()
}

fn timed(title: &str, unit: Unit, (low, high): (f64, f64), mut lines: Vec<Line>) -> Option<Plot> {
    lines.retain(|line| line.points.iter().any(Option::is_some));
    let (_, _, top) = ends(&lines)?;
    let y = if unit == Unit::Micros { Axis::latency(heights(&lines)) } else { Axis::from_zero(top, unit) };
    Some(Plot {
        title: title.to_owned(),
        note: String::new(),
        x: Axis::time(low, high),
        x_label: "since measuring began",
        y,
        unit,
        lines,
        rules: Vec::new(),
        marks: Vec::new(),
        shaded_until: (low < 0.0).then_some(0.0),
        x_shown: |t| format!("second {}", number::plain(t)),
    })
}

fn from_rows(name: &str, style: usize, record: &Record) -> Option<Line> {
    let rows = [("p50_us", 0.5), ("p90_us", 0.9), ("p99_us", 0.99), ("p999_us", 0.999)];
    let known = rows
        .into_iter()
        .filter_map(|(row, quantile): (_, f64)| Some(Some((-(1.0 - quantile).log10(), record.number(row)?))));
    let points: Vec<Point> = known.collect();
    (points.len() > 1).then(|| Line::new(name, style, points))
}

fn quantile_note(record: &Record) -> String {
    match record.latency() {
        Some(bins) => format!("{} measurements.", number::plain(bins.count() as f64)),
        None => "Drawn from the rows of the table: the file has no histogram.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_memory(seconds: u32, rss: fn(f64) -> f64) -> Record {
        let second =
            |t: u32| Second { t: f64::from(t), server_rss_kib: Some(rss(f64::from(t))), ..Second::default() };
        Record { series: (0..seconds).map(second).collect(), ..Record::default() }
    }

    #[test]
    fn memory_that_grows_has_a_slope_once_the_run_is_long_enough() {
        let slope = memory_slope(&with_memory(120, |t| 10_000.0 + t * 2.0)).unwrap();
        assert!((slope - 120.0).abs() < 1e-6, "{slope}");
        assert_eq!(memory_slope(&with_memory(30, |t| t)), None);
    }

    #[test]
    fn a_curve_ends_at_the_largest_value() {
        let bins = Bins::try_from(vec![(1_000, 999), (9_000, 1)]).unwrap();
        let line = curve("latency", 0, &bins);
        assert_eq!(line.points.first().unwrap().unwrap(), (0.0, 1.0));
        let last = line.points.last().unwrap().unwrap();
        assert!((last.0 - 3.0).abs() < 1e-9 && last.1 == 9.0);
    }

    #[test]
    fn pictures_without_data_are_left_out() {
        assert!(of_one(&Record::default()).is_empty());
    }

    #[test]
    fn rates_of_other_sizes_are_drawn_apart() {
        let second = Second { sent: Some(20.0), received: Some(20_000.0), ..Second::default() };
        let apart = Record { series: vec![second.clone()], ..Record::default() };
        let together =
            Record { series: vec![Second { received: Some(20.0), ..second }], ..Record::default() };
        assert_eq!((rates(&apart).len(), rates(&together).len()), (2, 1));
    }
}
