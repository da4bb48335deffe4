//! What takes several runs: the highest rate that keeps a bound, and two servers side by side. Process view.

mod compare;
mod saturate;

pub use compare::compare;
pub use saturate::saturate;

use serde_json::{Value, json};

use crate::args::StudyArgs;
use crate::report::Output;

impl StudyArgs {
    fn output(&self) -> Output<'_> {
        Output { json: self.json.as_deref(), html: self.html.as_deref(), hgrm: None }
    }
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
