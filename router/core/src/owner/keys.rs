//! The latest lane: current values by key.

use core::hash::Hasher;

use ringway_protocol::event::Place;
use ringway_protocol::{Body, BodyKind, ErrorCode, Lane, RoomHandle, SessionId, limit};
use siphasher::sip::SipHasher13;

use super::PublishView;
use super::publish::Publisher;
use crate::Shard;
use crate::frame::Encoder;
use crate::message::{Origin, Sent};
use crate::room::{KeyName, Keys, Stored};
use crate::route::{Asker, EdgeId};
use crate::settings::KeyScope;
use crate::time::{Monotonic, Now};

impl<E: Encoder> Shard<E> {
    pub(super) fn publish_latest(
        &mut self,
        now: Now,
        from: Asker,
        view: &PublishView<'_>,
    ) -> Result<(), ErrorCode> {
        let to = view.publisher(from);
        let user = self.key_user(view);
        let name = KeyName { user: user.into(), key: view.key.into() };
        let key_tag = self.key_tag(view.handle, Lane::Latest, user, view.key);
        let room = self.owner.rooms.find(view.handle).ok_or(ErrorCode::Internal)?;
        let removes = view.body.kind == BodyKind::None;
        let outbox_bytes_max = self.settings.limits.outbox_bytes_max;
        if let Origin::Session(session) = &view.origin
            && self.namespaces.policy(room.namespace).key_ttl_ms == 0
            && room.members.find(session.id).is_none()
        {
            // Its join was refused, or it is gone: with whom should the key go?
            return Err(ErrorCode::NotJoined);
        }
        let keys = room.keys.as_ref();
        if !removes && keys.is_some_and(|keys| !has_room(keys, &name, view, outbox_bytes_max)) {
            return Err(ErrorCode::TooManyKeys);
        }
        let epoch = room.epoch;
        let version = room.next_version();
        let place = Place::Version(version);
        let frame = self.message_frame(now, view, place);
        if removes {
            self.drop_key(view.handle, &name);
        } else {
            let expires = self.expiry_without_member(now, view);
            let bytes = E::bytes_held(&frame) as u32;
            let session = view.session();
            let stored = Stored { frame: frame.clone(), bytes, version, key_tag, session, expires };
            self.set_key(view.handle, name.clone(), stored);
            if let Some(expires) = expires {
                self.look_after(view.handle, expires);
            }
        }
        self.replicate_key(now, view.handle, &name);
        self.tell_publication(&to, view.lane, place, key_tag, &frame);
        self.published(now, &to, view.room, epoch, place, false);
        Ok(())
    }

    /// Whose key it is: the publisher's, or nobody's where keys are the room's.
    pub(super) fn key_user<'a>(&self, view: &'a PublishView<'_>) -> &'a str {
        let scope = self
            .owner
            .rooms
            .get(view.handle)
            .map_or(KeyScope::User, |room| self.namespaces.policy(room.namespace).key_scope);
        if scope == KeyScope::User { &view.user } else { "" }
    }

