//! What waits for the standby before anybody hears of it.

use ringway_protocol::event::Place;
use ringway_protocol::{ErrorCode, Lane, Offset};

use super::publish::Publisher;
use crate::Shard;
use crate::frame::Encoder;
use crate::route::slot_of;
use crate::time::Now;

/// Publications of one slot that may wait for the standby.
const PENDING_MAX: usize = 4_096;

/// One publication that has its offset and is not committed.
pub(super) struct Pending<F> {
    /// The standby's record that it waits for.
    number: u64,
    to: Publisher,
    offset: Offset,
    /// `None`: a repetition of one that is not committed either.
    frame: Option<F>,
}

impl<E: Encoder> Shard<E> {
    /// Whether one more publication may wait.
    pub(super) fn has_room_to_replicate(&self, handle: ringway_protocol::RoomHandle) -> bool {
        let duty = self.owner.duties.get(slot_of(handle));
        duty.is_none_or(|duty| duty.pending.len() < PENDING_MAX)
    }

    pub(super) fn push_pending(
        &mut self,
        number: u64,
        to: Publisher,
        offset: Offset,
        frame: Option<E::Frame>,
    ) {
        if let Some(duty) = self.owner.duties.get_mut(slot_of(to.handle)) {
            duty.pending.push_back(Pending { number, to, offset, frame });
        }
    }

    /// A publication was repeated while it waits: its repetition is answered behind it.
    pub(super) fn wait_for_commit(&mut self, to: Publisher, offset: Offset) {
        let duty = self.owner.duties.get(slot_of(to.handle));
        let number = duty.and_then(|duty| duty.pending.back()).map_or(0, |last| last.number);
        self.push_pending(number, to, offset, None);
    }

    /// Commits what the standby holds, or everything if nothing waits for it any more.
    pub(super) fn commit_ready(&mut self, now: Now, slot: u16) {
        while self.owner.may_speak(now.monotonic) {
            let Some(duty) = self.owner.duties.get_mut(slot) else { return };
            let held = match &duty.stream {
                _ if !duty.waits => u64::MAX,
                Some(stream) if stream.is_filled() => stream.held(),
                _ => 0,
            };
            let Some(next) = duty.pending.front().filter(|next| next.number <= held) else { break };
            debug_assert!(next.number > 0 || next.frame.is_none() || !duty.waits);
            let Some(Pending { to, offset, frame, .. }) = duty.pending.pop_front() else { break };
            let Some(room) = self.owner.rooms.get(to.handle) else { continue };
            let (name, epoch) = (room.name.clone(), room.epoch);
            match frame {
                Some(frame) => self.commit(now, &to, &name, offset, frame),
                None => self.published(now, &to, &name, epoch, Place::Offset(offset), true),
            }
        }
        self.say_frozen(slot);
    }

    /// It will never be committed here.
    ///
    /// Whether the standby has it, nobody here can know. Who gave it a `msg_id` can: by repeating it to the next owner.
    pub(super) fn fail_pending(&mut self, now: Now, pending: &Pending<E::Frame>) {
        let Pending { to, offset, .. } = pending;
        let dedup = self.owner.rooms.get(to.handle).and_then(|room| room.dedup.as_ref());
        match dedup.and_then(|dedup| dedup.msg_id_at(*offset)).map(<[u8]>::to_vec) {
            Some(msg_id) => self.publish_refused(now, to, Lane::Reliable, Some(&msg_id)),
            None => self.publish_failed(to, ErrorCode::OutcomeUnknown),
        }
    }

    /// The room begins anew: what waited is void.
    pub(super) fn fail_pending_of(&mut self, now: Now, handle: ringway_protocol::RoomHandle) {
        let Some(duty) = self.owner.duties.get_mut(slot_of(handle)) else { return };
        let (gone, left) =
            core::mem::take(&mut duty.pending).into_iter().partition(|one| one.to.handle == handle);
        duty.pending = left;
        let gone: std::collections::VecDeque<_> = gone;
        for pending in gone {
            self.fail_pending(now, &pending);
        }
    }
}
