//! Starts this program under callgrind for one case and reads the count.

use std::io;
use std::process::Command;

/// Callgrind collects between entry and exit of this function, found by its name.
#[inline(never)]
pub(super) fn counted_by_callgrind(call: &mut dyn FnMut()) {
    call();
}

/// Instructions of one operation of a case.
pub(super) fn count(case: &str) -> io::Result<f64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=*counted_by_callgrind*",
        ])
        .arg(std::env::current_exe()?)
        .args(["micro-case", case])
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("valgrind: {error}")))?;
    let (said, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let operations = said.trim().parse::<u64>().ok().filter(|operations| *operations > 0);
    let instructions =
        log.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<u64>().ok());
    match (operations, instructions.filter(|instructions| *instructions > 0)) {
        (Some(operations), Some(instructions)) if output.status.success() => {
            Ok(instructions as f64 / operations as f64)
        }
        _ => Err(io::Error::other(format!("case {case} under callgrind: {}\n{said}\n{log}", output.status))),
    }
}
