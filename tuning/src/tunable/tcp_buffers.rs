//! How far TCP may grow the buffers of a connection by itself.

use super::{Look, Tunable, at_least, bytes};
use crate::Host;
use crate::host::sysctl_path;
use crate::remedy::Remedy;

const WANTED_BYTES: u64 = 4 * 1024 * 1024;

pub(super) const RECEIVE: Tunable = Tunable {
    name: "tcp_rmem",
    why: "Its third number bounds the window in which one publisher may send over a long line.",
    effect: "a fast publisher far away is not held back",
    explanation: "\
net.ipv4.tcp_rmem is the smallest, the first and the largest receive buffer of a connection; the kernel grows it as the line needs. A window of
w bytes carries w per round trip: 212,992 bytes over 200 ms are 1 MB/s. Idle connections hold none of it. The first two numbers are left alone.

To change it: sysctl -w net.ipv4.tcp_rmem='4096 131072 6291456', and a file in /etc/sysctl.d to keep it.",
    source: "Linux: Documentation/networking/ip-sysctl.rst",
    look: |host| look(host, "net.ipv4.tcp_rmem"),
};

pub(super) const SEND: Tunable = Tunable {
    name: "tcp_wmem",
    why: "Its third number bounds what is on its way to one reader over a long line.",
    effect: "a fast reader far away is not held back",
    explanation: "\
net.ipv4.tcp_wmem is the smallest, the first and the largest send buffer of a connection; the kernel grows it as the line needs. Ringway keeps
what is not sent yet small by itself (TCP_NOTSENT_LOWAT); this bounds what is sent and not acknowledged. The first two numbers are left alone.

To change it: sysctl -w net.ipv4.tcp_wmem='4096 16384 4194304', and a file in /etc/sysctl.d to keep it.",
    source: "Linux: Documentation/networking/ip-sysctl.rst",
    look: |host| look(host, "net.ipv4.tcp_wmem"),
};

fn look(host: &Host, name: &str) -> Option<Look> {
    let now = host.sysctl(name)?;
    let words: Vec<&str> = now.split_whitespace().collect();
    let [least, first, most] = words[..] else { return None };
    let look = at_least(most.parse().ok()?, WANTED_BYTES, 0);
    let told =
        Look { now: bytes(most.parse().ok()?), wanted: format!("at least {}", bytes(WANTED_BYTES)), ..look };
    Some(told.mended_by(|| Remedy::write(sysctl_path(name), &now, format!("{least} {first} {WANTED_BYTES}"))))
}
