//! Frames over WebSocket: the protocol's own codec on a tokio stream. Connection view.
//!
//! Bytes are read into one scratch buffer for each thread; a connection holds some only while its handler takes no more.

mod connect;
mod tcp;

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use ringway_protocol::codec::frames;
use ringway_protocol::session::client::Way as Line;
use ringway_protocol::websocket::{Decoder, Item, Opcode};

pub(crate) use connect::{connect, secure, upgrade};

use self::tcp::Tcp;
use crate::driver::PASSES_MAX;
use crate::driver::core::{Again, Core, Wish};
use crate::driver::out::some;
use crate::{Ending, Handler, Way};

/// Bytes read at once.
const SCRATCH_BYTES: usize = 64 * 1024;
/// Reads in one pass before the others have their turn.
const READS_MAX: usize = 16;
/// RFC 6455 §7.4.1: done.
const CODE_NORMAL: u16 = 1000;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A connection after its upgrade.
pub(crate) struct WebSocket {
    stream: Tcp,
    decoder: Decoder,
    /// Read, and not decoded: the handler took no more.
    unread: Vec<u8>,
    /// Frames of a message that the handler has not taken.
    rest: Vec<u8>,
}

impl WebSocket {
    pub(crate) async fn serve<H: Handler>(mut self, core: &mut Core<H>, took: Duration) -> Ending {
        core.outlet.out.open(true, None);
        core.handler.handle_connected(&mut core.outlet, took);
        let mut leaving = None;
        let ending = poll_fn(|context| {
            for _ in 0..PASSES_MAX {
                core.turn(context);
                let more = match self.read(core, context) {
                    Poll::Ready(Ok(more)) => more,
                    Poll::Ready(Err(ending)) => {
                        core.speak();
                        return Poll::Ready(ending);
                    }
                    Poll::Pending => false,
                };
                core.speak();
                if let Err(fault) = self.write(core, context) {
                    return Poll::Ready(Ending::Lost(fault.to_string().into()));
                }
                match core.settle(context) {
                    Poll::Ready(Ok(Wish::Connect) | Err(Again)) => {}
                    Poll::Ready(Ok(wish)) => {
                        leaving = Some(wish);
                        return Poll::Ready(match wish {
                            Wish::Leave => Ending::Left,
                            _ => Ending::Lost("given up by this end".into()),
                        });
                    }
                    Poll::Pending if more => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        if leaving == Some(Wish::Leave) {
            core.outlet.out.close_frame(CODE_NORMAL);
        }
        // A close frame, or the answer to one: as much as the socket takes at once.
        poll_fn(|context| {
            let _ = self.write(core, context);
            Poll::Ready(())
        })
        .await;
        ending
    }

    /// `Ok(true)`: there may be more at once.
    fn read<H: Handler>(
        &mut self,
        core: &mut Core<H>,
        context: &mut Context<'_>,
    ) -> Poll<Result<bool, Ending>> {
        if !self.take_waiting(core, context)? {
            core.excuse_silence();
            return Poll::Pending;
        }
        let mut scratch = SCRATCH.take();
        scratch.resize(SCRATCH_BYTES, 0);
        let mut result = Poll::Ready(Ok(true));
        for _ in 0..READS_MAX {
            let count = match self.stream.poll_read(context, &mut scratch) {
                Poll::Ready(Ok(0)) => Err(Ending::Lost("the server ended the connection".into())),
                Poll::Ready(Ok(count)) => Ok(count),
                Poll::Ready(Err(fault)) => Err(Ending::Lost(fault.to_string().into())),
                Poll::Pending => {
                    result = Poll::Pending;
                    break;
                }
            };
            core.look_at_clock();
            match count.and_then(|count| Ok((count, self.decode(core, context, &mut scratch[..count])?))) {
                Ok((count, consumed)) if consumed == count && self.rest.is_empty() => {}
                Ok((count, consumed)) => {
                    self.unread.extend_from_slice(&scratch[consumed..count]);
                    core.excuse_silence();
                    result = Poll::Pending;
                    break;
                }
                Err(ending) => {
                    result = Poll::Ready(Err(ending));
                    break;
                }
            }
        }
        SCRATCH.set(scratch);
        result
    }

    /// What was read earlier; false while the handler takes no more.
    fn take_waiting<H: Handler>(
        &mut self,
        core: &mut Core<H>,
        context: &mut Context<'_>,
    ) -> Result<bool, Ending> {
        if !is_ready(core, context) {
            return Ok(false);
        }
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            take_message(core, context, &rest, &mut self.rest)?;
        }
        if self.rest.is_empty() && !self.unread.is_empty() {
            let mut unread = std::mem::take(&mut self.unread);
            let consumed = self.decode(core, context, &mut unread)?;
            self.unread.extend_from_slice(&unread[consumed..]);
        }
        Ok(self.rest.is_empty() && self.unread.is_empty())
    }

    /// Messages while the handler takes them: how many bytes are done with.
    fn decode<H: Handler>(
        &mut self,
        core: &mut Core<H>,
        context: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Result<usize, Ending> {
        let mut at = 0;
        while at < bytes.len() && self.rest.is_empty() && is_ready(core, context) {
            let decoded = self.decoder.decode(&mut bytes[at..]);
            let decoded = decoded.map_err(|violation| Ending::Lost(violation.text().into()))?;
            at += decoded.consumed;
            match decoded.item {
                Some(Item::Binary(message)) => take_message(core, context, message, &mut self.rest)?,
                Some(Item::Ping(payload)) => {
                    core.excuse_silence();
                    core.outlet.out.control(Opcode::Pong, payload);
                }
                Some(Item::Pong(_)) => core.excuse_silence(),
                Some(Item::Close { code, reason }) => {
                    core.outlet.out.close_frame(code.unwrap_or(CODE_NORMAL));
                    return Err(match code {
                        Some(code) => Ending::Closed { code, reason: reason.into() },
                        None => Ending::Lost("closed by the server without a code".into()),
                    });
                }
                Some(Item::Text(_)) => return Err(Ending::Lost("text where frames were agreed".into())),
                None => {}
            }
        }
        Ok(at)
    }

    fn write<H>(&mut self, core: &mut Core<H>, context: &mut Context<'_>) -> io::Result<()> {
        let stream = &mut self.stream;
        core.outlet.out.poll_write(context, |context, bytes| {
            stream.poll_write(context, bytes).map(|count| count.and_then(some))
        })?;
        match stream.poll_flush(context) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }
}

/// All lanes come this one way.
fn is_ready<H: Handler>(core: &mut Core<H>, context: &mut Context<'_>) -> bool {
    core.is_ready(Way::Control, context) && core.is_ready(Way::Stream, context)
}

/// The frames of a message; those that the handler does not take now go to `rest`.
fn take_message<H: Handler>(
    core: &mut Core<H>,
    context: &mut Context<'_>,
    message: &[u8],
    rest: &mut Vec<u8>,
) -> Result<(), Ending> {
    let mut done = 0;
    for frame in frames(message, core.outlet.bounds.frame_bytes) {
        if done > 0 && !is_ready(core, context) {
            rest.extend_from_slice(&message[done..]);
            return Ok(());
        }
        let frame = frame.inspect_err(|fault| {
            core.handler.handle_garbled(&mut core.outlet, Way::Control, fault);
        });
        let taken = frame.and_then(|frame| {
            done += frame.len();
            core.take(frame, Line::Control)
        });
        taken.map_err(|fault| Ending::Lost(fault.to_string().into()))?;
    }
    Ok(())
}
