//! What was found and planned, for people and for programs.

mod json;
mod plan;
mod table;
mod wrap;

pub use json::{VERSION, findings_as_json, plan_as_json};
pub use plan::plan_as_text;
pub use table::table;
