//! A picture of lines over two axes, drawn as SVG so that it needs no script.
//!
//! Lines differ by colour and by pattern. What the pointer shows is written into the picture as titles of invisible
//! columns: browsers show them by themselves, the page's script only faster.

use std::fmt::Write as _;

use super::axis::Axis;
use super::markup::Markup;
use super::number::Unit;
use super::thin::{Point, thinned};

/// The picture's own units; style and margins are made for a width of 340 to 600 pixels.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 278.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 466.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 236.0;
/// Columns of a line, and of what the pointer shows.
const COLUMNS: usize = 400;
const HINT_COLUMNS: usize = 100;
/// Lines that a hint names.
const HINT_LINES_MAX: usize = 10;
/// Colours and patterns of the style sheet: without a common divisor, so that each of 56 lines has its own pair.
const COLOURS: usize = 7;
const PATTERNS: usize = 8;

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// What it shows; empty for one that the legend leaves out.
    pub(super) name: String,
    /// Which colour and pattern.
    pub(super) style: usize,
    /// In order of x.
    pub(super) points: Vec<Point>,
    /// Drawn faint, behind the others.
    pub(super) faint: bool,
}

impl Line {
    /// A line as usual.
    pub(super) fn new(name: impl Into<String>, style: usize, points: Vec<Point>) -> Self {
        Self { name: name.into(), style, points: thinned(points, COLUMNS), faint: false }
    }

    fn values(&self) -> impl Iterator<Item = (f64, f64)> + Clone {
        self.points.iter().copied().flatten()
    }

    fn class(&self) -> String {
        let faint = if self.faint { " faint" } else { "" };
        format!("line {}{faint}", pair(self.style))
    }

    /// The point nearest to x, if there is one within this distance.
    fn near(&self, x: f64, within: f64) -> Option<(f64, f64)> {
        let distance = |point: &(f64, f64)| (point.0 - x).abs();
        let nearest = self.values().min_by(|one, other| distance(one).total_cmp(&distance(other)))?;
        (distance(&nearest) <= within).then_some(nearest)
    }
}

/// A straight line across, with a word on it.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// At this height.
    Across(f64, String),
    /// At this place along.
    Upright(f64, String),
}

/// A sign at a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) x: f64,
    pub(super) y: f64,
    /// A dot, or else a cross.
    pub(super) good: bool,
}

/// A picture.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) title: String,
    /// Below it; empty for none.
    pub(super) note: String,
    pub(super) x: Axis,
    pub(super) x_label: &'static str,
    pub(super) y: Axis,
    pub(super) unit: Unit,
    pub(super) lines: Vec<Line>,
    pub(super) rules: Vec<Rule>,
    pub(super) marks: Vec<Mark>,
    /// What lies before this is shaded: the warm-up.
    pub(super) shaded_until: Option<f64>,
    /// How the pointer's place is written.
    pub(super) x_shown: fn(f64) -> String,
}

impl Plot {
    /// Writes the figure.
    pub(super) fn draw(&self, page: &mut Markup) {
        page.within("figure", &[], |page| {
            page.element("h3", &[], &self.title);
            let size = format!("0 0 {WIDTH} {HEIGHT}");
            let svg = [
                ("viewBox", size.as_str()),
                ("role", "img"),
                ("aria-label", self.title.as_str()),
                ("class", "plot"),
            ];
            page.within("svg", &svg, |page| {
                self.axes(page);
                let (behind, before): (Vec<_>, Vec<_>) = self.lines.iter().partition(|line| line.faint);
                for line in behind.into_iter().chain(before) {
                    self.line(page, line);
                }
                self.signs(page);
                self.hints(page);
            });
            self.legend(page);
            if !self.note.is_empty() {
                page.element("figcaption", &[], &self.note);
            }
        });
    }

    fn left(&self, x: f64) -> f64 {
        LEFT + self.x.place(x) * (RIGHT - LEFT)
    }

    fn top(&self, y: f64) -> f64 {
        BOTTOM - self.y.place(y) * (BOTTOM - TOP)
    }

