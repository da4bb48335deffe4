//! One non-blocking socket, plain or under TLS. Connection view.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};

use rustls::ClientConnection;
use socket2::{Domain, Protocol, Socket, Type};

use super::Target;
use super::sys::bind_without_port;

/// A socket on its way to, or connected with, the target.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<(ClientConnection, TcpStream)>),
}

impl Transport {
    /// Begins to connect; the socket becomes writable when it is decided.
    pub(super) fn connect(target: &Target, connection: u32) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(target.address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(bytes) = target.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(source) = target.source_of(connection) {
            bind_without_port(socket.as_raw_fd())?;
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&target.address.into()) {
            Ok(()) => {}
            Err(fault) if fault.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(fault) => return Err(fault),
        }
        let stream = TcpStream::from(socket);
        match &target.tls {
            None => Ok(Self::Plain(stream)),
            Some((config, server)) => {
                let connection =
                    ClientConnection::new(config.clone(), server.clone()).map_err(io::Error::other)?;
                Ok(Self::Tls(Box::new((connection, stream))))
            }
        }
    }

    /// Whether more may be readable without the socket saying so.
    pub(super) const fn buffers(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether bytes handed over still wait for the socket.
    pub(super) fn wants_write(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.0.wants_write(),
        }
    }

    /// Why the connection attempt failed, if it did.
    pub(super) fn fault(&self) -> Option<io::Error> {
        self.stream().take_error().ok().flatten()
    }

    /// Makes the close a reset: what waits is thrown away on both sides.
    pub(super) fn reset_on_close(&self) {
        let _ = socket2::SockRef::from(self.stream()).set_linger(Some(std::time::Duration::ZERO));
    }

    fn stream(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) => &tls.1,
        }
    }
}

impl AsRawFd for Transport {
    fn as_raw_fd(&self) -> RawFd {
        self.stream().as_raw_fd()
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(tls) => {
                let (connection, stream) = &mut **tls;
                rustls::Stream::new(connection, stream).read(buffer)
            }
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(tls) => {
                let (connection, stream) = &mut **tls;
                rustls::Stream::new(connection, stream).write(bytes)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => {
                let (connection, stream) = &mut **tls;
                while connection.wants_write() {
                    connection.write_tls(stream)?;
                }
                Ok(())
            }
        }
    }
}
