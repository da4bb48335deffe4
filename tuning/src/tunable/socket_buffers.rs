//! How large a socket's buffers may be made: UDP sockets that carry many peers need more than the default.

use super::{Tunable, sysctl_at_least};

/// What Ringway asks for.
const WANTED_BYTES: u64 = 4 * 1024 * 1024;

pub(super) const RECEIVE: Tunable = Tunable {
    name: "rmem_max",
    why: "One UDP socket receives for all QUIC clients of a shard; what does not fit its buffer is lost.",
    effect: "bursts of QUIC packets are not lost",
    explanation: "\
net.core.rmem_max bounds what a program may ask for with SO_RCVBUF; Ringway asks for 4 MiB. A TCP connection grows its buffers by itself
within net.ipv4.tcp_rmem and does not need this; the UDP socket of a shard takes the packets of thousands of peers in one burst and does.
Lost packets are counted as RcvbufErrors in /proc/net/snmp.

To change it: sysctl -w net.core.rmem_max=4194304, and a file in /etc/sysctl.d to keep it. A socket takes it when it is bound: restart the
router.",
    source: "Linux: Documentation/admin-guide/sysctl/net.rst; measured: docs/operating/tuning.md",
    look: |host| sysctl_at_least(host, "net.core.rmem_max", WANTED_BYTES, 0),
};

pub(super) const SEND: Tunable = Tunable {
    name: "wmem_max",
    why: "One UDP socket sends for all QUIC clients of a shard; a fan-out must fit its buffer.",
    effect: "a QUIC fan-out is not cut into pieces",
    explanation: "\
net.core.wmem_max bounds what a program may ask for with SO_SNDBUF; Ringway asks for 4 MiB. As with rmem_max this concerns the UDP socket of a
shard; TCP's send buffers are deliberately kept small (TCP_NOTSENT_LOWAT), so that old state does not queue in the kernel. On loopback a packet
is in the receiver's buffer when the call returns, and the send buffer does not fill.

To change it: sysctl -w net.core.wmem_max=4194304, and a file in /etc/sysctl.d to keep it. A socket takes it when it is bound: restart the
router.",
    source: "Linux: Documentation/admin-guide/sysctl/net.rst; measured: docs/operating/tuning.md",
    look: |host| sysctl_at_least(host, "net.core.wmem_max", WANTED_BYTES, 0),
};
