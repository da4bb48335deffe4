//! Reports as one HTML file that needs nothing else: style, script and pictures are in it, and it asks no network for
//! anything. It is whole without its script.
//!
//! What a file says is text and nothing more: all of it goes through `Markup`, which escapes it. What is drawn is
//! bounded by what the eye can tell apart, not by the length of the run.

mod axis;
mod compare;
mod figures;
mod markup;
mod number;
mod overlay;
mod plot;
mod saturate;
mod sections;
mod single;
mod thin;
mod words;

use markup::Markup;

use super::record::{Comparison, Document, Record, SCHEMA, Saturation};

/// Nothing may be fetched, whatever a file says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A document and the name of the file that it comes from.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it is shown.
    pub file: String,
    /// What it says.
    pub document: Document,
}

/// What a page can show.
enum Shape<'a> {
    Run(&'a Record),
    Runs(Vec<(&'a str, &'a Record)>),
    Comparison(&'a Comparison),
    Saturations(Vec<(&'a str, &'a Saturation)>),
}

/// The page of one document, or of several of a kind laid over each other.
///
/// # Errors
/// When there is none, or when they can't be shown together.
pub fn page(sources: &[Source], title: Option<&str>) -> Result<String, String> {
    let shape = shape(sources)?;
    let found = match &shape {
        Shape::Run(record) => single::title(record),
        Shape::Runs(runs) => overlay::title(runs),
        Shape::Comparison(comparison) => compare::title(comparison),
        Shape::Saturations(found) => saturate::title(found),
    };
    let title = title.unwrap_or(&found);
    // Also where a browser's tab shows it, and whatever title was asked for.
    let title = &if is_partial(sources) { format!("PARTIAL: {title}") } else { title.to_owned() };
    let mut page = Markup::default();
    page.own("<!DOCTYPE html>\n");
    page.within("html", &[("lang", "en")], |page| {
        page.within("head", &[], |page| {
            page.empty("meta", &[("charset", "utf-8")]);
            page.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
            page.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            page.element("title", &[], title);
            page.within("style", &[], |page| page.own(include_str!("style.css")));
        });
        page.within("body", &[], |page| {
            page.within("main", &[], |page| {
                match &shape {
                    Shape::Run(record) => single::write(page, record, title),
                    Shape::Runs(runs) => overlay::write(page, runs, title),
                    Shape::Comparison(comparison) => compare::write(page, comparison, title),
                    Shape::Saturations(found) => saturate::write(page, found, title),
                }
                footer(page, sources);
            });
            page.within("script", &[], |page| page.own(include_str!("script.js")));
        });
    });
    Ok(page.finish())
}

fn shape(sources: &[Source]) -> Result<Shape<'_>, String> {
    let (mut runs, mut saturations) = (Vec::new(), Vec::new());
    for source in sources {
        match &source.document {
            Document::Run(record) => runs.push((source.file.as_str(), &**record)),
            Document::Saturation(found) => saturations.push((source.file.as_str(), &**found)),
            Document::Comparison(comparison) if sources.len() == 1 => {
                return Ok(Shape::Comparison(comparison));
            }
            Document::Comparison(_) => {
                return Err(format!(
                    "{}: a comparison has a report of its own: name no other file",
                    source.file
                ));
            }
        }
    }
    match (runs.as_slice(), saturations.as_slice()) {
        ([], []) => Err("no file".to_owned()),
        ([(_, run)], []) => Ok(Shape::Run(run)),
        (_, []) => Ok(Shape::Runs(runs)),
        ([], _) => Ok(Shape::Saturations(saturations)),
        ([(run, _), ..], [(search, _), ..]) => {
            Err(format!("{run} is a run and {search} a search for the highest rate: name files of one kind"))
        }
    }
}

fn is_partial(sources: &[Source]) -> bool {
    let partial = |run: &Record| run.complete() == Some(false);
    sources.iter().any(|source| match &source.document {
        Document::Run(record) => partial(record),
        Document::Comparison(comparison) => comparison.runs.iter().any(partial),
        Document::Saturation(found) => found.runs.iter().any(partial),
    })
}

fn footer(page: &mut Markup, sources: &[Source]) {
    page.within("footer", &[], |page| {
        let files: Vec<&str> = sources.iter().map(|source| source.file.as_str()).collect();
        page.text(&format!(
            "Made by ringway-load {} from {} (schema {SCHEMA}). Latency counts from the moment at which a publication was meant to be sent. This file needs no network.",
            env!("CARGO_PKG_VERSION"),
            files.join(", "),
        ));
    });
}
