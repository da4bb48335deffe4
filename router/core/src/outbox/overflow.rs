//! What an outbox gives up when it is too full or too old: the oldest publications, told as merged gaps.

use std::collections::VecDeque;

use ringway_protocol::{Offset, RoomHandle};

use super::{Item, Kind, Outbox};

/// Makes a `gap` frame and its size on the wire.
pub(crate) type Gaps<'a, F> = dyn FnMut(RoomHandle, Offset, Offset) -> (F, usize) + 'a;

impl<F: Clone> Outbox<F> {
    /// The room of the oldest publication that waits, if one does.
    pub(crate) fn oldest_room(&self) -> Option<RoomHandle> {
        self.fifo.iter().skip(usize::from(self.front_is_begun())).find_map(|item| match item.kind {
            Kind::Reliable { handle, .. } => Some(handle),
            _ => None,
        })
    }

    /// Drops the oldest publications of one room while more than `bytes_max` wait or they are too old (`too_old` of
    /// the time they were queued), and puts one `gap` per unbroken range in their place, as
    /// old as now. Returns how many.
    pub(crate) fn drop_oldest(
        &mut self,
        room: RoomHandle,
        bytes_max: u64,
        too_old: &dyn Fn(u32) -> bool,
        now_ms: u32,
        gap: &mut Gaps<'_, F>,
    ) -> u64 {
        let begun = usize::from(self.front_is_begun());
        let mut kept: VecDeque<Item<F>> = VecDeque::with_capacity(self.fifo.len());
        let mut last_gap: Option<usize> = None;
        let mut first_changed: Option<usize> = None;
        let mut dropped = 0;
        let mut items = core::mem::take(&mut self.fifo).into_iter().enumerate();
        for (index, mut item) in items.by_ref() {
            match item.kind {
                Kind::Start { handle } if handle == room => {
                    last_gap = None;
                    kept.push_back(item);
                }
                Kind::Gap { handle, .. } if handle == room && index >= begun => {
                    last_gap = Some(kept.len());
                    kept.push_back(item);
                }
                Kind::Reliable { handle, offset } if handle == room && index >= begun => {
                    if self.bytes <= bytes_max && !too_old(item.queued_ms) {
                        kept.push_back(item);
                        break;
                    }
                    dropped += 1;
                    self.bytes -= u64::from(item.bytes);
                    let place = match last_gap.filter(|place| grow(&mut kept[*place].kind, offset)) {
                        Some(place) => {
                            kept[place].queued_ms = now_ms;
                            place
                        }
                        None => {
                            item.kind = Kind::Gap { handle, from: offset, count: 1 };
                            item.bytes = 0;
                            item.queued_ms = now_ms;
                            kept.push_back(item);
                            kept.len() - 1
                        }
                    };
                    last_gap = Some(place);
                    first_changed.get_or_insert(place);
                }
                _ => kept.push_back(item),
            }
        }
        kept.extend(items.map(|(_, item)| item));
        self.fifo = kept;
        if let Some(first) = first_changed {
            self.encode_gaps(room, first, gap);
        }
        dropped
    }

    /// Gives the room's gaps from `first` on their final frames.
    fn encode_gaps(&mut self, room: RoomHandle, first: usize, gap: &mut Gaps<'_, F>) {
        for item in self.fifo.iter_mut().skip(first) {
            if let Kind::Gap { handle, from, count } = item.kind
                && handle == room
            {
                let (frame, bytes) = gap(handle, from, Offset(from.0 + u64::from(count) - 1));
                self.bytes = self.bytes - u64::from(item.bytes) + bytes as u64;
                item.frame = frame;
                item.bytes = bytes as u32;
            }
        }
    }

    /// Drops everything but a frame that is begun; before a `closing`.
    pub(crate) fn clear(&mut self) {
        let keep = usize::from(self.front_is_begun());
        self.fifo.truncate(keep);
        self.conflating = None;
        self.bytes = match (&self.begun, self.fifo.front()) {
            (Some((_, bytes)), _) => u64::from(bytes - self.written),
            (None, Some(item)) => u64::from(item.bytes - self.written),
            (None, None) => 0,
        };
    }

    fn front_is_begun(&self) -> bool {
        self.written > 0 && self.begun.is_none()
    }
}

/// Adds the offset to the gap if it follows without a hole.
fn grow(kind: &mut Kind, offset: Offset) -> bool {
    match kind {
        Kind::Gap { from, count, .. } if from.0 + u64::from(*count) == offset.0 && *count < u32::MAX => {
            *count += 1;
            true
        }
        _ => false,
    }
}
