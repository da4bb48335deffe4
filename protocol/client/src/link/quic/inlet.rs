//! One stream of frames from the server, read as far as the handler takes them. Connection view.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use quinn::{ReadError, RecvStream};
use ringway_protocol::codec::{DecodeError, FrameReader};
use ringway_protocol::session::client::Way as Line;

use crate::driver::core::Core;
use crate::{Handler, Way};

/// Chunks of one stream before the others have their turn.
const CHUNKS_MAX: usize = 32;

/// A stream and how far it was read.
pub(super) struct Inlet {
    pub(super) stream: RecvStream,
    reader: FrameReader,
    /// Read, and not taken.
    pub(super) unread: Bytes,
    /// Bytes since the last whole frame.
    pub(super) cut_bytes: usize,
    /// A frame was taken: what follows on a stream that the server opened is a room's order, not a value.
    began: bool,
}

/// How far a read came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more at once.
    More,
    /// The handler takes no more for now.
    Held,
    /// The server said all that it has to say here.
    Finished,
    /// Nothing more comes: the stream was reset, or the connection is gone.
    Gone,
}

impl Inlet {
    pub(super) const fn new(stream: RecvStream, frame_bytes_max: usize) -> Self {
        let reader = FrameReader::new(frame_bytes_max);
        Self { stream, reader, unread: Bytes::new(), cut_bytes: 0, began: false }
    }

    /// The next bytes of the stream, if nothing is unread.
    pub(super) fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Progress>> {
        if !self.unread.is_empty() {
            return Poll::Ready(Ok(()));
        }
        pin!(self.stream.read_chunk(usize::MAX, true)).poll(context).map(|result| match result {
            Ok(Some(chunk)) => {
                self.unread = chunk.bytes;
                Ok(())
            }
            Ok(None) => Err(Progress::Finished),
            Err(ReadError::Reset(_)) => Err(Progress::Gone),
            // How the connection ended is told elsewhere.
            Err(_) => Err(Progress::Gone),
        })
    }

    /// Frames that come on this `line`, while the handler takes more of them.
    ///
    /// # Errors
    /// The bytes are no frames: nothing more can be read here. The handler was told.
    pub(super) fn read<H: Handler>(
        &mut self,
        core: &mut Core<H>,
        line: Line,
        context: &mut Context<'_>,
    ) -> Poll<Result<Progress, DecodeError>> {
        for _ in 0..CHUNKS_MAX {
            match self.poll_chunk(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(end)) => return Poll::Ready(Ok(end)),
                Poll::Pending => return Poll::Pending,
            }
            core.look_at_clock();
            if !core.is_ready(self.like(line), context) {
                core.excuse_silence();
                return Poll::Ready(Ok(Progress::Held));
            }
            let chunk = std::mem::take(&mut self.unread);
            self.cut_bytes += chunk.len();
            let mut input = &chunk[..];
            loop {
                let frame = self.reader.next(&mut input).inspect_err(|fault| {
                    core.handler.handle_garbled(&mut core.outlet, line.into(), fault);
                })?;
                let Some(frame) = frame else { break };
                self.cut_bytes = input.len();
                self.began = true;
                core.take(frame, line)?;
                if !input.is_empty() && !core.is_ready(self.like(line), context) {
                    self.unread = chunk.slice_ref(input);
                    self.cut_bytes = 0;
                    core.excuse_silence();
                    return Poll::Ready(Ok(Progress::Held));
                }
            }
        }
        Poll::Ready(Ok(Progress::More))
    }

    /// What comes in order waits for the handler as the control stream does.
    fn like(&self, line: Line) -> Way {
        if self.began { Way::Control } else { line.into() }
    }
}
