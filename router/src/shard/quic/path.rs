//! What a connection's path was like: round trip, loss, changes of address. Nothing here is done for each packet but one
//! comparison of addresses; the rest is read off now and then, when the connection's alarm looks at it, and at its end.

use super::peer::Peer;
use crate::shard::figures::Figures;

/// What was read off a path so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    sent: u64,
    lost: u64,
}

impl Peer {
    /// Counts what the path did since the last time, if anything was sent on it.
    pub(super) fn read_path(&mut self, figures: &mut Figures) {
        let path = self.connection.stats().path;
        let sent = path.sent_packets.saturating_sub(self.seen.sent);
        if self.handshaking || sent == 0 {
            return;
        }
        let lost = path.lost_packets.saturating_sub(self.seen.lost);
        self.seen = Seen { sent: path.sent_packets, lost: path.lost_packets };
        figures.rim.quic_packets_lost += lost;
        figures.quic_rtt_us.record(path.rtt.as_micros() as u64);
        figures.quic_loss_permille.record(lost * 1_000 / sent);
    }
}
