//! How many files, and so connections, the process may have open.

use super::{Look, Tunable, at_least};
use crate::{Host, Standing};

const WANTED: u64 = 262_144;
const NEEDED: u64 = 8_192;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "open_files",
    why: "Each connection is one open file; at the limit new clients are not accepted.",
    explanation: "\
Every connection holds one file descriptor. The process raises its soft limit to the hard one by itself, so the hard limit (RLIMIT_NOFILE) is
what counts: about one for each client at peak, and some dozens for the router itself. A resume storm may briefly hold old and new
connections of the same clients.

To change it: LimitNOFILE=1048576 in the systemd unit, --ulimit nofile=1048576 for a container, or /etc/security/limits.d for a login.",
    look,
};

fn look(host: &Host) -> Option<Look> {
    Some(match host.limit("Max open files")?.hard {
        Some(hard) => at_least(hard, WANTED, NEEDED),
        None => Look::new("unlimited", format!("at least {WANTED}"), Standing::Good),
    })
}
