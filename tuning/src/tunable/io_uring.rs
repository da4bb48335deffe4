//! Whether the kernel makes the rings that shards need, and knows what is submitted to them.

use super::{Look, Tunable};
use crate::probe::{Answer, operation};
use crate::remedy::Remedy;
use crate::{Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "io_uring",
    why: "Without a ring with DEFER_TASKRUN and these operations the shards fall back to epoll.",
    effect: "io_uring instead of epoll; a flush is one system call",
    explanation: "\
Asked, not guessed from the version: a ring is set up with the flags of a shard (SINGLE_ISSUER, DEFER_TASKRUN), and the kernel lists the
operations that it knows (IORING_REGISTER_PROBE). Shards submit POLL_ADD, TIMEOUT, ACCEPT, ASYNC_CANCEL, CLOSE, READ, WRITE, SEND and RECV.
EPERM and ENOSYS mean that something forbids rings (io_uring_disabled, seccomp), EINVAL that the kernel does not know the flags, ENOMEM that
locked memory is used up (memlock).

To change it: see the setting that the error names.",
    source: "io_uring_setup(2), io_uring_register(2); measured: docs/adr/0001-the-flush-is-a-ring.md",
    look,
};

const WANTED: &str = "DEFER_TASKRUN and the operations of shards";

fn look(host: &Host) -> Option<Look> {
    let probes = host.probes();
    let error = match (probes.ring, probes.shard_ring) {
        (Answer::Error(number), _) | (Answer::Yes, Answer::Error(number)) => number,
        (Answer::Yes, Answer::Yes) => return Some(operations(probes.operations.as_deref()?)),
        _ => return None,
    };
    let what = if probes.ring == Answer::Yes { "no ring with DEFER_TASKRUN" } else { "no ring" };
    let (name, hint) = reason(error);
    let look = Look::new(format!("{what}: {name}"), WANTED, Standing::Important);
    Some(look.mended_by(|| Remedy::by_hand(hint)))
}

fn operations(known: &[u8]) -> Look {
    let missing: Vec<&str> = operation::NEEDED
        .iter()
        .filter(|(number, _)| !known.contains(number))
        .map(|(_, name)| *name)
        .collect();
    if missing.is_empty() {
        return Look::good(format!("DEFER_TASKRUN, {} operations", known.len()), WANTED);
    }
    Look::new(format!("no {}", missing.join(", ")), WANTED, Standing::Important)
        .mended_by(|| Remedy::by_hand("install a kernel of 6.1 or later and restart the host"))
}

fn reason(error: i32) -> (String, &'static str) {
    match error {
        libc::EPERM => (
            "EPERM, forbidden".into(),
            "ringway-tune explain io_uring_disabled, ringway-tune explain seccomp",
        ),
        libc::ENOSYS => ("ENOSYS, unknown or filtered".into(), "ringway-tune explain seccomp"),
        libc::EINVAL => {
            ("EINVAL, flags unknown".into(), "install a kernel of 6.1 or later and restart the host")
        }
        libc::ENOMEM => ("ENOMEM, locked memory used up".into(), "ringway-tune explain memlock"),
        other => (format!("error {other}"), "ringway serve logs what the kernel says"),
    }
}