    /// Identity of a key among all that one session may see.
    pub(super) fn key_tag(&self, handle: RoomHandle, lane: Lane, user: &str, key: &str) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.config.key.0);
        hasher.write_u64(handle.0);
        hasher.write_u8(lane as u8);
        hasher.write(user.as_bytes());
        hasher.write_u8(0);
        hasher.write(key.as_bytes());
        hasher.finish()
    }

    /// A key that a member sets stays while that member does; one set from outside lives for the namespace's TTL
    /// (the API's for as long as the room where there is none).
    fn expiry_without_member(&mut self, now: Now, view: &PublishView<'_>) -> Option<Monotonic> {
        let room = self.owner.rooms.find(view.handle)?;
        let key_ttl_ms = self.namespaces.policy(room.namespace).key_ttl_ms;
        let member = match &view.origin {
            Origin::Session(session) => room.members.find(session.id),
            Origin::Api { .. } => None,
        };
        match member {
            Some(member) => {
                member.has_keys = true;
                None
            }
            None if key_ttl_ms > 0 => Some(now.monotonic.plus_ms(key_ttl_ms)),
            None => None,
        }
    }

    fn set_key(&mut self, handle: RoomHandle, name: KeyName, stored: Stored<E::Frame>) {
        let Some(room) = self.owner.rooms.find(handle) else { return };
        let keys = room.keys.get_or_insert_with(|| Box::new(Keys::new()));
        let before = keys.bytes();
        keys.set(name, stored);
        self.owner.held_bytes = self.owner.held_bytes + keys.bytes() - before;
    }

    fn drop_key(&mut self, handle: RoomHandle, name: &KeyName) -> Option<Stored<E::Frame>> {
        let room = self.owner.rooms.find(handle)?;
        let stored = room.keys.as_mut()?.remove(name)?;
        self.owner.held_bytes -= u64::from(stored.bytes);
        if room.keys.as_ref().is_some_and(|keys| keys.len() == 0) {
            room.keys = None;
        }
        Some(stored)
    }

    /// A member that set keys is gone: they go with it, or after the namespace's TTL.
    pub(super) fn release_keys(&mut self, now: Now, handle: RoomHandle, session: SessionId, key_ttl_ms: u64) {
        let expires = (key_ttl_ms > 0).then(|| now.monotonic.plus_ms(key_ttl_ms));
        let Some(room) = self.owner.rooms.find(handle) else { return };
        let gone = room.keys.as_mut().map_or(Vec::new(), |keys| keys.release(session, expires));
        self.remove_keys(now, handle, gone);
        if let Some(expires) = expires {
            self.look_after(handle, expires);
        }
    }

    /// Keys whose time is over; when the next one's is.
    pub(super) fn expire_keys(&mut self, now: Now, handle: RoomHandle) -> Option<Monotonic> {
        let gone = self.owner.rooms.get(handle)?.keys.as_ref()?.expired(now.monotonic);
        self.remove_keys(now, handle, gone);
        self.owner.rooms.get(handle)?.keys.as_ref()?.next_expiry()
    }

    /// Removes keys and tells everybody, as a publish without body would.
    fn remove_keys(&mut self, now: Now, handle: RoomHandle, names: Vec<KeyName>) {
        for name in names {
            let Some(stored) = self.drop_key(handle, &name) else { continue };
            let Some(room) = self.owner.rooms.find(handle) else { return };
            let place = Place::Version(room.next_version());
            let room = room.name.clone();
            let view = PublishView {
                origin: Origin::Api { ticket: 0 },
                user: (&*name.user).into(),
                id: None,
                handle,
                room: &room,
                lane: Lane::Latest,
                key: &name.key,
                msg_id: None,
                retry: None,
                echo: true,
                sent: Sent::default(),
                body: Body::default(),
            };
            let frame = self.message_frame(now, &view, place);
            self.replicate_key(now, handle, &name);
            let from = Asker { edge: EdgeId::here(self.config.id), number: 0 };
            let to: Publisher = view.publisher(from);
            self.tell_publication(&to, view.lane, place, stored.key_tag, &frame);
        }
    }
}

/// Whether a value fits: a joiner is sent all of them at once, so together they must fit into an outbox.
fn has_room<F>(keys: &Keys<F>, name: &KeyName, view: &PublishView<'_>, bytes_max: u64) -> bool {
    // About what a frame costs over its body.
    const FRAME_BYTES: usize = 128;
    let older = keys.bytes_of(name);
    let bytes = (view.body.bytes.len() + view.key.len() + FRAME_BYTES) as u64;
    let fits = keys.bytes() - older.unwrap_or(0) + bytes <= bytes_max;
    fits && (older.is_some() || keys.len() < limit::KEYS_PER_ROOM_MAX)
}
