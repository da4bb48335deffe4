//! What takes several runs: the highest rate that keeps a bound, and two servers side by side. Process view.

mod compare;
mod saturate;

pub use compare::compare;
pub use saturate::saturate;

use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::args::StudyArgs;
use crate::report::output;

/// Prints the table and writes the documents that are wanted.
fn publish(table: &str, document: &Value, args: &StudyArgs) -> Result<(), String> {
    // Who closed the other end wants no table.
    let _ = if args.json.as_deref() == Some(Path::new("-")) {
        io::stderr().write_all(table.as_bytes())
    } else {
        io::stdout().write_all(table.as_bytes())
    };
    if let Some(path) = &args.json {
        output::write(path, &output::pretty(document)).map_err(|fault| format!("--json: {fault}"))?;
    }
    Ok(())
}

/// A run's document, with members of its place in the study.
fn of_run(mut document: Value, more: Value) -> Value {
    if let (Value::Object(run), Value::Object(more)) = (&mut document, more) {
        run.extend(more);
    }
    document
}

fn rounded(number: f64) -> Value {
    json!((number * 1e3).round() / 1e3)
}
