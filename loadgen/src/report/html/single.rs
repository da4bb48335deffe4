//! The page of one run.

use super::figures::{self, Shown};
use super::markup::Markup;
use super::sections;
use super::words;
use crate::report::record::Record;

/// Its title.
pub(super) fn title(record: &Record) -> String {
    words::name(record)
}

/// Writes it.
pub(super) fn write(page: &mut Markup, record: &Record, title: &str) {
    page.within("header", &[], |page| {
        page.element("p", &[("class", "kind")], "Load on a server, with every promise checked");
        page.element("h1", &[], title);
        if let Some(about) = record.run.as_ref().and_then(|run| run.about.as_deref()) {
            page.element("p", &[("class", "about")], about);
        }
        let asked = words::asked(record);
        let scenario = if record.scenario.is_empty() { "unknown" } else { &record.scenario };
        page.within("p", &[("class", "asked")], |page| {
            page.text("Scenario ");
            page.element("b", &[], scenario);
            if !asked.is_empty() {
                page.text(": ");
                page.text(&asked);
            }
            page.text(".");
        });
        sections::verdict(page, record);
    });
    sections::tiles(page, record);
    sections::pictures(page, &figures::of_one(record));
    sections::promises(page, record);
    sections::origin(page, record);
    let shown = Shown { name: words::name(record), style: 0, faint: false, record };
    sections::rows(page, &[shown]);
}
