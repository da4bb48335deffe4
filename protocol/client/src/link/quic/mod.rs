//! Frames over QUIC: a control stream both ways, streams that the server opens, datagrams. Connection view.

mod apart;
mod connect;
mod control;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use quinn::{Connection, ConnectionError, RecvStream, SendStream, VarInt};
use ringway_protocol::codec::reader;

pub(crate) use connect::{ALPN, config, connect, open};

use self::apart::Streams;
use self::control::Control;
use crate::driver::PASSES_MAX;
use crate::driver::core::{Again, Core, Wish};
use crate::{Ending, Handler, Way};

/// Bytes handed over and not acknowledged, at least and at most; between them it follows the congestion window.
pub(super) const SEND_BYTES_MIN: u64 = 16 * 1024;
const SEND_BYTES_MAX: u64 = 1024 * 1024;
/// How often the send window follows the congestion window.
const WINDOW_EVERY: Duration = Duration::from_millis(100);
/// Chunks, datagrams or streams in one pass before the others have their turn.
pub(super) const BATCH_MAX: usize = 64;

/// A connection with its control stream.
pub(crate) struct Quic {
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
}

impl Quic {
    pub(crate) async fn serve<H: Handler>(self, core: &mut Core<H>, took: Duration) -> Ending {
        let Self { connection, send, receive } = self;
        core.outlet.out.open(false, Some(connection.clone()));
        core.outlet.connection = Some(connection.clone());
        core.handler.handle_connected(&mut core.outlet, took);

        let frame_bytes_max = core.outlet.bounds.frame_bytes;
        let mut control = Control::new(send, receive, frame_bytes_max);
        let mut streams = Streams::new(frame_bytes_max);
        let mut window_at = core.outlet.now();
        let mut ended = None;
        let mut datagram = pin!(connection.read_datagram());
        let mut stream = pin!(connection.accept_uni());
        let mut loose = pin!(None);

        poll_fn(|context| {
            for _ in 0..PASSES_MAX {
                core.turn(context);
                follow_window(&connection, core.outlet.now(), &mut window_at);
                let mut more = false;
                for count in 0..BATCH_MAX {
                    if ended.is_some() {
                        break;
                    }
                    match datagram.as_mut().poll(context) {
                        Poll::Ready(Ok(bytes)) => {
                            take_datagram(core, &bytes);
                            datagram.set(connection.read_datagram());
                            more |= count + 1 == BATCH_MAX;
                        }
                        Poll::Ready(Err(fault)) => ended = Some(fault),
                        Poll::Pending => break,
                    }
                }
                for count in 0..BATCH_MAX {
                    if ended.is_some() || !core.is_ready(Way::Stream, context) {
                        break;
                    }
                    match stream.as_mut().poll(context) {
                        Poll::Ready(Ok(opened)) => {
                            streams.add(opened);
                            stream.set(connection.accept_uni());
                            more |= count + 1 == BATCH_MAX;
                        }
                        Poll::Ready(Err(fault)) => ended = Some(fault),
                        Poll::Pending => break,
                    }
                }
                more |= streams.read(core, context);
                match control.read(core, context) {
                    Poll::Ready(Ok(again)) => more |= again,
                    Poll::Ready(Err(reason)) => {
                        connection.close(VarInt::from_u32(Wish::Break.code().into()), b"");
                        return Poll::Ready(Ending::Lost(reason.into()));
                    }
                    Poll::Pending => {}
                }
                core.speak();
                // What came before the end is taken first: the reason is among it.
                if !more && let Some(fault) = ended.take() {
                    return Poll::Ready(ending_of(fault));
                }
                control.write(core, context);
                write_datagrams(core, &connection, loose.as_mut(), context);
                match core.settle(context) {
                    Poll::Ready(Ok(Wish::Connect) | Err(Again)) => {}
                    Poll::Ready(Ok(wish)) => {
                        connection.close(VarInt::from_u32(wish.code().into()), b"");
                        return Poll::Ready(if wish == Wish::Leave {
                            Ending::Left
                        } else {
                            Ending::Lost("given up by this end".into())
                        });
                    }
                    Poll::Pending if more => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }
}

fn ending_of(fault: ConnectionError) -> Ending {
    match fault {
        ConnectionError::ApplicationClosed(close) => {
            let reason = String::from_utf8_lossy(&close.reason).into();
            match u16::try_from(close.error_code.into_inner()) {
                Ok(code) => Ending::Closed { code, reason },
                Err(_) => Ending::Lost(reason),
            }
        }
        ConnectionError::TimedOut => Ending::Lost("nothing was heard any more".into()),
        other => Ending::Lost(other.to_string().into()),
    }
}

/// A datagram holds whole frames; one that does not is dropped.
fn take_datagram<H: Handler>(core: &mut Core<H>, bytes: &[u8]) {
    core.look_at_clock();
    for frame in reader::frames(bytes, core.outlet.bounds.frame_bytes) {
        match frame {
            Ok(frame) => drop(core.take(frame, Way::Datagram)),
            Err(fault) => core.handler.handle_garbled(&mut core.outlet, Way::Datagram, &fault),
        }
    }
}

/// What quinn has taken can't be replaced by newer values any more, so it takes little more than the path does.
fn follow_window(connection: &Connection, now: Instant, at: &mut Instant) {
    if now < *at {
        return;
    }
    *at = now + WINDOW_EVERY;
    let window = connection.stats().path.cwnd.saturating_mul(2);
    connection.set_send_window(window.clamp(SEND_BYTES_MIN, SEND_BYTES_MAX));
}

/// Sends the datagrams that waited: one is with quinn until there is room, the others can still be replaced.
fn write_datagrams<'a, H>(
    core: &mut Core<H>,
    connection: &'a Connection,
    mut waiting: Pin<&mut Option<quinn::SendDatagram<'a>>>,
    context: &mut Context<'_>,
) {
    loop {
        if let Some(sending) = waiting.as_mut().as_pin_mut() {
            if sending.poll(context).is_pending() {
                return;
            }
            waiting.set(None);
        }
        let Some(frame) = core.outlet.out.poll_datagram() else { return };
        waiting.set(Some(connection.send_datagram_wait(frame)));
    }
}
