//! Words about the link itself.

use std::time::Instant;

use ringway_link::{DecodeError, Fault, Frame, Kind, Word, decode};

use super::Links;
use super::event::LinkDown;
use super::link::{Link, Stage, StreamNumber};
use super::read::Wrong;

/// A frame that may not be said now.
pub(super) const OUT_OF_TURN: DecodeError = DecodeError { fault: Fault::OutOfTurn, field: "kind", offset: 4 };

/// A fault in the first field behind the head.
pub(super) const fn fault(fault: Fault, field: &'static str) -> DecodeError {
    DecodeError { fault, field, offset: ringway_link::HEAD_BYTES }
}

impl Links {
    pub(super) fn handle_word(
        &mut self,
        index: usize,
        link: &mut Link,
        number: StreamNumber,
        frame: &[u8],
        now: Instant,
    ) -> Result<(), Wrong> {
        let Frame::Word(word) = decode(frame).map_err(Wrong::Fault)? else {
            return Err(Wrong::Fault(OUT_OF_TURN));
        };
        let of_stream = matches!(word, Word::Window(_) | Word::Ping { .. } | Word::Pong { .. });
        if of_stream && link.stage != Stage::Up || !of_stream && number != 0 {
            return Err(Wrong::Fault(OUT_OF_TURN));
        }
        match word {
            Word::Hello(hello) => self.handle_hello(index, link, &hello, now)?,
            Word::Accepted { version, .. } => self.handle_accepted(index, link, version, now)?,
            Word::Refusal { .. } if link.accepted => return Err(Wrong::Fault(OUT_OF_TURN)),
            Word::Refusal { number, text } => {
                let why = LinkDown::Refused { by_peer: true, number, text: text.into() };
                return Err(Wrong::Last(why));
            }
            Word::Window(window) => {
                let told = link.stream(number).sent.handle_window(window);
                told.map_err(|_| Wrong::Fault(fault(Fault::WindowFell, "bytes")))?;
            }
            Word::Ping { token } => {
                link.stream(number).pong = Some(token);
                link.dirty.add(number);
            }
            // Nobody asked: QUIC itself knows whether the peer is there, and how far.
            Word::Pong { .. } => {}
            Word::Goodbye { reason, number, text } => {
                return Err(Wrong::Last(LinkDown::Goodbye { reason, number, text: text.into() }));
            }
        }
        Ok(())
    }
}

/// Whether a frame of this kind is about the link.
pub(super) fn is_word(kind: Option<Kind>) -> bool {
    kind.is_some_and(Kind::is_word)
}
