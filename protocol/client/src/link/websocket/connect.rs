//! How a WebSocket comes to be: TCP, perhaps TLS, the upgrade.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use ringway_protocol::websocket::handshake::{ClientHandshake, SUBPROTOCOL_BINARY};
use ringway_protocol::websocket::{Decoder, Role};
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::WebSocket;
use super::tcp::Tcp;
use crate::driver::out::some;
use crate::target::Target;
use crate::{Bounds, Config, ConnectFault, random};

/// The system's send buffer: what it holds can't be replaced by newer values any more.
const SEND_BYTES: u32 = 64 * 1024;

/// A TCP connection.
pub(crate) async fn connect(config: &Config, address: SocketAddr) -> Result<TcpStream, ConnectFault> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BYTES)?;
    if let Some(bytes) = config.bounds.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(local) = config.local_address {
        socket.bind(local)?;
    }
    Ok(socket.connect(address).await?)
}

/// TLS on it.
pub(crate) async fn secure(
    stream: TcpStream,
    config: Arc<rustls::ClientConfig>,
    name: ServerName<'static>,
) -> Result<Tcp, ConnectFault> {
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    Ok(Tcp::Tls(Box::new(stream)))
}

/// Asks for the upgrade.
pub(crate) async fn upgrade(
    mut stream: Tcp,
    target: &Target,
    bounds: &Bounds,
) -> Result<WebSocket, ConnectFault> {
    let mut nonce = [0; 16];
    random::fill(&mut nonce);
    let mut handshake = ClientHandshake::new(nonce);
    let mut request = Vec::new();
    let (host, path) = (target.authority(), &target.path);
    handshake.write_request(&host, path, &[SUBPROTOCOL_BINARY], &[], &mut request);
    let mut written = 0;
    while written < request.len() {
        written += poll_fn(|context| stream.poll_write(context, &request[written..])).await.and_then(some)?;
    }
    poll_fn(|context| stream.poll_flush(context)).await?;
    let mut received = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let count = poll_fn(|context| stream.poll_read(context, &mut buffer)).await?;
        if count == 0 {
            return Err(ConnectFault::Refused("the connection was closed instead of upgraded".into()));
        }
        received.extend_from_slice(&buffer[..count]);
        let accepted = handshake.handle_response(&received);
        match accepted.map_err(|fault| ConnectFault::Refused(fault.to_string()))? {
            Some(accepted) if accepted.subprotocol.as_deref() == Some(SUBPROTOCOL_BINARY) => {
                received.drain(..accepted.consumed);
                break;
            }
            Some(_) => return Err(ConnectFault::Protocol(format!("it does not know {SUBPROTOCOL_BINARY}"))),
            None => {}
        }
    }
    let bytes_max = u32::try_from(bounds.frame_bytes).unwrap_or(u32::MAX);
    let decoder = Decoder::new(Role::Client, bytes_max);
    Ok(WebSocket { stream, decoder, unread: received, rest: Vec::new() })
}
