//! Paced replay: pages are pulled from the owner's history as the outbox drains; live publications wait behind it,
//! because a seat that catches up takes nothing live until it has reached the live order.

use ringway_protocol::{Format, Offset, Position};

use super::CatchUp;
use crate::frame::Encoder;
use crate::message::{PageDelivery, PullRequest, Request};
use crate::outbox::Kind;
use crate::time::Now;
use crate::{SessionKey, Shard};

/// A session with less than this waiting gets its next page, or with a quarter of what an outbox may hold.
const PULL_BELOW_BYTES: u64 = 32 * 1024;
/// Bytes of a page, or half of what an outbox may hold: a page alone never makes a slow consumer.
const PAGE_BYTES: u64 = 64 * 1024;

impl<E: Encoder> Shard<E> {
    /// Asks for the next page of a replay of this session, if its outbox has drained.
    pub(super) fn pull(&mut self, now: Now, session: SessionKey) {
        let Some(open) = self.edge.session(session) else { return };
        let outbox_bytes_max = self.settings.limits.outbox_bytes_max;
        let below_bytes = PULL_BELOW_BYTES.min(outbox_bytes_max / 4).max(1);
        if open.catching_up == 0 || open.outbox.bytes() >= below_bytes {
            return;
        }
        let reference = open.reference();
        let bytes_max = PAGE_BYTES.min(outbox_bytes_max / 2) as u32;
        let seats: Vec<_> =
            open.memberships.iter().filter_map(|one| Some((one.handle, one.place?))).collect();
        for (handle, place) in seats {
            let Some(interest) = self.edge.interests.find(handle) else { continue };
            let (epoch, registering) = (interest.position.epoch, interest.registering);
            let Some(seat) = interest.seats.get_mut(place as usize) else { continue };
            let CatchUp::From { next, asked } = seat.catch_up else { continue };
            if !asked && !registering {
                seat.catch_up = CatchUp::From { next, asked: true };
                let (seat, from) = (seat.seat, Position { epoch, offset: next });
                let request = PullRequest { session: reference, handle, seat, from, bytes_max };
                self.ask(now, Request::Pull(request));
            }
            // One room after the other: pages of many at once would overfill the outbox.
            return;
        }
    }

    /// A page that was asked for will not come.
    pub(super) fn forget_pull(&mut self, session: SessionKey, handle: ringway_protocol::RoomHandle) {
        if let Some(seat) = self.seat_mut(session, handle)
            && let CatchUp::From { next, asked: true } = seat.catch_up
        {
            seat.catch_up = CatchUp::From { next, asked: false };
        }
    }

    pub(super) fn edge_page(&mut self, now: Now, page: PageDelivery<E::Frame>) {
        let PageDelivery { session, handle, seat: number, gone, frames, position } = page;
        let asked =
            self.seat_mut(session, handle).filter(|seat| seat.seat == number).map(|seat| seat.catch_up);
        let Some(CatchUp::From { mut next, asked: true }) = asked else {
            // Of a membership that is over: another room's turn.
            self.pull(now, session);
            return;
        };
        if let Some((from, to)) = gone {
            self.skip_gone(now, session, handle, from, to);
            next = to.next();
        }
        let json = self.edge.session(session).is_some_and(|open| open.format == Format::Json);
        if json && let Some(interest) = self.edge.interests.get(handle) {
            // Pages from other nodes come in the binary form.
            for (_, frame) in &frames {
                self.encoder.prepare(frame, Format::Json, &interest.name);
            }
        }
        for (offset, frame) in frames {
            debug_assert_eq!(offset, next, "a page has a hole");
            next = offset.next();
            match self.edge.held.remove(&(session, handle, offset)) {
                Some(published) => self.push(now, session, published, Kind::InRoom { handle }),
                None => self.push(now, session, frame, Kind::Reliable { handle, offset }),
            };
        }
        let Some(interest) = self.edge.interests.get(handle) else { return };
        debug_assert_eq!(interest.position, position, "a page and the live order share a FIFO");
        let live = next > interest.position.offset;
        // The outbox may have ended the session over this page.
        if let Some(seat) = self.seat_mut(session, handle) {
            seat.catch_up = if live { CatchUp::Live } else { CatchUp::From { next, asked: false } };
            if live && let Some(open) = self.edge.session_mut(session) {
                open.catching_up -= 1;
            }
        }
        self.pull(now, session);
    }

    /// Tells of a range that history lost while the replay was under way. Answers that take the place of an offset
    /// in it still come, each where it belongs.
    pub(super) fn skip_gone(
        &mut self,
        now: Now,
        session: SessionKey,
        handle: ringway_protocol::RoomHandle,
        from: Offset,
        to: Offset,
    ) {
        let range = (session, handle, from)..=(session, handle, to);
        let answered: Vec<_> = self.edge.held.range(range).map(|((_, _, offset), _)| *offset).collect();
        let mut start = from;
        for offset in answered {
            if start < offset {
                self.push_gap(now, session, handle, start, Offset(offset.0 - 1));
            }
            if let Some(frame) = self.edge.held.remove(&(session, handle, offset)) {
                self.push(now, session, frame, Kind::InRoom { handle });
            }
            start = offset.next();
        }
        if start <= to {
            self.push_gap(now, session, handle, start, to);
        }
    }

    fn push_gap(
        &mut self,
        now: Now,
        session: SessionKey,
        handle: ringway_protocol::RoomHandle,
        from: Offset,
        to: Offset,
    ) {
        let format = self.edge.session(session).map_or(Format::Binary, |open| open.format);
        let frame = self.gap_frame(handle, from, to, format);
        let count = u32::try_from(to.0 - from.0 + 1).unwrap_or(u32::MAX);
        self.push(now, session, frame, Kind::Gap { handle, from, count });
    }
}
