//! Whether a kernel parameter forbids io_uring.

use super::{Look, Tunable};
use crate::host::sysctl_path;
use crate::remedy::Remedy;
use crate::{Host, Standing};

const NAME: &str = "kernel.io_uring_disabled";

pub(super) const TUNABLE: Tunable = Tunable {
    name: "io_uring_disabled",
    why: "Without io_uring the shards fall back to epoll.",
    effect: "io_uring instead of epoll",
    explanation: "\
The parameter kernel.io_uring_disabled (Linux 6.6 and later) is 0 when everybody may create rings, 1 when only processes with CAP_SYS_ADMIN
or in the group kernel.io_uring_group may, and 2 when nobody may. Some distributions set it to 2 because rings were a frequent way into the
kernel; on a host that runs programs of people you don't trust, 1 with Ringway's group in kernel.io_uring_group is the better choice.
Containers often forbid io_uring in another place too: see seccomp.

To change it: sysctl -w kernel.io_uring_disabled=0, and a file in /etc/sysctl.d to keep it.",
    source: "Linux: Documentation/admin-guide/sysctl/kernel.rst",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let Some(now) = host.sysctl(NAME) else {
        // The parameter is younger than io_uring: where it is not there, nothing is forbidden by it.
        host.kernel()?;
        return Some(Look::good("not restricted", 0));
    };
    let standing = match now.parse::<u64>().ok()? {
        0 => Standing::Good,
        // Restricted to a group, and the kernel made a ring for us.
        1 if host.probes().ring == crate::probe::Answer::Yes => Standing::Good,
        _ => Standing::Important,
    };
    Some(Look::new(&now, 0, standing).mended_by(|| Remedy::write(sysctl_path(NAME), &now, 0)))
}
