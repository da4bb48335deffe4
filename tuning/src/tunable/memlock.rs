//! How much memory the process may lock: old kernels charge rings to it.

use super::{Look, Tunable};
use crate::{Host, Standing};

const WANTED_BYTES: u64 = 8 * 1024 * 1024;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "memlock",
    why: "Kernels before 5.12 charge rings to locked memory, and registered buffers are charged to it still.",
    explanation: "\
A shard's ring is a few MiB with its completion queue. Since Linux 5.12 that is charged to the control group and not to RLIMIT_MEMLOCK;
registered buffers still are, and Ringway registers none. So this is advice on kernels that run Ringway's rings at all: a tiny limit is a
sign of a host that was set up for something else.

To change it: LimitMEMLOCK=8M or more in the systemd unit, --ulimit memlock=-1 for a container.",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let wanted = format!("at least {} KiB", WANTED_BYTES / 1024);
    let Some(soft) = host.limit("Max locked memory")?.soft else {
        return Some(Look::new("unlimited", wanted, Standing::Good));
    };
    let standing = match host.kernel() {
        _ if soft >= WANTED_BYTES => Standing::Good,
        Some(kernel) if kernel < (5, 12) => Standing::Important,
        _ => Standing::Advice,
    };
    Some(Look::new(format!("{} KiB", soft / 1024), wanted, standing))
}
