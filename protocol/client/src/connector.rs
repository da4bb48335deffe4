//! Makes connections to one server: what all sessions of a process share.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use ringway_protocol::session::client::Options;
use ringway_protocol::webtransport;
use rustls::pki_types::ServerName;

use crate::link::{Link, quic, websocket};
use crate::target::{Target, Transport};
use crate::{Bounds, Config, ConnectFault, Socket};

/// A server and how to connect to it; clones share TLS sessions and the UDP socket.
#[derive(Clone, Debug)]
pub struct Connector {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    target: Target,
    options: Arc<Options>,
    security: Option<Security>,
    /// Bound at the first connection that needs it.
    socket: Mutex<Option<Socket>>,
}

/// TLS as each transport wants it.
#[derive(Debug)]
enum Security {
    Quic(quinn::ClientConfig),
    Tcp(Arc<rustls::ClientConfig>, ServerName<'static>),
}

impl Connector {
    /// Takes the URL apart and prepares TLS; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL or the trust is of no use.
    pub fn new(config: Config) -> Result<Self, ConnectFault> {
        let target: Target = config.url.parse()?;
        let security = security(&config, &target)?;
        let options = Arc::new(Options {
            token: config.token.clone(),
            client: config.client.clone(),
            versions: config.versions,
        });
        let socket = Mutex::new(config.socket.clone());
        Ok(Self { inner: Arc::new(Inner { config, target, options, security, socket }) })
    }

    /// Where it connects to.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// The UDP socket, if one was given or needed so far.
    #[must_use]
    pub fn socket(&self) -> Option<Socket> {
        self.inner.socket.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.inner.config.bounds
    }

    pub(crate) fn options(&self) -> &Arc<Options> {
        &self.inner.options
    }

    /// Opens one connection, up to where frames can be sent.
    pub(crate) async fn connect(&self) -> Result<Link, ConnectFault> {
        let Inner { config, target, security, .. } = &*self.inner;
        let address = self.resolve().await?;
        match security {
            Some(Security::Quic(tls)) => {
                let socket = self.socket_for(address)?;
                let name = config.server_name.as_deref().unwrap_or(&target.host);
                let connection = quic::connect(&socket, tls.clone(), address, name).await?;
                let opened = match target.transport {
                    Transport::WebTransport => quic::open_web(connection, target).await,
                    _ => quic::open(connection).await,
                };
                opened.map(Link::Quic)
            }
            Some(Security::Tcp(tls, name)) => {
                let stream = websocket::connect(config, address).await?;
                let stream = websocket::secure(stream, Arc::clone(tls), name.clone()).await?;
                websocket::upgrade(stream, target, &config.bounds).await.map(Link::WebSocket)
            }
            None => {
                let stream = websocket::connect(config, address).await?.into();
                websocket::upgrade(stream, target, &config.bounds).await.map(Link::WebSocket)
            }
        }
    }

    async fn resolve(&self) -> Result<SocketAddr, ConnectFault> {
        let Inner { config, target, .. } = &*self.inner;
        let unresolved = |reason: String| ConnectFault::Unresolved { host: target.host.clone(), reason };
        let found = tokio::net::lookup_host((&*target.host, target.port)).await;
        let addresses = found.map_err(|fault| unresolved(fault.to_string()))?;
        let local = match config.socket.as_ref().map(Socket::local_address) {
            Some(Ok(address)) => Some(address),
            _ => config.local_address,
        };
        // A socket of one family reaches no address of the other, except that IPv6 sockets may carry IPv4.
        let reaches = |address: &SocketAddr| local.is_none_or(|local| local.is_ipv6() || address.is_ipv4());
        addresses
            .into_iter()
            .filter(reaches)
            .min_by_key(SocketAddr::is_ipv6)
            .ok_or_else(|| unresolved("none of the local address' family".into()))
    }

    fn socket_for(&self, address: SocketAddr) -> Result<Socket, ConnectFault> {
        let mut held = self.inner.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = &*held {
            return Ok(socket.clone());
        }
        let any: IpAddr =
            if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = Socket::bind(self.inner.config.local_address.unwrap_or(SocketAddr::new(any, 0)))?;
        *held = Some(socket.clone());
        Ok(socket)
    }
}

fn security(config: &Config, target: &Target) -> Result<Option<Security>, ConnectFault> {
    if !target.transport.is_secure() {
        return Ok(None);
    }
    let trust = config.trust.as_ref().ok_or(ConnectFault::NoTrust)?;
    let name = config.server_name.as_deref().unwrap_or(&target.host).to_owned();
    let name = ServerName::try_from(name).map_err(|fault| ConnectFault::Tls(fault.to_string()))?;
    Ok(Some(match target.transport {
        Transport::Quic => Security::Quic(quic::config(trust.tls(&[quic::ALPN], true)?)?),
        Transport::WebTransport => Security::Quic(quic::config(trust.tls(&[webtransport::ALPN], true)?)?),
        Transport::SecureWebSocket | Transport::WebSocket => {
            Security::Tcp(Arc::new(trust.tls(&[b"http/1.1"], false)?), name)
        }
    }))
}
