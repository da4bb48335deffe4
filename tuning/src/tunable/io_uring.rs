//! Whether the kernel lets this process have io_uring at all.

use super::{Look, Tunable};
use crate::{Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "io_uring_disabled",
    why: "Without io_uring the shards fall back to epoll.",
    explanation: "\
The parameter kernel.io_uring_disabled (Linux 6.6 and later) is 0 when everybody may create rings, 1 when only processes with CAP_SYS_ADMIN
or in the group kernel.io_uring_group may, and 2 when nobody may. Containers often forbid io_uring in another place too, their seccomp
profile, which this check can't see: `ringway serve` tries and says what happened.

To change it: sysctl -w kernel.io_uring_disabled=0, and a file in /etc/sysctl.d to keep it.",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let Some(now) = host.sysctl_number("kernel.io_uring_disabled") else {
        // The parameter is younger than io_uring: where it is not there, nothing is forbidden by it.
        host.kernel()?;
        return Some(Look::new("not restricted", "0", Standing::Good));
    };
    let standing = if now == 0 { Standing::Good } else { Standing::Important };
    Some(Look::new(now, 0, standing))
}
