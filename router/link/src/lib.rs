//! What two nodes say to each other, as bytes. The contract in prose is `docs/link-protocol.md`.
//!
//! A link carries the vocabulary that shards speak over rings, [`Asked`](ringway_core::Asked) and
//! [`Told`](ringway_core::Told), and what only nodes have to say: who they are ([`hello`]), how much they take
//! ([`Window`]), whom the operator ends ([`Notice`]). Link view: nothing here knows a socket, a clock or a shard's state;
//! bytes are arguments.
//!
//! ```text
//! decode(&[u8]) -> Result<Frame, DecodeError>          one whole frame, its prefix included; bodies are borrowed
//! Head::of(&[u8]) -> Result<Head, DecodeError>         only where it goes: enough to pass it on to its shard
//! Reader::new(bytes_max)  .next(&mut input)            a stream cut anywhere -> whole frames
//! Writer::new(bytes_max)  .push(&Frame)                many frames -> one buffer
//!                         .push_delivery(&Told<S>)     the same, from frames as the core shares them (S: Forms)
//! Sent, Taken                                          both ends of the credit of one stream
//! ```
//!
//! Whatever the peer sends, nothing panics and nothing is allocated that its bytes did not pay for: each length, count,
//! enum value and text is checked, and a [`DecodeError`] has a number, the field's name and its offset. What decodes
//! encodes to the same bytes: there is one way to write each frame.

mod credit;
mod delivery;
mod fault;
mod field;
mod frame;
mod head;
pub mod hello;
pub mod limit;
mod notice;
mod reader;
mod record;
mod register;
mod request;
mod sink;
mod source;
mod word;
mod writer;

pub use credit::{BeyondCredit, Sent, Taken, WindowFell};
pub use fault::{DecodeError, EncodeError, Fault};
pub use field::{Encoded, Forms};
pub use frame::{Frame, Unknown, decode};
pub use head::{Address, HEAD_BYTES, Head, Kind};
pub use hello::{Hello, HelloError, VersionRange};
pub use notice::Notice;
pub use reader::Reader;
pub use word::{GoodbyeReason, Window, Word};
pub use writer::Writer;
