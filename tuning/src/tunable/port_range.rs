//! How many local ports outgoing connections may take.

use super::{Look, Tunable, at_least};
use crate::Host;
use crate::host::sysctl_path;
use crate::remedy::Remedy;

const NAME: &str = "net.ipv4.ip_local_port_range";

pub(super) const TUNABLE: Tunable = Tunable {
    name: "ip_local_port_range",
    why: "A load generator or a proxy takes one local port for each connection to the same address.",
    effect: "55,296 connections to one address instead of 28,232",
    explanation: "\
net.ipv4.ip_local_port_range is where the kernel takes the ports of outgoing connections from. A server needs few of them. A machine that
runs ringway-load against one address can't open more connections than there are ports here (28,232 by default), fewer while closed ones
are in TIME_WAIT; a proxy in front of Ringway has the same bound. Ringway's own ports (7400, 7443, 7480) are below the range.

To change it: sysctl -w net.ipv4.ip_local_port_range='10240 65535', and a file in /etc/sysctl.d to keep it.",
    source: "Linux: Documentation/networking/ip-sysctl.rst",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let range = host.sysctl(NAME)?;
    let mut ends = range.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    let ports = last.checked_add(1)?.checked_sub(first)?;
    let look = at_least(ports, 50_000, 0);
    let told = Look { now: format!("{ports} ({first} to {last})"), ..look };
    Some(told.mended_by(|| Remedy::write(sysctl_path(NAME), &range, "10240 65535")))
}
