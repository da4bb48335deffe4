//! How many open files the whole host and any one process may have, whatever their limits say.

use super::{Look, Tunable, at_least};
use crate::host::sysctl_path;
use crate::remedy::Remedy;
use crate::{Host, Standing};

const WANTED: u64 = 1_048_576;
const NEEDED: u64 = 262_144;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "file_max",
    why: "No limit of a process reaches over fs.nr_open, and all processes share fs.file-max.",
    effect: "as many clients as memory allows",
    explanation: "\
fs.nr_open is the largest RLIMIT_NOFILE that anybody may be given (1,048,576 by default): systemd can't set more, and a service that asks for
more does not start. fs.file-max bounds the open files of the whole host; the kernel computes it from memory, so that it is small only where
somebody set it.

To change it: sysctl -w fs.nr_open=1048576 fs.file-max=1048576, and a file in /etc/sysctl.d to keep it.",
    source: "Linux: Documentation/admin-guide/sysctl/fs.rst",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let names = ["fs.nr_open", "fs.file-max"];
    let texts = [host.sysctl(names[0])?, host.sysctl(names[1])?];
    let numbers = [texts[0].parse::<u64>().ok()?, texts[1].parse().ok()?];
    let look = at_least(numbers[0].min(numbers[1]), WANTED, NEEDED);
    // The kernel's own number for a small host is no mistake of anybody.
    let standing = match look.standing {
        Standing::Advice if numbers[0] >= WANTED => Standing::Good,
        standing => standing,
    };
    let now = format!("{} a process, {} in all", numbers[0], for_people(numbers[1]));
    let wanted = format!("at least {WANTED} a process");
    Some(Look { now, wanted, standing, ..look }.mended_by(|| {
        let writes = (0..2).filter(|at| numbers[*at] < WANTED);
        let writes = writes.flat_map(|at| Remedy::write(sysctl_path(names[at]), &texts[at], WANTED).writes);
        Remedy { writes: writes.collect(), ..Remedy::NONE }
    }))
}

/// The host's bound is often the largest number that there is.
fn for_people(files: u64) -> String {
    if files > u64::from(u32::MAX) { "no bound".into() } else { files.to_string() }
}
