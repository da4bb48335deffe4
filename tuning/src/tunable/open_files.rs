//! How many files, and so connections, the process may have open.

use super::{Look, RESTART, Tunable, at_least};
use crate::Host;
use crate::host::hard_limit;
use crate::remedy::{Kept, Line, Remedy};

const WANTED: u64 = 262_144;
const NEEDED: u64 = 8_192;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "open_files",
    why: "Each connection is one open file; at the limit new clients are not accepted.",
    effect: "as many clients as memory allows",
    explanation: "\
Every connection holds one file descriptor. The process raises its soft limit to the hard one by itself, so the hard limit (RLIMIT_NOFILE) is
what counts: about one for each client at peak, and some dozens for the router itself. A resume storm may briefly hold old and new
connections of the same clients. Where a unit ringway.service is installed its LimitNOFILE is looked at, and not the shell's limit; --pid
looks at a running process.

To change it: LimitNOFILE=262144 in the systemd unit (a drop-in is written with --persist), --ulimit nofile=262144 for a container, or
/etc/security/limits.d for a login.",
    source: "getrlimit(2), systemd.exec(5)",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let look = if host.looks_at_unit() {
        let text = host.unit_setting("LimitNOFILE");
        // systemd's own default, where nobody set another one, is 1024:524288.
        let hard = if text.is_empty() { Some(524_288) } else { hard_limit(&text)? };
        compared(hard, " in ringway.service", "")
    } else {
        let limit = host.limit("Max open files")?;
        let soft = limit.soft.map_or("unlimited".into(), |soft| soft.to_string());
        compared(limit.hard, " hard", &format!(", {soft} soft"))
    };
    Some(look.mended_by(|| {
        let (key, file, by_hand) = if host.has_unit() {
            ("LimitNOFILE=", Kept::Unit, RESTART.to_owned())
        } else {
            let both =
                format!("for this shell: ulimit -n {WANTED}; for a container: --ulimit nofile={WANTED}");
            ("ringway - nofile ", Kept::Limits, both)
        };
        let line = Line { file, key: key.into(), text: format!("{key}{WANTED}") };
        Remedy { lines: vec![line], by_hand: vec![by_hand], ..Remedy::NONE }
    }))
}

fn compared(hard: Option<u64>, of: &str, soft: &str) -> Look {
    match hard {
        Some(hard) => {
            let look = at_least(hard, WANTED, NEEDED);
            Look { now: format!("{hard}{of}{soft}"), wanted: format!("at least {WANTED} hard"), ..look }
        }
        None => Look::good(format!("unlimited{of}{soft}"), format!("at least {WANTED} hard")),
    }
}
