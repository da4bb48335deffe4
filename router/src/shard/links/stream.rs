//! One of a link's 16 streams: what came and waits to be polled, what goes and waits to be taken, and the credit of both.

use std::collections::VecDeque;

use bytes::Bytes;
use ringway_core::Told;
use ringway_link::{EncodeError, Forms, Frame, Head, Reader, Sent, Taken, Window, Word, Writer, limit};

/// Both directions of one stream.
pub(super) struct Stream {
    pub(super) reader: Reader,
    /// Frames that came and were not polled, each whole, with their heads.
    pub(super) frames: VecDeque<(Head, Bytes)>,
    pub(super) taken: Taken,
    pub(super) writer: Writer,
    pub(super) sent: Sent,
    /// A ping to answer; of several, the last.
    pub(super) pong: Option<u64>,
}

impl Stream {
    pub(super) fn new(span: Window) -> Self {
        Self {
            reader: Reader::new(limit::HELLO_BYTES_MAX),
            frames: VecDeque::new(),
            taken: Taken::new(span),
            writer: Writer::new(limit::FRAME_BYTES_MAX),
            sent: Sent::default(),
            pong: None,
        }
    }

    /// Puts the words that are due behind what waits; how many bytes they have.
    pub(super) fn put_words(&mut self) -> usize {
        let window = self.taken.poll_window().map(Word::Window);
        let pong = self.pong.take().map(|token| Word::Pong { token });
        window.into_iter().chain(pong).map(|word| self.put_word(word)).sum()
    }

    /// Puts a word behind what waits; how many bytes it has.
    pub(super) fn put_word(&mut self, word: Word<'_>) -> usize {
        let put = self.writer.push(&Frame::Word(word));
        debug_assert!(put.is_ok(), "a word of ours: {put:?}");
        put.unwrap_or(0)
    }

    /// Puts a frame that costs credit behind what waits; how many bytes it has.
    ///
    /// # Errors
    /// The peer would not take it.
    pub(super) fn put_frame(&mut self, frame: &Frame<'_>) -> Result<usize, EncodeError> {
        let bytes = self.writer.push(frame)?;
        self.sent.handle_sent(bytes);
        Ok(bytes)
    }

    /// The same for what an owner says, from frames as shards share them.
    ///
    /// # Errors
    /// The peer would not take it.
    pub(super) fn put_delivery(&mut self, told: &Told<impl Forms>) -> Result<usize, EncodeError> {
        let bytes = self.writer.push_delivery(told)?;
        self.sent.handle_sent(bytes);
        Ok(bytes)
    }
}
