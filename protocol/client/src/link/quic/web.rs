//! WebTransport: what stands around the streams and datagrams of a session on HTTP/3. Connection view.
//!
//! One session has a connection of its own. Everything that is HTTP is in `ringway_protocol::webtransport`; here is only
//! which bytes go to which stream of quinn.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use quinn::{Connection, RecvStream, SendStream, VarInt};
use ringway_protocol::websocket::handshake::SUBPROTOCOL_BINARY;
use ringway_protocol::webtransport::client::{Ask, ConnectStep, ConnectStream};
use ringway_protocol::webtransport::{
    Code, ConnectId, Datagram, End, Fault, Role, Step, UniStream, write_close, write_control_stream,
};

use super::Quic;
use super::connect::not_connected;
use crate::target::Target;
use crate::{ConnectFault, Ending};

/// How long a farewell may take to arrive.
const FAREWELL: Duration = Duration::from_secs(1);

/// A session beside its streams.
pub(super) struct Web {
    pub(super) state: ringway_protocol::webtransport::Connection,
    ask: ConnectStream,
    send: SendStream,
    receive: RecvStream,
    /// Read behind the answer.
    unread: Bytes,
    /// SETTINGS went here; it must stay open.
    _control: SendStream,
    /// The server's streams that were read so far: its own control stream is among them.
    pub(super) begun: Vec<Begun>,
}

/// A stream of the server's of which something was read.
pub(super) struct Begun {
    pub(super) stream: RecvStream,
    pub(super) head: UniStream,
    pub(super) unread: Bytes,
}

/// Asks for a session and opens its control stream.
pub(crate) async fn open(connection: Connection, target: &Target) -> Result<Quic, ConnectFault> {
    let mut state = ringway_protocol::webtransport::Connection::new(Role::Client);
    let mut bytes = Vec::new();
    write_control_stream(Role::Client, &mut bytes);
    let mut control = connection.open_uni().await.map_err(|fault| not_connected(&fault))?;
    write(&mut control, &bytes).await?;
    let begun = await_settings(&connection, &mut state).await?;

    let (mut send, mut receive) = connection.open_bi().await.map_err(|fault| not_connected(&fault))?;
    let (authority, stream) = (target.authority(), u64::from(VarInt::from(send.id())));
    let asked =
        Ask { authority: &authority, target: &target.path, origin: None, protocols: &[SUBPROTOCOL_BINARY] };
    bytes.clear();
    let mut ask = ConnectStream::ask(&state, stream, &asked, &mut bytes).map_err(|fault| broken(&fault))?;
    write(&mut send, &bytes).await?;
    let unread = await_answer(&mut state, &mut ask, &mut receive).await?;

    let id = ask.id();
    let (mut data_send, data_receive) = connection.open_bi().await.map_err(|fault| not_connected(&fault))?;
    bytes.clear();
    id.write_bidi_header(&mut bytes);
    write(&mut data_send, &bytes).await?;
    let web = Web { state, ask, send, receive, unread, _control: control, begun };
    Ok(Quic { connection, send: data_send, receive: data_receive, web: Some(Box::new(web)) })
}

async fn write(stream: &mut SendStream, bytes: &[u8]) -> Result<(), ConnectFault> {
    stream.write_all(bytes).await.map_err(|fault| ConnectFault::Protocol(fault.to_string()))
}

fn broken(fault: &Fault) -> ConnectFault {
    ConnectFault::Protocol(fault.to_string())
}

/// Reads the server's streams until its SETTINGS are there; gives those that were begun.
async fn await_settings(
    connection: &Connection,
    state: &mut ringway_protocol::webtransport::Connection,
) -> Result<Vec<Begun>, ConnectFault> {
    let mut begun: Vec<Begun> = Vec::new();
    let mut accept = pin!(connection.accept_uni());
    poll_fn(|context| {
        while let Poll::Ready(stream) = accept.as_mut().poll(context) {
            let stream = stream.map_err(|fault| not_connected(&fault))?;
            begun.push(Begun { stream, head: UniStream::new(), unread: Bytes::new() });
            accept.set(connection.accept_uni());
        }
        for Begun { stream, head, unread } in &mut begun {
            // Settings come first on their stream; of the others nothing is wanted yet than their type.
            while let Poll::Ready(chunk) = pin!(stream.read_chunk(64, true)).poll(context) {
                let Ok(Some(chunk)) = chunk else { break };
                let mut input = &chunk.bytes[..];
                while !input.is_empty() {
                    match head.read(state, &mut input).map_err(|fault| broken(&fault))? {
                        Step::Settings => {
                            *unread = chunk.bytes.slice_ref(input);
                            return Poll::Ready(Ok(()));
                        }
                        Step::More | Step::GoAway => {}
                        Step::Wait | Step::Data | Step::Stop(_) => {
                            let fault = "a stream of a session before there is one";
                            return Poll::Ready(Err(ConnectFault::Protocol(fault.into())));
                        }
                    }
                }
            }
        }
        Poll::Pending
    })
    .await?;
    Ok(begun)
}

