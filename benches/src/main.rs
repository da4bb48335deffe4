//! `ringway-bench`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match ringway_benches::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringway-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
