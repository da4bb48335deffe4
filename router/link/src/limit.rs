//! Bounds of what a link's frames may hold. Those of names, keys and bodies are the protocol's.

use ringway_protocol::limit::{HISTORY_PAGE_MAX, KEYS_PER_ROOM_MAX};

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
/// Encoded frames in one delivery.
pub const FRAMES_MAX: usize = 2048;
/// Members in one page of a member set.
pub const MEMBER_PAGE_MAX: usize = 1024;
/// Largest term: a version keeps the term in its upper 24 bits.
pub const TERM_MAX: u32 = (1 << 24) - 1;

const _: () = assert!(FRAMES_MAX > HISTORY_PAGE_MAX as usize && FRAMES_MAX >= KEYS_PER_ROOM_MAX);
const _: () = assert!(crate::HEAD_BYTES + CLUSTER_BYTES_MAX + TEXT_BYTES_MAX + 64 < HELLO_BYTES_MAX);
