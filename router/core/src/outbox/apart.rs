//! Values that leave apart from the stream: each on a datagram or a short stream of its own, so that nothing that was lost
//! before holds it up. What the transport can't take now stays here, where newer values replace it.

use ringway_protocol::RoomHandle;

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
        streamed: impl Fn(RoomHandle) -> bool,
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
                with_stream.push((value.frame.clone(), value.handle, value.bytes));
                true
            }
            // It would wait behind what the stream has: better here, where a newer one can take its place.
            Taken::WithStream | Taken::NotNow => false,
        });
        self.bytes -= bytes;
        for (frame, handle, bytes) in with_stream {
            // With the room's own stream, where it has one: elsewhere it could overtake the `joined` that it belongs to.
            self.push(pool, frame, Kind::InRoom { handle }, bytes as usize, now_ms, streamed(handle));
        }
        self.shrink_values(pool);
    }
}
