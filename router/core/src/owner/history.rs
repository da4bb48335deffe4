//! The past, read: pages of a replay for an edge, pages of history for a client; and its bounds.

use ringway_protocol::command::HistoryFrom;
use ringway_protocol::event::HistoryPage;
use ringway_protocol::{Epoch, ErrorCode, Event, Format, Offset, RoomHandle};

use crate::Shard;
use crate::frame::Encoder;
use crate::message::{Delivery, HistoryRequest, PageDelivery, PullRequest};
use crate::room::Room;
use crate::route::{Asker, slot_of};
use crate::time::{Monotonic, Now};

/// Bytes of one history answer.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;

impl<E: Encoder> Shard<E> {
    pub(super) fn owner_pull(&mut self, from: Asker, pull: PullRequest) {
        let Some(room) = self.owner.rooms.get(pull.handle) else { return };
        let position = room.position();
        let first = room.history.first();
        let from_offset = pull.from.offset;
        let same_order = pull.from.epoch == position.epoch;
        let start = from_offset.max(first);
        let gone = (same_order && start > from_offset).then(|| (from_offset, Offset(start.0 - 1)));
        let mut frames = Vec::new();
        let mut bytes = 0;
        if same_order {
            for (offset, kept) in room.history.from(start) {
                bytes += u64::from(kept.bytes);
                if !frames.is_empty() && bytes > u64::from(pull.bytes_max) {
                    break;
                }
                frames.push((offset, kept.frame.clone()));
            }
        }
        if pull.session.format == Format::Json {
            for (_, frame) in &frames {
                self.encoder.prepare(frame, Format::Json, &room.name);
            }
        }
        let (session, handle, seat) = (pull.session.key, pull.handle, pull.seat);
        let page = Delivery::Page(PageDelivery { session, handle, seat, gone, frames, position });
        self.answer_to(from, slot_of(handle), page);
    }

    pub(super) fn owner_history(&mut self, now: Now, from: Asker, request: &HistoryRequest) {
        self.trim_history(now, request.handle);
        let session = request.session;
        let (epoch, offsets, more) = match self.owner.rooms.get(request.handle) {
            Some(room) if *room.name != *request.room => {
                return self.reply_error(from, session, request.handle, request.id, ErrorCode::HandleTaken);
            }
            Some(room) => {
                let (offsets, more) = page(room, request.from, request.limit);
                (room.epoch, offsets, more)
            }
            None => (Epoch(0), Vec::new(), false),
        };
        let replay = offsets.len() as u32;
        let header = HistoryPage { id: request.id, room: &request.room, epoch, replay, more };
        let mut frames = vec![self.encoder.reply(&Event::History(header), session.format)];
        if let (Some(room), Some(first)) = (self.owner.rooms.get(request.handle), offsets.first()) {
            for (_, kept) in room.history.from(*first).take(offsets.len()) {
                if session.format == Format::Json {
                    self.encoder.prepare(&kept.frame, Format::Json, &room.name);
                }
                frames.push(kept.frame.clone());
            }
        }
        let (handle, format) = (request.handle, session.format);
        let reply = Delivery::Reply { session: session.key, room: Some(handle), last: false, format, frames };
        self.answer_to(from, slot_of(handle), reply);
    }

    /// Drops what the namespace no longer keeps, and more where the shard holds too much.
    pub(super) fn trim_history(&mut self, now: Now, handle: RoomHandle) {
        let held_max = self.settings.limits.shard_bytes_max;
        let over = self.owner.held_bytes > held_max;
        let Some(room) = self.owner.rooms.find(handle) else { return };
        let policy = self.namespaces.policy(room.namespace);
        let kept_since =
            Monotonic(now.monotonic.0.saturating_sub(policy.history_age_ms_max.saturating_mul(1_000)));
        let freed = room.history.trim(policy.history_count_max, policy.history_bytes_max, kept_since);
        self.owner.held_bytes -= freed;
        let oldest_at = room.history.oldest_at();
        let age_ms = policy.history_age_ms_max;
        if let Some(oldest_at) = oldest_at {
            self.look_after(handle, oldest_at.plus_ms(age_ms.saturating_add(1_000)));
        }
        if over {
            self.cut_largest_history();
        }
    }

    /// The shard holds too much: the largest history loses its older half.
    fn cut_largest_history(&mut self) {
        let largest = self
            .owner
            .rooms
            .sorted_handles()
            .into_iter()
            .max_by_key(|handle| self.owner.rooms.get(*handle).map_or(0, |room| room.history.bytes()));
        if let Some(room) = largest.and_then(|handle| self.owner.rooms.find(handle)) {
            let half = room.history.bytes() / 2;
            self.owner.held_bytes -= room.history.trim(u32::MAX, half, Monotonic(0));
        }
    }
}

/// The offsets of a page, oldest first, and whether there are more that way.
fn page<F>(room: &Room<F>, from: HistoryFrom, limit: u32) -> (Vec<Offset>, bool) {
    let first = room.history.first();
    let mut bytes = 0;
    let mut fits = |size: u32| {
        bytes += u64::from(size);
        bytes <= ANSWER_BYTES_MAX
    };
    match from {
        HistoryFrom::After(after) => {
            let mut offsets = Vec::new();
            for (offset, kept) in room.history.from(after.next().max(first)) {
                if offsets.len() >= limit as usize || (!fits(kept.bytes) && !offsets.is_empty()) {
                    return (offsets, true);
                }
                offsets.push(offset);
            }
            (offsets, false)
        }
        HistoryFrom::Before(before) => {
            let end = before.min(room.last.next());
            let start = Offset(end.0.saturating_sub(u64::from(limit))).max(first);
            let kept: Vec<_> = room.history.from(start).take_while(|(offset, _)| *offset < end).collect();
            let mut offsets = Vec::new();
            for (offset, kept) in kept.into_iter().rev() {
                if !fits(kept.bytes) && !offsets.is_empty() {
                    break;
                }
                offsets.push(offset);
            }
            offsets.reverse();
            let more = offsets.first().is_some_and(|oldest| *oldest > first);
            (offsets, more)
        }
    }
}