    fn axes(&self, page: &mut Markup) {
        if let Some(until) = self.shaded_until {
            rectangle(page, "shade", (LEFT, TOP), (self.left(until) - LEFT, BOTTOM - TOP));
        }
        for (tick, label) in &self.y.ticks {
            let y = self.top(*tick);
            stroke(page, "grid", (LEFT, y), (RIGHT, y));
            words(page, "end", (LEFT - 7.0, y + 4.0), label);
        }
        for (tick, label) in &self.x.ticks {
            let x = self.left(*tick);
            stroke(page, "grid", (x, TOP), (x, BOTTOM));
            // A label at the edge stays within it.
            let anchor = if x > RIGHT - 12.0 { "end" } else { "middle" };
            words(page, anchor, (x, BOTTOM + 17.0), label);
        }
        stroke(page, "frame", (LEFT, BOTTOM), (RIGHT, BOTTOM));
        words(page, "end", (RIGHT, HEIGHT - 4.0), self.x_label);
    }

    fn line(&self, page: &mut Markup, line: &Line) {
        let mut path = String::new();
        let mut drawn = false;
        for (index, point) in line.points.iter().enumerate() {
            let Some((x, y)) = point else {
                drawn = false;
                continue;
            };
            let _ = write!(path, "{}{:.1} {:.1}", if drawn { 'L' } else { 'M' }, self.left(*x), self.top(*y));
            let alone = !drawn && line.points.get(index + 1).copied().flatten().is_none();
            if alone {
                // A round cap makes a dot of it.
                path.push_str("h0.1");
            }
            drawn = true;
        }
        if !path.is_empty() {
            page.empty("path", &[("class", &line.class()), ("d", &path)]);
        }
    }

    fn signs(&self, page: &mut Markup) {
        for rule in &self.rules {
            match rule {
                Rule::Across(at, word) => {
                    let y = self.top(*at);
                    stroke(page, "rule", (LEFT, y), (RIGHT, y));
                    words(page, "start", (LEFT + 5.0, if y < TOP + 16.0 { y + 14.0 } else { y - 5.0 }), word);
                }
                Rule::Upright(at, word) => {
                    let x = self.left(*at);
                    stroke(page, "rule", (x, TOP), (x, BOTTOM));
                    let right = x > (LEFT + RIGHT) / 2.0;
                    words(
                        page,
                        if right { "end" } else { "start" },
                        (if right { x - 5.0 } else { x + 5.0 }, BOTTOM - 7.0),
                        word,
                    );
                }
            }
        }
        for mark in &self.marks {
            let (x, y) = (self.left(mark.x), self.top(mark.y));
            let (class, path) = if mark.good {
                ("mark good", format!("M{x:.1} {y:.1}h0.1"))
            } else {
                ("mark bad", format!("M{:.1} {:.1}l8 8m0-8l-8 8", x - 4.0, y - 4.0))
            };
            page.empty("path", &[("class", class), ("d", &path)]);
        }
    }

    fn hints(&self, page: &mut Markup) {
        let width = (RIGHT - LEFT) / HINT_COLUMNS as f64;
        let [top, height, wide] = [TOP, BOTTOM - TOP, width].map(|number| format!("{number:.1}"));
        for column in 0..HINT_COLUMNS {
            let along = (column as f64 + 0.5) / HINT_COLUMNS as f64;
            if let Some(hint) = self.hint(self.x.value(along)) {
                let x = format!("{:.1}", LEFT + column as f64 * width);
                let place = [
                    ("class", "hint"),
                    ("x", x.as_str()),
                    ("y", &top),
                    ("width", &wide),
                    ("height", &height),
                ];
                page.within("rect", &place, |page| page.element("title", &[], &hint));
            }
        }
    }

    /// What is shown where the pointer is here: of each line the nearest point.
    fn hint(&self, at: f64) -> Option<String> {
        let named = || self.lines.iter().filter(|line| !line.name.is_empty());
        // Short runs have fewer seconds than columns: the nearest one is meant.
        let reach = ((self.x.value(1.0) - self.x.value(0.0)) / HINT_COLUMNS as f64).max(0.51);
        let (at, _) = named().find_map(|line| line.near(at, reach))?;
        let mut shown = (self.x_shown)(at);
        let values = named().filter_map(|line| Some((&line.name, line.near(at, reach)?.1)));
        for (index, (name, value)) in values.take(HINT_LINES_MAX + 1).enumerate() {
            if index == HINT_LINES_MAX {
                shown.push_str("\n…");
            } else {
                let _ = write!(shown, "\n{name}: {}", self.unit.show(value));
            }
        }
        Some(shown)
    }

