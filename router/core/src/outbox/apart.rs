//! Values that leave apart from the stream: each on a datagram or a short stream of its own, so that nothing that was lost
//! before holds it up. What the transport can't take now stays here, where newer values replace it.

use super::{Kind, Outbox, Pool, Value};

/// What a transport did with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is on its way.
    Sent,
    /// There is no way apart for it: it goes with the stream, once that has caught up.
    WithStream,
    /// It waits; newer ones may replace it.
    NotNow,
}

impl<F: Clone> Outbox<F> {
    /// Offers the values that may leave, oldest key first, with what tells keys apart and whether it may be lost.
    /// Nothing is offered before the `joined` of its room was written.
    pub(crate) fn poll_values(
        &mut self,
        pool: &mut Pool<F>,
        now_ms: u32,
        take: &mut impl FnMut(&F, u64, bool) -> Taken,
    ) {
        let Some(values) = &mut self.conflating else { return };
        let written = self.fifo.front().map_or(u64::MAX, |item| item.sequence);
        let mut with_stream = Vec::new();
        let idle = self.fifo.is_empty() && !self.lagging;
        let bytes = values.offer(|value| value.after < written, &mut |value: &Value<F>| match take(
            &value.frame,
            value.key_tag,
            value.unreliable,
        ) {
            Taken::Sent => true,
            Taken::WithStream if idle => {
                with_stream.push((value.frame.clone(), value.bytes));
                true
            }
            // It would wait behind what the stream has: better here, where a newer one can take its place.
            Taken::WithStream | Taken::NotNow => false,
        });
        self.bytes -= bytes;
        for (frame, bytes) in with_stream {
            self.push(pool, frame, Kind::Control, bytes as usize, now_ms, false);
        }
        self.shrink_values(pool);
    }
}