/// Reads the answer; gives what was read behind it.
async fn await_answer(
    state: &mut ringway_protocol::webtransport::Connection,
    ask: &mut ConnectStream,
    receive: &mut RecvStream,
) -> Result<Bytes, ConnectFault> {
    loop {
        let chunk = receive.read_chunk(usize::MAX, true).await;
        let Some(chunk) = chunk.map_err(|fault| ConnectFault::Refused(fault.to_string()))? else {
            return Err(ConnectFault::Refused("the stream ended without an answer".into()));
        };
        let mut input = &chunk.bytes[..];
        match ask.read(state, &mut input).map_err(|fault| broken(&fault))? {
            ConnectStep::More | ConnectStep::Drain => {}
            ConnectStep::Accepted { protocol } if protocol.as_deref() == Some(SUBPROTOCOL_BINARY) => {
                return Ok(chunk.bytes.slice_ref(input));
            }
            ConnectStep::Accepted { .. } => {
                return Err(ConnectFault::Protocol(format!("it does not know {SUBPROTOCOL_BINARY}")));
            }
            ConnectStep::Refused(status) => return Err(ConnectFault::Refused(format!("status {status}"))),
            ConnectStep::Closed(ended) => return Err(ConnectFault::Refused(ended.reason.into())),
            ConnectStep::Broken(fault) => return Err(broken(&fault)),
        }
    }
}

impl Web {
    pub(super) const fn id(&self) -> ConnectId {
        self.ask.id()
    }

    /// What a datagram holds for the session, if it is for it.
    ///
    /// # Errors
    /// The connection must be closed with the fault's code.
    pub(super) fn datagram<'b>(&self, bytes: &'b [u8]) -> Result<Option<&'b [u8]>, Fault> {
        Ok(match self.state.handle_datagram(bytes)? {
            Datagram::Data(frames) => Some(frames),
            Datagram::Early | Datagram::Stray => None,
        })
    }

    /// Reads the stream that stands for the session: how the server ended it, if it did.
    ///
    /// # Errors
    /// The connection must be closed with the fault's code.
    pub(super) fn read(&mut self, context: &mut Context<'_>) -> Result<Option<Ending>, Fault> {
        loop {
            while !self.unread.is_empty() {
                let chunk = std::mem::take(&mut self.unread);
                let mut input = &chunk[..];
                let step = self.ask.read(&mut self.state, &mut input)?;
                self.unread = chunk.slice_ref(input);
                if let Some(ending) = ended(step) {
                    return Ok(Some(ending));
                }
            }
            let end = match pin!(self.receive.read_chunk(usize::MAX, true)).poll(context) {
                Poll::Ready(Ok(Some(chunk))) => {
                    self.unread = chunk.bytes;
                    continue;
                }
                Poll::Ready(Ok(None)) => End::Finished,
                Poll::Ready(Err(quinn::ReadError::Reset(_))) => End::Reset,
                // How the connection ended is told elsewhere.
                Poll::Ready(Err(_)) | Poll::Pending => return Ok(None),
            };
            return self.ask.end(&mut self.state, end).map(ended);
        }
    }

    /// Ends the session from this side, and then the connection.
    pub(super) async fn close(mut self, connection: &Connection, code: u16) {
        let mut capsule = Vec::new();
        write_close(code.into(), "", &mut capsule);
        self.state.end_session();
        let farewell = async {
            if self.send.write_all(&capsule).await.is_ok() && self.send.finish().is_ok() {
                let _ = self.send.stopped().await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        fail(connection, Code::NoError);
    }
}

/// Closes the connection with a code of HTTP/3's.
pub(super) fn fail(connection: &Connection, code: Code) {
    connection.close(VarInt::from_u64(code.number()).unwrap_or_default(), b"");
}

fn ended(step: ConnectStep) -> Option<Ending> {
    match step {
        ConnectStep::Closed(ended) => Some(match u16::try_from(ended.code) {
            Ok(code) if code > 0 => Ending::Closed { code, reason: ended.reason },
            _ => Ending::Lost("the server ended the session without a code".into()),
        }),
        ConnectStep::Broken(fault) => Some(Ending::Lost(fault.to_string().into())),
        ConnectStep::More | ConnectStep::Drain | ConnectStep::Accepted { .. } | ConnectStep::Refused(_) => {
            None
        }
    }
}
