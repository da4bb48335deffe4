//! How large a socket's buffers may be made: UDP sockets that carry many peers need more than the default.

use super::{Look, Tunable, at_least};
use crate::Host;

const WANTED_BYTES: u64 = 4 * 1024 * 1024;

pub(super) const RECEIVE: Tunable = Tunable {
    name: "rmem_max",
    why: "One UDP socket receives for all QUIC clients of a shard; what does not fit its buffer is lost.",
    explanation: "\
net.core.rmem_max bounds what a program may ask for with SO_RCVBUF. A TCP connection grows its buffers by itself within net.ipv4.tcp_rmem
and does not need this; the UDP socket of a shard takes the packets of thousands of peers in one burst and does.

To change it: sysctl -w net.core.rmem_max=4194304, and a file in /etc/sysctl.d to keep it.",
    look: |host| look(host, "net.core.rmem_max"),
};

pub(super) const SEND: Tunable = Tunable {
    name: "wmem_max",
    why: "One UDP socket sends for all QUIC clients of a shard; a fan-out must fit its buffer.",
    explanation: "\
net.core.wmem_max bounds what a program may ask for with SO_SNDBUF. As with rmem_max this concerns the UDP socket of a shard; TCP's send
buffers are deliberately kept small (TCP_NOTSENT_LOWAT), so that old state does not queue in the kernel.

To change it: sysctl -w net.core.wmem_max=4194304, and a file in /etc/sysctl.d to keep it.",
    look: |host| look(host, "net.core.wmem_max"),
};

fn look(host: &Host, name: &str) -> Option<Look> {
    Some(at_least(host.sysctl_number(name)?, WANTED_BYTES, 0))
}
