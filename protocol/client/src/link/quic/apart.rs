//! Streams that the server opens: a value each, or a room's own. Connection view.
//!
//! A value's stream mostly lies whole in what is read at once, so it costs one look and is gone. Each stream is in order by
//! itself and in no order to the others; one that is reset was superseded, and what came of it is forgotten.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll};

use quinn::{ReadError, RecvStream};
use ringway_protocol::codec::FrameReader;

use crate::driver::core::Core;
use crate::{Handler, Way};

/// Streams that the server may have open at once.
pub(crate) const STREAMS_MAX: u32 = 256;
/// Bytes of cut frames over all streams; a server that makes more of them is not listened to on those streams.
const CUT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Chunks of one stream before the others have their turn.
const CHUNKS_MAX: usize = 16;
/// Code for streams that are not read to their end.
pub(crate) const STREAM_UNREADABLE: u32 = 0x100;

struct Apart {
    stream: RecvStream,
    reader: FrameReader,
    /// Bytes since the last whole frame.
    cut_bytes: usize,
}

/// The open ones.
pub(crate) struct Streams {
    open: Vec<Apart>,
    frame_bytes_max: usize,
}

impl Streams {
    pub(crate) const fn new(frame_bytes_max: usize) -> Self {
        Self { open: Vec::new(), frame_bytes_max }
    }

    /// A stream that the server opened.
    pub(crate) fn add(&mut self, stream: RecvStream) {
        self.open.push(Apart { stream, reader: FrameReader::new(self.frame_bytes_max), cut_bytes: 0 });
    }

    /// Reads what is there of all streams; true when there may be more at once.
    pub(crate) fn read<H: Handler>(&mut self, core: &mut Core<H>, context: &mut Context<'_>) -> bool {
        let mut more = false;
        let mut index = 0;
        while index < self.open.len() {
            if !core.is_ready(Way::Stream, context) {
                return false;
            }
            match self.open[index].read(core, context) {
                Poll::Ready(true) => {
                    more = true;
                    index += 1;
                }
                Poll::Ready(false) => drop(self.open.swap_remove(index)),
                Poll::Pending => index += 1,
            }
        }
        while self.open.iter().map(|apart| apart.cut_bytes).sum::<usize>() > CUT_BYTES_MAX {
            let Some(mut largest) = self.open.pop() else { break };
            let _ = largest.stream.stop(STREAM_UNREADABLE.into());
        }
        more
    }
}

impl Apart {
    /// False: the stream is over. True: there may be more at once.
    fn read<H: Handler>(&mut self, core: &mut Core<H>, context: &mut Context<'_>) -> Poll<bool> {
        for _ in 0..CHUNKS_MAX {
            let chunk = match pin!(self.stream.read_chunk(usize::MAX, true)).poll(context) {
                Poll::Ready(Ok(Some(chunk))) => chunk.bytes,
                // A frame that is cut by the end of its stream was superseded, too.
                Poll::Ready(Ok(None) | Err(ReadError::Reset(_))) => return Poll::Ready(false),
                // The connection says by itself how it ended.
                Poll::Ready(Err(_)) => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            };
            core.look_at_clock();
            self.cut_bytes += chunk.len();
            let mut input = &chunk[..];
            loop {
                match self.reader.next(&mut input) {
                    Ok(Some(frame)) => {
                        self.cut_bytes = 0;
                        let _ = core.take(frame, Way::Stream);
                    }
                    Ok(None) => break,
                    Err(fault) => {
                        core.handler.handle_garbled(&mut core.outlet, Way::Stream, &fault);
                        let _ = self.stream.stop(STREAM_UNREADABLE.into());
                        return Poll::Ready(false);
                    }
                }
            }
        }
        Poll::Ready(true)
    }
}
