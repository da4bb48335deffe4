//! Whether the firewall's table of connections has room.

use super::{Look, Tunable};
use crate::host::sysctl_path;
use crate::remedy::Remedy;
use crate::{Host, Standing};

const NAME: &str = "net.netfilter.nf_conntrack_max";
const WANTED: u64 = 262_144;
/// Fuller than this many hundredths, and the next storm does not fit.
const FULL_PERCENT: u64 = 80;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "conntrack",
    why: "When the firewall's table of connections is full, packets of new clients are dropped.",
    effect: "new clients are not dropped",
    explanation: "\
Where a firewall tracks connections, each TCP connection and each QUIC client is an entry, and stays one for minutes after its end. At
nf_conntrack_max the kernel drops what would need a new entry and logs `nf_conntrack: table full, dropping packet`. An entry takes about 400
bytes. The hash has nf_conntrack_buckets lists: a quarter of the entries or more, so that the lists stay short.

To change it: sysctl -w net.netfilter.nf_conntrack_max=262144, or better: do not track Ringway's ports at all (nft: a `notrack` rule for 7400
and 7443 in a prerouting and an output chain of priority raw).",
    source: "Linux: Documentation/networking/nf_conntrack-sysctl.rst",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let wanted = format!("at least {WANTED}, under {FULL_PERCENT} % full");
    let Some(most) = host.sysctl(NAME) else {
        // Without the module nothing is tracked; without /proc/sys nothing is known.
        host.kernel()?;
        return Some(Look::good("nothing is tracked", wanted));
    };
    let max: u64 = most.parse().ok()?;
    let count = host.sysctl_number("net.netfilter.nf_conntrack_count")?;
    let full = u128::from(count) * 100 >= u128::from(max) * u128::from(FULL_PERCENT);
    let standing = match max {
        _ if full && count > 0 => Standing::Important,
        _ if max < WANTED => Standing::Advice,
        _ => Standing::Good,
    };
    Some(Look::new(format!("{count} of {max}"), wanted, standing).mended_by(|| {
        let double = (count.min(1 << 29) * 2).next_multiple_of(65_536).max(WANTED);
        let write = Remedy::write(sysctl_path(NAME), &most, double);
        Remedy {
            by_hand: vec![
                "better: a notrack rule for Ringway's ports; ringway-tune explain conntrack".into(),
            ],
            ..write
        }
    }))
}
