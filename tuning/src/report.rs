//! Findings as a table for people.

use crate::Finding;

/// One row for each finding, in columns as wide as they need: what, how it stands, now, wanted, why.
#[must_use]
pub fn table(findings: &[Finding]) -> String {
    let mut rows = vec![["setting", "", "now", "wanted", "why"].map(str::to_owned)];
    rows.extend(findings.iter().map(|finding| {
        [
            finding.name.to_owned(),
            finding.standing.name().to_owned(),
            finding.now.clone(),
            finding.wanted.clone(),
            finding.why.to_owned(),
        ]
    }));
    let widths: [usize; 5] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Standing;

    #[test]
    fn columns_are_aligned_and_lines_do_not_end_in_blanks() {
        let finding = Finding {
            name: "somaxconn",
            now: "128".into(),
            wanted: "≥ 4096".into(),
            why: "Because.",
            standing: Standing::Important,
        };
        assert_eq!(
            table(&[finding]),
            "setting               now  wanted  why\nsomaxconn  IMPORTANT  128  ≥ 4096  Because.\n"
        );
    }
}
