//! Whether a container's filter of system calls forbids io_uring, which no kernel parameter shows.

use super::{Look, Tunable};
use crate::probe::Answer;
use crate::remedy::Remedy;
use crate::{Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "seccomp",
    why: "Containers' default profiles refuse io_uring; the shards then fall back to epoll.",
    effect: "io_uring instead of epoll",
    explanation: "\
A seccomp filter sees each system call of a process and may refuse it. Docker (since 25), containerd and Kubernetes with RuntimeDefault refuse
io_uring_setup, io_uring_enter and io_uring_register with EPERM or ENOSYS. The filter itself can't be read; what is seen is that there is one
(Seccomp in /proc/self/status), that a ring is refused, and that kernel.io_uring_disabled is not the reason.

To change it: run with a profile that is the default one plus these three calls (docker run --security-opt seccomp=FILE; Kubernetes:
seccompProfile type Localhost). In a systemd unit: SystemCallFilter=@system-service @io-uring, or io_uring_setup io_uring_enter
io_uring_register where systemd does not know that group.",
    source: "Linux: Documentation/userspace-api/seccomp_filter.rst",
    look,
};

const WANTED: &str = "none, or one that lets io_uring pass";

fn look(host: &Host) -> Option<Look> {
    if host.status("Seccomp")? == "0" {
        return Some(Look::good("no filter", WANTED));
    }
    let forbidden_elsewhere =
        host.sysctl_number("kernel.io_uring_disabled").is_some_and(|disabled| disabled != 0);
    Some(match host.probes().ring {
        Answer::NotAsked => return None,
        Answer::Error(libc::EPERM | libc::ENOSYS) if !forbidden_elsewhere => {
            Look::new("a filter that refuses io_uring", WANTED, Standing::Important)
                .mended_by(|| Remedy::by_hand(HINT))
        }
        Answer::Error(_) => Look::good("a filter; io_uring fails for another reason", WANTED),
        Answer::Yes => Look::good("a filter that lets io_uring pass", WANTED),
    })
}

const HINT: &str = "docker run --security-opt seccomp=FILE, with io_uring_setup, io_uring_enter and io_uring_register allowed in FILE";
