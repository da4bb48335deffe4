//! Leases by monotonic time: the holder's view and the watcher's.
//!
//! A node renews its beat by compare-and-swap. It holds its slots while `now < sent time of the last successful renewal + TTL −
//! margin` by its own clock; a watcher declares it dead no sooner than `TTL + margin` after it last *observed* the beat change, by
//! the watcher's clock. The renewal was sent before it was committed, and observed after: hence the holder stops first, as long as
//! the two clocks differ by less than two margins over one TTL (200 ms in 1,200 ms). No wall clock, no agreement on time.
//!
//! The declaration is one transaction that compares the observed beat and the node's record: a renewal that came first refuses
//! it, and after it every renewal is refused.

mod contact;
mod holder;
mod watcher;

pub use contact::Contact;
pub use holder::Holder;
pub use watcher::Watcher;

/// The times that leases are made of, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two renewals.
    pub beat_ms: u64,
    /// How long a beat is good for.
    pub ttl_ms: u64,
    /// What the holder takes off and the watcher adds, for clocks that run apart.
    pub margin_ms: u64,
    /// How long a watcher waits after an outage of the coordinator, so that healthy nodes can renew first. Not needed for
    /// safety: it keeps an outage from becoming a mass takeover.
    pub grace_ms: u64,
}

impl Timing {
    /// For a coordinator near by: a renewal may be late by 950 ms, longer than the elections of etcd that were measured.
    pub const DEFAULT: Self = Self { beat_ms: 150, ttl_ms: 1_200, margin_ms: 100, grace_ms: 300 };

    /// How long a beat that was sent is good for, by its holder's clock.
    #[must_use]
    pub const fn held_ms(&self) -> u64 {
        self.ttl_ms.saturating_sub(self.margin_ms)
    }

    /// How long a beat must be silent before its holder is dead, by a watcher's clock.
    #[must_use]
    pub const fn silent_ms(&self) -> u64 {
        self.ttl_ms.saturating_add(self.margin_ms)
    }
}

const _: () =
    assert!(Timing::DEFAULT.held_ms() > 2 * Timing::DEFAULT.beat_ms, "one lost renewal must not end a lease");
const _: () =
    assert!(Timing::DEFAULT.grace_ms >= 2 * Timing::DEFAULT.beat_ms, "two renewals fit into the grace");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Monotonic;

    fn at(ms: u64) -> Monotonic {
        Monotonic(ms * 1_000)
    }

    #[test]
    fn the_holder_stops_before_any_watcher_may_start() {
        let (timing, mut holder) = (Timing::DEFAULT, Holder::new(Timing::DEFAULT));
        assert!(!holder.may_ack(at(0)));
        holder.handle_renewed(at(1_000));
        // Committed and observed 400 ms after it was sent: that time is lost to the holder alone.
        let watcher = Watcher::new(at(1_400));
        assert!(holder.may_ack(Monotonic(2_099_999)) && !holder.may_ack(at(2_100)));
        assert!(!watcher.expired(&timing, Monotonic(2_699_999)) && watcher.expired(&timing, at(2_700)));
    }

    #[test]
    fn renewals_that_answer_out_of_order_never_shorten_a_lease() {
        let mut holder = Holder::new(Timing::DEFAULT);
        holder.handle_renewed(at(500));
        holder.handle_renewed(at(350));
        assert_eq!(holder.valid_until(), Some(at(1_600)));
        holder.revoke();
        assert!(!holder.may_ack(at(501)));
    }

    #[test]
    fn an_election_is_ridden_over() {
        let mut holder = Holder::new(Timing::DEFAULT);
        holder.handle_renewed(at(0));
        // The next renewal, sent at 150, is answered 885 ms later by the new leader.
        assert!(holder.may_ack(at(150 + 885)));
        holder.handle_renewed(at(150));
        assert!(holder.may_ack(at(1_200)));
    }

    #[test]
    fn after_an_outage_nobody_is_declared_dead_for_a_while() {
        let mut contact = Contact::new(Timing::DEFAULT, at(0));
        contact.handle_renewed(at(150));
        contact.handle_renewed(at(300));
        assert!(contact.may_judge(at(310)) && contact.may_judge(at(900)));
        assert!(
            !contact.may_judge(at(901)),
            "nothing was renewed for more than 600 ms: the silence may be ours"
        );
        contact.handle_renewed(at(5_000));
        assert!(!contact.may_judge(at(5_000)));
        contact.handle_renewed(at(5_150));
        contact.handle_renewed(at(5_299));
        assert!(!contact.may_judge(at(5_299)) && contact.may_judge(at(5_300)));
    }

    #[test]
    fn alone_there_is_no_lease_to_lose() {
        assert!(Holder::unlimited().may_ack(at(1 << 40)));
    }
}
