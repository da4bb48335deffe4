//! Frames over QUIC, by itself or under WebTransport: a control stream both ways, streams that the server opens,
//! datagrams. Connection view.

mod apart;
mod connect;
mod control;
mod inlet;
mod web;

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use quinn::{
    AcceptUni, Connection, ConnectionError, ReadDatagram, RecvStream, SendDatagram, SendStream, VarInt,
};
use ringway_protocol::codec::reader;
use ringway_protocol::session::client::Way as Line;
use ringway_protocol::webtransport::{Code, Fault, UniStream};

pub(crate) use connect::{ALPN, config, connect, open};
pub(crate) use web::open as open_web;

use self::apart::Streams;
use self::control::Control;
use self::inlet::Inlet;
use self::web::Web;
use crate::driver::PASSES_MAX;
use crate::driver::core::{Again, CODE_BREAK, Core, Wish};
use crate::driver::out::Datagrams;
use crate::{Ending, Handler, Way};

/// Bytes handed over and not acknowledged, at least and at most; between them it follows the congestion window.
const SEND_BYTES_MIN: u64 = 16 * 1024;
const SEND_BYTES_MAX: u64 = 1024 * 1024;
/// How often the send window follows the congestion window.
const WINDOW_EVERY: Duration = Duration::from_millis(100);
/// Datagrams or streams in one pass before the others have their turn.
const BATCH_MAX: usize = 64;

/// A connection with its control stream.
pub(crate) struct Quic {
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    web: Option<Box<Web>>,
}

/// Why a connection is served no longer.
enum Stop {
    /// The server ended it, or it broke.
    Ended(Ending),
    /// The server broke the protocol.
    Broken(String),
    /// It broke HTTP's rules.
    Fault(Fault),
    /// This end wants it.
    Wished(Wish),
}

/// What is read and written, beside the futures that borrow the connection.
struct Serving {
    control: Control,
    streams: Streams,
    web: Option<Box<Web>>,
    window_at: Instant,
    ended: Option<ConnectionError>,
}

