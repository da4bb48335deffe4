//! `ringway-tune`: shows how this host is set up for Ringway and why that matters, changes it, and undoes that.
//!
//! Exit codes: 0 done, 1 something important is off or something could not be done, 2 the arguments make no sense.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
