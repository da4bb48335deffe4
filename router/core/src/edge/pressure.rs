//! Slow consumers hurt nobody else: what happens when an outbox, or all of them together, hold too much or too long.

use ringway_protocol::{CloseCode, Event, Format, Offset, RoomHandle};

use super::wrapping_ms;
use crate::frame::Encoder;
use crate::outbox::Gaps;
use crate::settings::Overflow;
use crate::time::Now;
use crate::{SessionKey, Shard};

/// How often lagging sessions are looked at.
pub(super) const SWEEP_MS: u64 = 250;

impl<E: Encoder> Shard<E> {
    /// A session holds too much: drops its oldest publications where their namespace says so, closes it otherwise.
    pub(super) fn relieve(&mut self, now: Now, session: SessionKey) {
        let bytes_max = self.settings.limits.outbox_bytes_max;
        let age_ms_max = self.settings.limits.outbox_age_ms_max.min(u64::from(u32::MAX)) as u32;
        let now_ms = wrapping_ms(now.monotonic);
        let too_old = |queued_ms: u32| now_ms.wrapping_sub(queued_ms) > age_ms_max;
        loop {
            let Some(open) = self.edge.session(session) else { return };
            let over = open.outbox.bytes() > bytes_max || open.outbox.age_ms(now_ms) > age_ms_max;
            if !over {
                return;
            }
            let oldest = open.outbox.oldest_room();
            let droppable = oldest.filter(|handle| {
                self.edge.interests.get(*handle).is_some_and(|interest| {
                    self.namespaces.policy(interest.namespace).overflow == Overflow::DropOldest
                })
            });
            let dropped = match droppable {
                Some(handle) => self.drop_oldest(session, handle, bytes_max, &too_old, now_ms),
                None => 0,
            };
            self.counters.dropped_overflow += dropped;
            if dropped == 0 {
                self.counters.slow_consumers += 1;
                let code = CloseCode::SlowConsumer;
                self.end(now, session, code.number(), code.text(), oldest);
                return;
            }
        }
    }

    fn drop_oldest(
        &mut self,
        session: SessionKey,
        room: RoomHandle,
        bytes_max: u64,
        too_old: &dyn Fn(u32) -> bool,
        now_ms: u32,
    ) -> u64 {
        let Some(name) = self.edge.interests.get(room).map(|interest| interest.name.clone()) else {
            return 0;
        };
        let encoder = &mut self.encoder;
        let index = session.index as usize;
        let Some(open) = self.edge.sessions.get_mut(index).filter(|open| open.key == session) else {
            return 0;
        };
        let format = open.format;
        let gap: &mut Gaps<'_, E::Frame> = &mut |_, from, to| {
            let frame = encoder.reply(&Event::Gap { room: &name, from, to }, format);
            let bytes = E::bytes(&frame, format);
            (frame, bytes)
        };
        open.outbox.drop_oldest(room, bytes_max, too_old, now_ms, gap)
    }

    pub(super) fn gap_frame(
        &mut self,
        handle: RoomHandle,
        from: Offset,
        to: Offset,
        format: Format,
    ) -> E::Frame {
        let room = self.edge.interests.get(handle).map_or("", |interest| &*interest.name);
        self.encoder.reply(&Event::Gap { room, from, to }, format)
    }

    /// Looks at every session whose transport is behind: too old is treated as too full, and while all of them hold
    /// more than the shard may, the largest goes.
    pub(super) fn sweep(&mut self, now: Now) {
        let now_ms = wrapping_ms(now.monotonic);
        let age_ms_max = self.settings.limits.outbox_age_ms_max.min(u64::from(u32::MAX)) as u32;
        let aged: Vec<_> = self
            .edge
            .lagging
            .iter()
            .filter(|key| {
                self.edge.session(**key).is_some_and(|open| open.outbox.age_ms(now_ms) > age_ms_max)
            })
            .copied()
            .collect();
        for session in aged {
            self.relieve(now, session);
        }
        let bytes_of = |key: &SessionKey| self.edge.session(*key).map_or(0, |open| open.outbox.bytes());
        let mut by_size: Vec<_> = self.edge.lagging.iter().map(|key| (bytes_of(key), *key)).collect();
        by_size.sort_unstable_by(|one, other| other.cmp(one));
        let mut held = by_size.iter().map(|(bytes, _)| bytes).sum::<u64>() + self.owner.held_bytes;
        for (bytes, session) in by_size {
            if held <= self.settings.limits.shard_bytes_max {
                break;
            }
            let code = CloseCode::MemoryPressure;
            self.end(now, session, code.number(), code.text(), None);
            held -= bytes;
        }
        self.edge.sweep_at = (!self.edge.lagging.is_empty()).then(|| now.monotonic.plus_ms(SWEEP_MS));
    }
}
