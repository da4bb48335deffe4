//! The control stream: commands, and in order most of what the server says. Connection view.

use std::future::Future as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use quinn::{RecvStream, SendStream};
use ringway_protocol::codec::FrameReader;

use super::BATCH_MAX;
use crate::driver::core::Core;
use crate::{Handler, Way};

/// A server that ended its control stream closes the connection within this time.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// The stream, and how far it was read.
pub(super) struct Control {
    send: SendStream,
    receive: RecvStream,
    reader: FrameReader,
    /// Read, and not taken by the handler.
    unread: Bytes,
    /// The server has said all.
    over: bool,
}

impl Control {
    pub(super) const fn new(send: SendStream, receive: RecvStream, frame_bytes_max: usize) -> Self {
        let reader = FrameReader::new(frame_bytes_max);
        Self { send, receive, reader, unread: Bytes::new(), over: false }
    }

    /// `Ok(true)`: there may be more at once. `Err`: the server broke the protocol.
    pub(super) fn read<H: Handler>(
        &mut self,
        core: &mut Core<H>,
        context: &mut Context<'_>,
    ) -> Poll<Result<bool, String>> {
        for _ in 0..BATCH_MAX {
            if !core.is_ready(Way::Control, context) {
                core.excuse_silence();
                return Poll::Pending;
            }
            if self.unread.is_empty() {
                if self.over {
                    return Poll::Pending;
                }
                match pin!(self.receive.read_chunk(usize::MAX, true)).poll(context) {
                    Poll::Ready(Ok(Some(chunk))) => self.unread = chunk.bytes,
                    Poll::Ready(Ok(None)) => {
                        self.over = true;
                        core.give_up_at(Some(core.outlet.now() + CLOSE_WITHIN));
                        return Poll::Pending;
                    }
                    // The connection says by itself how it ended.
                    Poll::Ready(Err(_)) => {
                        self.over = true;
                        return Poll::Pending;
                    }
                    Poll::Pending => return Poll::Pending,
                }
                core.look_at_clock();
            }
            let chunk = std::mem::take(&mut self.unread);
            let mut input = &chunk[..];
            loop {
                match self.reader.next(&mut input) {
                    Ok(Some(frame)) => {
                        core.take(frame, Way::Control).map_err(|fault| fault.to_string())?;
                    }
                    Ok(None) => break,
                    Err(fault) => {
                        core.handler.handle_garbled(&mut core.outlet, Way::Control, &fault);
                        return Poll::Ready(Err(fault.to_string()));
                    }
                }
                if !input.is_empty() && !core.is_ready(Way::Control, context) {
                    self.unread = chunk.slice_ref(input);
                    core.excuse_silence();
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(true))
    }

    pub(super) fn write<H>(&mut self, core: &mut Core<H>, context: &mut Context<'_>) {
        let mut send = Pin::new(&mut self.send);
        // A connection that is lost says so where it is read.
        let _ =
            core.outlet.out.poll_write(context, |context, bytes| send.as_mut().poll_write(context, bytes));
    }
}
