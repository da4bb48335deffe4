//! Streams that the server opens: a value each, or a room's order. Connection view.
//!
//! A value's stream mostly lies whole in what is read at once, so it costs one look and is gone. Each stream is in order by
//! itself and in no order to the others; one that is reset was superseded, and what came of it is forgotten.

use std::task::{Context, Poll};

use quinn::RecvStream;
use ringway_protocol::session::client::Way as Line;
use ringway_protocol::webtransport::{Fault, Step, UniStream};

use super::inlet::{Inlet, Progress};
use super::web::{Begun, Web};
use crate::Handler;
use crate::driver::core::Core;

/// Streams that the server may have open at once.
pub(super) const STREAMS_MAX: u32 = 256;
/// Bytes of cut frames over all streams; a server that makes more of them is not listened to on those streams.
const CUT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Code for streams that are not read to their end.
const STREAM_UNREADABLE: u32 = 0x100;

struct Apart {
    inlet: Inlet,
    /// On WebTransport, until it says whose it is.
    head: Option<UniStream>,
}

/// The open ones.
pub(super) struct Streams {
    open: Vec<Apart>,
    frame_bytes_max: usize,
}

impl Streams {
    pub(super) const fn new(frame_bytes_max: usize) -> Self {
        Self { open: Vec::new(), frame_bytes_max }
    }

    /// A stream that the server opened; on WebTransport it says first whose it is.
    pub(super) fn add(&mut self, stream: RecvStream, head: Option<UniStream>) {
        let inlet = Inlet::new(stream, self.frame_bytes_max);
        self.open.push(Apart { inlet, head });
    }

    /// One of which this much was read and not understood yet.
    pub(super) fn add_begun(&mut self, begun: Begun) {
        let mut inlet = Inlet::new(begun.stream, self.frame_bytes_max);
        inlet.unread = begun.unread;
        self.open.push(Apart { inlet, head: Some(begun.head) });
    }

    /// Reads what is there of all streams; true when there may be more at once.
    ///
    /// # Errors
    /// WebTransport's rules were broken: the connection must be closed with the fault's code.
    pub(super) fn read<H: Handler>(
        &mut self,
        core: &mut Core<H>,
        web: &mut Option<Box<Web>>,
        context: &mut Context<'_>,
    ) -> Result<bool, Fault> {
        let mut more = false;
        let mut index = 0;
        while index < self.open.len() {
            match self.open[index].read(core, web, context)? {
                Poll::Ready(Progress::Finished | Progress::Gone) => drop(self.open.swap_remove(index)),
                Poll::Ready(progress) => {
                    more |= progress == Progress::More;
                    index += 1;
                }
                Poll::Pending => index += 1,
            }
        }
        while self.open.iter().map(|apart| apart.inlet.cut_bytes).sum::<usize>() > CUT_BYTES_MAX {
            let Some(mut last) = self.open.pop() else { break };
            last.stop(STREAM_UNREADABLE.into());
        }
        Ok(more)
    }
}

impl Apart {
    fn read<H: Handler>(
        &mut self,
        core: &mut Core<H>,
        web: &mut Option<Box<Web>>,
        context: &mut Context<'_>,
    ) -> Result<Poll<Progress>, Fault> {
        while let (Some(head), Some(web)) = (&mut self.head, web.as_mut()) {
            match self.inlet.poll_chunk(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(end)) => return head.end().map(|()| Poll::Ready(end)),
                Poll::Pending => return Ok(Poll::Pending),
            }
            let chunk = std::mem::take(&mut self.inlet.unread);
            let mut input = &chunk[..];
            match head.read(&mut web.state, &mut input)? {
                Step::More | Step::Settings | Step::GoAway => {}
                Step::Data => self.head = None,
                // Another session's, which will never stand here.
                Step::Wait => {
                    self.stop(STREAM_UNREADABLE.into());
                    return Ok(Poll::Ready(Progress::Gone));
                }
                Step::Stop(fault) => {
                    self.stop(fault.code.number());
                    return Ok(Poll::Ready(Progress::Gone));
                }
            }
            self.inlet.unread = chunk.slice_ref(input);
        }
        let line = Line::Stream(self.inlet.stream.id().into());
        Ok(match self.inlet.read(core, line, context) {
            Poll::Ready(Ok(progress)) => Poll::Ready(progress),
            Poll::Ready(Err(_)) => {
                self.stop(STREAM_UNREADABLE.into());
                Poll::Ready(Progress::Gone)
            }
            Poll::Pending => Poll::Pending,
        })
    }

    fn stop(&mut self, code: u64) {
        let _ = self.inlet.stream.stop(quinn::VarInt::from_u64(code).unwrap_or_default());
    }
}
