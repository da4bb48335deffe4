//! Whether the kernel cuts and joins trains of datagrams for QUIC.

use super::{Look, Tunable};
use crate::probe::Answer;
use crate::remedy::Remedy;
use crate::{Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "udp_offload",
    why: "Without UDP_SEGMENT and UDP_GRO each QUIC packet is a way through the kernel of its own.",
    effect: "many QUIC packets by one system call",
    explanation: "\
With UDP_SEGMENT (GSO, Linux 4.18) one call hands the kernel a train of datagrams that it cuts late or lets the card cut; with UDP_GRO (5.0)
one receive returns a train. Both are asked by setting the option on a socket. Ringway uses what is there; ringway_quic_train_datagrams tells
how long its trains are. Some virtual cards and TUN devices before Linux 6.11 have neither.

To change it: run a kernel of 5.0 or later; in a sandbox with a network stack of its own (gVisor) run with the host's.",
    source: "udp(7); measured: docs/operating/tuning.md",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let probes = host.probes();
    let (gso, gro) = match (probes.udp_gso, probes.udp_gro) {
        (Answer::NotAsked, _) | (_, Answer::NotAsked) => return None,
        (gso, gro) => (gso == Answer::Yes, gro == Answer::Yes),
    };
    let now = match (gso, gro) {
        (true, true) => "GSO and GRO",
        (true, false) => "GSO only",
        (false, true) => "GRO only",
        (false, false) => "neither",
    };
    let standing = if gso && gro { Standing::Good } else { Standing::Advice };
    Some(Look::new(now, "GSO and GRO", standing).mended_by(|| {
        Remedy::by_hand("run a kernel of 5.0 or later, and the host's network stack instead of a sandbox's")
    }))
}
