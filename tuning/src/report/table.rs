//! Findings as a table for people.

use super::wrap::wrap;
use crate::{Finding, Standing};

const BETWEEN: usize = 2;
/// Wider rows are harder to read than wrapped ones.
const WIDTH_MAX: usize = 140;

/// One row for each finding, those first that matter most: setting, how much it matters, now, wanted; under what is off or unknown, why and what a
/// change does. No line is wider than `width`, from 40 on.
#[must_use]
pub fn table(findings: &[Finding], width: usize) -> String {
    let width = width.clamp(40, WIDTH_MAX);
    let longest = |of: fn(&Finding) -> &str, head: &str| {
        let cells = findings.iter().map(|finding| of(finding).chars().count());
        cells.max().unwrap_or(0).max(head.len())
    };
    let name = longest(|finding| finding.name, "setting").min(width / 3);
    let standing = longest(|finding| finding.standing.name(), "matters");
    let rest = width - name - standing - 3 * BETWEEN;
    let now = longest(|finding| &finding.now, "now");
    let wanted = longest(|finding| &finding.wanted, "wanted");
    // Each of the two has what it needs, or its half and what the other leaves.
    let now = now.min((rest / 2).max(rest.saturating_sub(wanted)));
    let widths = [name, standing, now, rest - now];

    let mut text = String::new();
    row(&mut text, ["setting", "matters", "now", "wanted"], widths);
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.standing);
    for finding in sorted {
        row(&mut text, [finding.name, finding.standing.name(), &finding.now, &finding.wanted], widths);
        let told = match finding.standing {
            Standing::Good => continue,
            Standing::Unknown => finding.why.to_owned(),
            Standing::Advice | Standing::Important => {
                format!("{} Effect: {}.", finding.why, finding.effect)
            }
        };
        for line in wrap(&told, width - 4) {
            text.push_str("    ");
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

fn row(text: &mut String, cells: [&str; 4], widths: [usize; 4]) {
    let cells: [Vec<String>; 4] = std::array::from_fn(|column| wrap(cells[column], widths[column]));
    for number in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let part = cell.get(number).map_or("", String::as_str);
            line.push_str(part);
            line.extend(std::iter::repeat_n(' ', width - part.chars().count() + BETWEEN));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Remedy;

    fn finding(name: &'static str, standing: Standing) -> Finding {
        Finding {
            name,
            now: "128".into(),
            wanted: "≥ 4096".into(),
            why: "Because.",
            effect: "better",
            standing,
            remedy: Remedy::default(),
        }
    }

    #[test]
    fn what_matters_most_comes_first_and_says_why() {
        let findings = [finding("one", Standing::Good), finding("somaxconn", Standing::Important)];
        assert_eq!(
            table(&findings, 80),
            "setting    matters    now  wanted\n\
             somaxconn  important  128  ≥ 4096\n    Because. Effect: better.\n\
             one        good       128  ≥ 4096\n"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut long = finding("ip_local_port_range", Standing::Advice);
        long.now = "a long text about what is there, which fits no column".into();
        long.wanted = "another, and aword/that/is/a/path/of/more/than/its/column/in/itself".into();
        for width in 40..160 {
            let text = table(std::slice::from_ref(&long), width);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
        }
    }
}