    fn legend(&self, page: &mut Markup) {
        let named: Vec<_> = self.lines.iter().filter(|line| !line.name.is_empty()).collect();
        if named.is_empty() {
            return;
        }
        page.within("ul", &[("class", "legend")], |page| {
            for line in named {
                page.within("li", &[], |page| {
                    sample(page, line.style);
                    page.text(&line.name);
                });
            }
            if self.shaded_until.is_some() {
                page.within("li", &[], |page| {
                    page.element("span", &[("class", "warmup")], "");
                    page.text("warm-up");
                });
            }
        });
    }
}

/// A short piece of a line, as it is drawn.
pub(super) fn sample(page: &mut Markup, style: usize) {
    page.within("svg", &[("viewBox", "0 0 34 10"), ("class", "sample"), ("aria-hidden", "true")], |page| {
        page.empty("path", &[("class", &format!("line {}", pair(style))), ("d", "M2 5H32")]);
    });
}

fn pair(style: usize) -> String {
    format!("c{} d{}", style % COLOURS, style % PATTERNS)
}

fn rectangle(page: &mut Markup, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
    let [x, y, width, height] = [x, y, width, height].map(|number| format!("{number:.1}"));
    page.empty("rect", &[("class", class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)]);
}

fn stroke(page: &mut Markup, class: &str, from: (f64, f64), to: (f64, f64)) {
    let path = format!("M{:.1} {:.1}L{:.1} {:.1}", from.0, from.1, to.0, to.1);
    page.empty("path", &[("class", class), ("d", &path)]);
}

fn words(page: &mut Markup, anchor: &str, (x, y): (f64, f64), text: &str) {
    let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
    page.element("text", &[("text-anchor", anchor), ("x", &x), ("y", &y)], text);
}

/// The ends of what all lines show along the axis: least x, largest x, largest y.
pub(super) fn ends(lines: &[Line]) -> Option<(f64, f64, f64)> {
    lines.iter().flat_map(Line::values).fold(None, |ends, (x, y)| {
        let (low, high, top) = ends.unwrap_or((x, x, 0.0));
        Some((low.min(x), high.max(x), f64::max(top, y)))
    })
}

/// All heights.
pub(super) fn heights(lines: &[Line]) -> impl Iterator<Item = f64> + Clone {
    lines.iter().flat_map(Line::values).map(|point| point.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<Point>) -> String {
        let plot = Plot {
            title: "<title>".to_owned(),
            note: String::new(),
            x: Axis::time(0.0, 10.0),
            x_label: "",
            y: Axis::from_zero(9.0, Unit::Count),
            unit: Unit::Count,
            lines: vec![Line::new("line", 0, points)],
            rules: vec![Rule::Across(5.0, "half".to_owned())],
            marks: vec![],
            shaded_until: None,
            x_shown: |x| format!("{x} s"),
        };
        let mut page = Markup::default();
        plot.draw(&mut page);
        page.finish()
    }

    #[test]
    fn corners_lie_at_the_ends_of_the_axes() {
        let svg = plot(vec![Some((0.0, 0.0)), Some((10.0, 10.0))]);
        assert!(svg.contains("d=\"M66.0 236.0L466.0 12.0\""), "{svg}");
        assert!(svg.contains("&lt;title&gt;"));
    }

    #[test]
    fn a_break_splits_the_line_and_a_lone_point_is_a_dot() {
        let svg = plot(vec![Some((0.0, 0.0)), None, Some((5.0, 5.0)), Some((10.0, 0.0))]);
        assert!(svg.contains("d=\"M66.0 236.0h0.1M266.0 124.0L466.0 236.0\""), "{svg}");
    }

    #[test]
    fn the_pointer_shows_the_nearest_point_and_its_place() {
        let svg = plot(vec![Some((0.0, 0.0)), Some((1.0, 3.0)), Some((2.0, 5.0))]);
        assert!(svg.contains("<title>1 s\nline: 3</title>"), "{svg}");
        assert!(!svg.contains("<title>5 s"), "nothing where there is nothing near");
    }

    #[test]
    fn what_lies_outside_is_drawn_at_the_edge() {
        let svg = plot(vec![Some((-5.0, -5.0)), Some((50.0, f64::MAX))]);
        assert!(svg.contains("d=\"M66.0 236.0L466.0 12.0\""), "{svg}");
    }

    #[test]
    fn fifty_lines_look_different() {
        let pairs: std::collections::BTreeSet<_> = (0..50).map(pair).collect();
        assert_eq!(pairs.len(), 50);
    }
}
