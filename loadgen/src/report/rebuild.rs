//! `report`: makes reports anew from the JSON that runs wrote. Process view.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::html::{self, Source};
use super::record::{BYTES_MAX, Document, ReadFault};
use super::{hgrm, whole};

/// Files of one report.
const FILES_MAX: usize = 50;
/// Where the page goes when nobody says.
const HTML: &str = "report.html";

/// `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// What `--json` wrote: one run, several to lay over each other, a comparison, or searches for the highest rate.
    #[arg(required = true, value_name = "FILE", num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// Where the page goes, one HTML file that needs no network; `-` is standard output. Without this and without
    /// --hgrm: report.html.
    #[arg(long, value_name = "OUT")]
    pub html: Option<PathBuf>,
    /// Where the latencies of one run go as HdrHistogram's percentile distribution, in µs; `-` is standard output.
    #[arg(long, value_name = "OUT")]
    pub hgrm: Option<PathBuf>,
    /// What stands over the page; by default the run's name.
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
}

impl ReportArgs {
    fn html(&self) -> Option<&Path> {
        self.html.as_deref().or_else(|| self.hgrm.is_none().then_some(Path::new(HTML)))
    }
}

/// Why there is no report.
#[derive(Debug)]
pub enum ReportFault {
    /// A file can't be used.
    Read(PathBuf, ReadFault),
    /// What was asked for can't be made.
    Asked(String),
    /// A report can't be written.
    Write(PathBuf, io::Error),
}

impl fmt::Display for ReportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, fault) => write!(f, "{}: {fault}", path.display()),
            Self::Asked(text) => f.write_str(text),
            Self::Write(path, fault) if path == Path::new("-") => write!(f, "standard output: {fault}"),
            Self::Write(path, fault) => {
                write!(f, "{}: can't be written: {fault} (what was read is untouched)", path.display())
            }
        }
    }
}

/// Reads the files and writes what was asked for. Nothing is written before everything was read.
///
/// # Errors
/// When a file can't be read or written, or the files don't go together.
pub fn rebuild(args: &ReportArgs) -> Result<(), ReportFault> {
    check(args)?;
    let mut bytes_left = BYTES_MAX;
    let read = |path: &PathBuf| match Document::read(path, &mut bytes_left) {
        Ok(document) => Ok(Source { file: path.display().to_string(), document }),
        Err(fault) => Err(ReportFault::Read(path.clone(), fault)),
    };
    let sources = args.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let hgrm = args.hgrm.as_ref().map(|path| Ok((path.as_path(), distribution(&sources)?))).transpose()?;
    let html = match args.html() {
        Some(path) => Some((path, html::page(&sources, args.title.as_deref()).map_err(ReportFault::Asked)?)),
        None => None,
    };
    for (path, content) in hgrm.into_iter().chain(html) {
        whole::write(path, content.as_bytes()).map_err(|fault| ReportFault::Write(path.to_owned(), fault))?;
        if path != Path::new("-") {
            eprintln!("wrote {}", path.display());
        }
    }
    Ok(())
}

fn check(args: &ReportArgs) -> Result<(), ReportFault> {
    let refuse = |text: String| Err(ReportFault::Asked(text));
    if args.files.len() > FILES_MAX {
        return refuse(format!(
            "{} files are too many to tell apart: name {FILES_MAX} at most",
            args.files.len()
        ));
    }
    let outputs: Vec<&Path> = args.html().into_iter().chain(args.hgrm.as_deref()).collect();
    if let [one, other] = outputs[..]
        && same(one, other)
    {
        return refuse(format!("{}: --html and --hgrm can't go to the same place", one.display()));
    }
    let overwritten = outputs.into_iter().find(|output| args.files.iter().any(|input| same(input, output)));
    overwritten.map_or(Ok(()), |output| {
        refuse(format!(
            "{}: this would overwrite what the report is made from: name another file",
            output.display()
        ))
    })
}

/// Whether both name one place, through links as well.
fn same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    one == other || id(one).is_some_and(|one| id(other) == Some(one))
}

fn distribution(sources: &[Source]) -> Result<String, ReportFault> {
    let [Source { file, document: Document::Run(record) }] = sources else {
        return Err(ReportFault::Asked("--hgrm is for one run: name the file of one".to_owned()));
    };
    let bins = record.latency();
    let bins = bins.ok_or_else(|| ReportFault::Asked(format!("{file}: it has no latencies for --hgrm")))?;
    Ok(hgrm::distribution(bins))
}
