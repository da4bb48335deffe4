//! How many finished connections may wait to be accepted.

use super::{Tunable, sysctl_at_least};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "somaxconn",
    why: "A listener's queue is cut to it; in a reconnect storm the rest of the clients wait a second or more.",
    effect: "a storm of connections is accepted at once",
    explanation: "\
net.core.somaxconn bounds the queue of connections that are established and not accepted yet, whatever the program asks for (Ringway asks for
4,096). Each shard has a listener of its own, so the node's queue is this number times its shards. When it is full the kernel drops the last
packet of the handshake, and the client tries again after a second, then two, then four: a reconnect storm after a restart turns into a
minute.

To change it: sysctl -w net.core.somaxconn=4096 (the default since Linux 5.4), and a file in /etc/sysctl.d to keep it. A listener takes it
when it is bound: restart the router.",
    source: "listen(2); Linux: Documentation/networking/ip-sysctl.rst; measured: docs/operating/tuning.md",
    look: |host| sysctl_at_least(host, "net.core.somaxconn", 4_096, 1_024),
};
