//! What newer rings know and Ringway does not use: shown, because people ask.

use super::{Look, Tunable};
use crate::Host;
use crate::probe::{Answer, operation};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "io_uring_extras",
    why: "SEND_ZC and multishot are shown because people ask; Ringway submits neither today.",
    effect: "none today",
    explanation: "\
IORING_OP_SEND_ZC (Linux 6.0) sends without a copy and pays off for bodies of many KiB; Ringway's writes are small, and a notification for each
would cost more than the copy. Multishot accept (5.19) and receive (6.0) yield many completions for one submission, but a multishot receive
holds provided buffers, where an idle connection of Ringway holds none. Each is asked of the kernel by a submission that can only fail.

To change it: nothing needs to be changed.",
    source: "io_uring_enter(2), io_uring_prep_recv_multishot(3)",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let probes = host.probes();
    let known = probes.operations.as_ref()?;
    let says = |name: &str, is: bool| format!("{}{name}", if is { "" } else { "no " });
    let mut parts = vec![says("SEND_ZC", known.contains(&operation::SEND_ZC))];
    for (name, answer) in
        [("multishot accept", probes.accept_multishot), ("multishot recv", probes.recv_multishot)]
    {
        if answer != Answer::NotAsked {
            parts.push(says(name, answer == Answer::Yes));
        }
    }
    Some(Look::good(parts.join(", "), "any"))
}
