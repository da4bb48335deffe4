//! Bounds of what a link's frames may hold. Those of names, keys and bodies are the protocol's.

use ringway_protocol::limit::{HISTORY_PAGE_MAX, KEYS_PER_ROOM_MAX, MSG_ID_BYTES_MAX, USER_BYTES_MAX};

/// Streams of a link.
pub const STREAMS: u16 = 16;
/// Largest frame, its prefix included, by default.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest frame before both ends have said `hello`.
pub const HELLO_BYTES_MAX: usize = 1024;
/// Longest cluster id.
pub const CLUSTER_BYTES_MAX: usize = 128;
/// Longest text for people: of a refused hello and of a goodbye.
pub const TEXT_BYTES_MAX: usize = 256;
/// Encoded frames in one delivery, and values of a room.
pub const FRAMES_MAX: usize = 2048;
/// Members in one page of a registration, and in one record.
pub const MEMBERS_MAX: usize = 256;
/// Ids of a window in one record.
pub const KNOWN_MAX: usize = 256;
/// Longest id of a window of known ids: user, a zero byte, `msg_id`.
pub const KNOWN_BYTES_MAX: usize = USER_BYTES_MAX + 1 + MSG_ID_BYTES_MAX;
/// Longest reason of a `disconnect`: what fits into the close frame of a WebSocket.
pub const REASON_BYTES_MAX: usize = 123;
/// Close codes of a `disconnect`: those that RFC 6455, section 7.4.2, leaves to applications and their libraries.
pub const CLOSE_CODES: core::ops::RangeInclusive<u16> = 3000..=4999;

const _: () = assert!(FRAMES_MAX > HISTORY_PAGE_MAX as usize);
// A joiner gets the values that there are, and removals of those that it says it holds.
const _: () = assert!(FRAMES_MAX >= 2 * KEYS_PER_ROOM_MAX);
const _: () = assert!(crate::HEAD_BYTES + CLUSTER_BYTES_MAX + TEXT_BYTES_MAX + 64 < HELLO_BYTES_MAX);
