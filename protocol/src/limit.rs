//! Bounds that both ends know. What an operator may change has its default here; the rest is the protocol's.

/// Protocol version of `hello`.
pub const PROTOCOL_VERSION: u32 = 1;

/// Largest frame a server takes from a client, by default.
pub const CLIENT_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest frame a server sends; a client may refuse more.
pub const SERVER_FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Longest key of the latest and unreliable lanes.
pub const KEY_BYTES_MAX: usize = 64;
/// Live keys of one room.
pub const KEYS_PER_ROOM_MAX: usize = 1024;
/// Longest `msg_id`; the shortest is 1.
pub const MSG_ID_BYTES_MAX: usize = 32;
/// Deepest JSON body, counted in open brackets.
pub const JSON_DEPTH_MAX: usize = 32;
/// Longest token.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Longest `client` text of `hello`.
pub const CLIENT_NAME_BYTES_MAX: usize = 128;
/// Longest user id (`sub`).
pub const USER_BYTES_MAX: usize = 128;
/// Longest `info` of a member.
pub const INFO_BYTES_MAX: usize = 512;
/// Rooms in one `join_many`.
pub const JOIN_MANY_MAX: usize = 64;
/// Publications in one history page.
pub const HISTORY_PAGE_MAX: u32 = 256;
/// Members in one presence page.
pub const PRESENCE_PAGE_MAX: usize = 64;
/// Members in `joined`.
pub const JOINED_MEMBERS_MAX: usize = 64;
/// Members named each way in one `presence_changed`.
pub const PRESENCE_NAMED_MAX: usize = 16;
/// Up to so many members each change of presence is told at once; above, merged to one a second.
pub const PRESENCE_IMMEDIATE_MEMBERS_MAX: usize = 256;
/// Heartbeat told in `welcome`, by default.
pub const HEARTBEAT_MS: u32 = 25_000;
/// From accept to a valid `hello`.
pub const HANDSHAKE_MS: u64 = 5_000;
/// Upgrade request: header bytes in all.
pub const HTTP_HEADER_BYTES_MAX: usize = 16 * 1024;

const _: () = assert!(TOKEN_BYTES_MAX < CLIENT_FRAME_BYTES_MAX);
const _: () = assert!(HTTP_HEADER_BYTES_MAX < CLIENT_FRAME_BYTES_MAX);
