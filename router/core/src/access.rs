//! Who a session is and what it may do: the one door through which every check goes.

use ringway_protocol::{RoomName, UnixMicros};
use std::sync::Arc;

use crate::settings::{Admission, Namespace};

/// Who a session is, as the rim verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user id (`sub`).
    pub user: Arc<str>,
    /// Nobody vouched for the user.
    pub anonymous: bool,
    /// What the token grants room by room.
    pub grants: Vec<Grant>,
    /// JSON text about the user that member lists show, where the namespace says so.
    pub info: Option<Arc<str>>,
    /// When the token ends; `None`: never.
    pub expires: Option<UnixMicros>,
}

/// A grant for one room, or for all whose names begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// A full room name; a trailing `*` stands for any rest.
    pub room: String,
    /// May join, and read history and presence.
    pub join: bool,
    /// May publish.
    pub publish: bool,
}

/// What somebody wants to do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Join it, or read its history or presence.
    Join,
    /// Publish in it.
    Publish,
}

/// Whether the identity may do this in the room.
#[must_use]
pub fn allowed(identity: &Identity, namespace: &Namespace, room: RoomName<'_>, action: Action) -> bool {
    let admission = match action {
        Action::Join => namespace.join,
        Action::Publish => namespace.publish,
    };
    match admission {
        Admission::Anyone => true,
        Admission::Users => !identity.anonymous,
        Admission::Granted => identity.grants.iter().any(|grant| {
            let covers = match grant.room.strip_suffix('*') {
                Some(prefix) => room.as_str().starts_with(prefix),
                None => room.as_str() == grant.room,
            };
            covers
                && match action {
                    Action::Join => grant.join,
                    Action::Publish => grant.publish,
                }
        }),
    }
}
