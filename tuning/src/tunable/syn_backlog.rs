//! How many half-open connections the kernel remembers.

use super::{Look, Tunable, sysctl_at_least};
use crate::{Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "tcp_max_syn_backlog",
    why: "When many clients connect at once the handshakes beyond it fall back to SYN cookies or are dropped.",
    effect: "handshakes of a storm keep their TCP options",
    explanation: "\
net.ipv4.tcp_max_syn_backlog bounds the connections of a listener that have sent their first packet and nothing more. Above it Linux answers
with SYN cookies where net.ipv4.tcp_syncookies allows it, which loses some TCP options, or drops. On loopback the handshake ends before the
next one begins: the queue is never used there.

To change it: sysctl -w net.ipv4.tcp_max_syn_backlog=4096, and a file in /etc/sysctl.d to keep it.",
    source: "Linux: Documentation/networking/ip-sysctl.rst",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let look = sysctl_at_least(host, "net.ipv4.tcp_max_syn_backlog", 4_096, 0)?;
    let cookies = host.sysctl_number("net.ipv4.tcp_syncookies").unwrap_or(1);
    Some(match look.standing {
        Standing::Advice if cookies == 0 => {
            Look { now: format!("{}, no SYN cookies", look.now), standing: Standing::Important, ..look }
        }
        _ => look,
    })
}