impl Quic {
    pub(crate) async fn serve<H: Handler>(self, core: &mut Core<H>, took: Duration) -> Ending {
        let Self { connection, send, receive, mut web } = self;
        core.outlet.out.open(false, Some(Datagrams::new(&connection, web.as_ref().map(|web| web.id()))));
        core.outlet.connection = Some(connection.clone());
        core.handler.handle_connected(&mut core.outlet, took);

        let frame_bytes_max = core.outlet.bounds.frame_bytes;
        let mut streams = Streams::new(frame_bytes_max);
        for begun in web.iter_mut().flat_map(|web| web.begun.drain(..)) {
            streams.add_begun(begun);
        }
        let control = Control { send, inlet: Inlet::new(receive, frame_bytes_max), over: false };
        let window_at = core.outlet.now();
        let mut serving = Serving { control, streams, web, window_at, ended: None };

        let mut datagram = pin!(connection.read_datagram());
        let mut stream = pin!(connection.accept_uni());
        let mut loose = pin!(None);
        let stop = poll_fn(|context| {
            for _ in 0..PASSES_MAX {
                core.turn(context);
                serving.follow_window(&connection, core.outlet.now());
                let more = serving.read(core, &connection, datagram.as_mut(), stream.as_mut(), context);
                core.speak();
                let more = match more {
                    Ok(more) => more,
                    Err(stop) => return Poll::Ready(stop),
                };
                serving.control.write(core, context);
                write_datagrams(core, &connection, loose.as_mut(), context);
                match core.settle(context) {
                    Poll::Ready(Ok(Wish::Connect) | Err(Again)) => {}
                    Poll::Ready(Ok(wish)) => return Poll::Ready(Stop::Wished(wish)),
                    Poll::Pending if more => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        serving.stop(&connection, stop).await
    }
}

impl Serving {
    /// Everything that the server said; true when there may be more at once.
    fn read<'c, H: Handler>(
        &mut self,
        core: &mut Core<H>,
        connection: &'c Connection,
        datagram: Pin<&mut ReadDatagram<'c>>,
        stream: Pin<&mut AcceptUni<'c>>,
        context: &mut Context<'_>,
    ) -> Result<bool, Stop> {
        let mut more = self.read_datagrams(core, connection, datagram, context).map_err(Stop::Fault)?;
        more |= self.accept(core, connection, stream, context);
        more |= self.streams.read(core, &mut self.web, context).map_err(Stop::Fault)?;
        more |= self.control.read(core, context).map_err(|fault| Stop::Broken(fault.to_string()))?;
        if more {
            return Ok(true);
        }
        // What came before the end is taken first: the reason is among it.
        if let Some(web) = &mut self.web
            && let Some(ending) = web.read(context).map_err(Stop::Fault)?
        {
            return Err(Stop::Ended(ending));
        }
        match self.ended.take() {
            Some(fault) => Err(Stop::Ended(ending_of(fault, self.web.is_some()))),
            None => Ok(false),
        }
    }

    fn read_datagrams<'c, H: Handler>(
        &mut self,
        core: &mut Core<H>,
        connection: &'c Connection,
        mut datagram: Pin<&mut ReadDatagram<'c>>,
        context: &mut Context<'_>,
    ) -> Result<bool, Fault> {
        for _ in 0..BATCH_MAX {
            if self.ended.is_some() {
                return Ok(false);
            }
            match datagram.as_mut().poll(context) {
                Poll::Ready(Ok(bytes)) => {
                    match &self.web {
                        None => take_datagram(core, &bytes),
                        Some(web) => {
                            if let Some(frames) = web.datagram(&bytes)? {
                                take_datagram(core, frames);
                            }
                        }
                    }
                    datagram.set(connection.read_datagram());
                }
                Poll::Ready(Err(fault)) => self.ended = Some(fault),
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }

    fn accept<'c, H: Handler>(
        &mut self,
        core: &mut Core<H>,
        connection: &'c Connection,
        mut stream: Pin<&mut AcceptUni<'c>>,
        context: &mut Context<'_>,
    ) -> bool {
        for _ in 0..BATCH_MAX {
            if self.ended.is_some() || !core.is_ready(Way::Stream, context) {
                return false;
            }
            match stream.as_mut().poll(context) {
                Poll::Ready(Ok(opened)) => {
                    self.streams.add(opened, self.web.is_some().then(UniStream::new));
                    stream.set(connection.accept_uni());
                }
                Poll::Ready(Err(fault)) => self.ended = Some(fault),
                Poll::Pending => return false,
            }
        }
        true
    }

    /// What quinn has taken can't be replaced by newer values any more, so it takes little more than the path does.
    fn follow_window(&mut self, connection: &Connection, now: Instant) {
        if now < self.window_at {
            return;
        }
        self.window_at = now + WINDOW_EVERY;
        let window = connection.stats().path.cwnd.saturating_mul(2);
        connection.set_send_window(window.clamp(SEND_BYTES_MIN, SEND_BYTES_MAX));
    }

    async fn stop(self, connection: &Connection, stop: Stop) -> Ending {
        let (code, ending) = match stop {
            Stop::Ended(ending) => {
                if self.web.is_some() {
                    web::fail(connection, Code::NoError);
                }
                return ending;
            }
            Stop::Broken(reason) => (CODE_BREAK, Ending::Lost(reason.into())),
            Stop::Fault(fault) => {
                web::fail(connection, fault.code);
                return Ending::Lost(fault.to_string().into());
            }
            Stop::Wished(wish @ Wish::Leave) => (wish.code(), Ending::Left),
            Stop::Wished(wish) => (wish.code(), Ending::Lost("given up by this end".into())),
        };
        match self.web {
            Some(web) => web.close(connection, code).await,
            None => connection.close(VarInt::from_u32(code.into()), b""),
        }
        ending
    }
}

/// On WebTransport the connection's code is HTTP's, not ours.
fn ending_of(fault: ConnectionError, is_web: bool) -> Ending {
    match fault {
        ConnectionError::ApplicationClosed(close) if !is_web => {
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
            Ok(frame) => drop(core.take(frame, Line::Apart)),
            Err(fault) => core.handler.handle_garbled(&mut core.outlet, Way::Datagram, &fault),
        }
    }
}

/// Sends the datagrams that waited: one is with quinn until there is room, the others can still be replaced.
fn write_datagrams<'c, H>(
    core: &mut Core<H>,
    connection: &'c Connection,
    mut waiting: Pin<&mut Option<SendDatagram<'c>>>,
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
