//! The vocabulary's own rules, the same in both formats: what a command may say whatever bytes it came in.

use super::DecodeError;
use crate::command::{Command, Hello, Join, KnownVersion, Publish, Refresh};
use crate::limit::{
    CLIENT_NAME_BYTES_MAX, JOIN_MANY_MAX, KEY_BYTES_MAX, KEYS_PER_ROOM_MAX, MSG_ID_BYTES_MAX,
    TOKEN_BYTES_MAX, USER_BYTES_MAX,
};
use crate::{BodyKind, ErrorCode, Lane, RoomName};

/// Refuses a command that breaks a rule. Bodies are checked by [`super::body::check`].
///
/// # Errors
/// Names the field at fault, carries the command's id.
pub(super) fn command(command: &Command<'_>) -> Result<(), DecodeError> {
    match command {
        Command::Hello(command) => hello(command),
        Command::Refresh(command) => refresh(command),
        Command::Join(command) => join(command),
        Command::JoinMany(command) => command.rooms.iter().try_for_each(join),
        Command::Publish(command) => publish(command),
        Command::Leave(_) | Command::History(_) | Command::Presence(_) | Command::Ping { .. } => Ok(()),
    }
    .map_err(|error| error.id(command.id()))
}

/// A valid room name.
pub(super) fn room(name: &str) -> Result<RoomName<'_>, DecodeError> {
    const ERROR: DecodeError =
        DecodeError::field("room", "must be 1 to 128 bytes without control characters")
            .code(ErrorCode::BadRoomName);
    RoomName::new(name).ok_or(ERROR)
}

/// Whether so many rooms fit one `join_many`; asked before they are collected.
pub(super) fn rooms(count: usize) -> Result<(), DecodeError> {
    within("rooms", count, JOIN_MANY_MAX, "more than 64 rooms")
}

/// Whether so many versions fit one `join`; asked before they are collected.
pub(super) fn versions(count: usize) -> Result<(), DecodeError> {
    within("versions", count, KEYS_PER_ROOM_MAX, "more than 1024 versions")
}

fn hello(hello: &Hello<'_>) -> Result<(), DecodeError> {
    within("token", length(hello.token), TOKEN_BYTES_MAX, "longer than 8192 bytes")?;
    within("client", length(hello.client), CLIENT_NAME_BYTES_MAX, "longer than 128 bytes")?;
    within("resume", length(hello.resume), TOKEN_BYTES_MAX, "longer than 8192 bytes")
}

fn refresh(refresh: &Refresh<'_>) -> Result<(), DecodeError> {
    within("token", refresh.token.len(), TOKEN_BYTES_MAX, "longer than 8192 bytes")
}

fn join(join: &Join<'_>) -> Result<(), DecodeError> {
    join.versions.iter().try_for_each(known_version)
}

fn known_version(known: &KnownVersion<'_>) -> Result<(), DecodeError> {
    within("versions.user", length(known.user), USER_BYTES_MAX, "longer than 128 bytes")?;
    within("versions.key", known.key.len(), KEY_BYTES_MAX, "longer than 64 bytes")
        .map_err(|error| error.code(ErrorCode::BadKey))
}

fn publish(publish: &Publish<'_>) -> Result<(), DecodeError> {
    let reliable = publish.lane == Lane::Reliable;
    if let Some(key) = publish.key {
        const KEY: DecodeError = DecodeError::field("key", "").code(ErrorCode::BadKey);
        if reliable {
            return Err(DecodeError { message: "the reliable lane has no keys", ..KEY });
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(DecodeError { message: "longer than 64 bytes", ..KEY });
        }
    }
    if let Some(msg_id) = publish.msg_id {
        const MSG_ID: DecodeError = DecodeError::field("msg_id", "").code(ErrorCode::BadMsgId);
        if !reliable {
            return Err(DecodeError { message: "only the reliable lane knows repeated publishes", ..MSG_ID });
        }
        if !(1..=MSG_ID_BYTES_MAX).contains(&msg_id.len()) {
            return Err(DecodeError { message: "must be 1 to 32 bytes", ..MSG_ID });
        }
    }
    if publish.retry.is_some() && publish.msg_id.is_none() {
        return Err(DecodeError::field("retry", "only a publish with a msg_id can be repeated"));
    }
    if publish.body.kind == BodyKind::None && publish.lane != Lane::Latest {
        return Err(DecodeError::field(
            "body",
            "is missing; only the latest lane takes none, to remove a key",
        )
        .code(ErrorCode::BodyRequired));
    }
    if reliable && !publish.echo && publish.id.is_none() {
        return Err(DecodeError::field("id", "a reliable publish without echo must carry one")
            .code(ErrorCode::IdRequired));
    }
    Ok(())
}

fn length(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

fn within(field: &'static str, length: usize, most: usize, message: &'static str) -> Result<(), DecodeError> {
    if length > most { Err(DecodeError::field(field, message)) } else { Ok(()) }
}

const _: () = assert!(TOKEN_BYTES_MAX == 8192 && CLIENT_NAME_BYTES_MAX == 128 && USER_BYTES_MAX == 128);
const _: () = assert!(KEY_BYTES_MAX == 64 && MSG_ID_BYTES_MAX == 32);
const _: () = assert!(JOIN_MANY_MAX == 64 && KEYS_PER_ROOM_MAX == 1024);
