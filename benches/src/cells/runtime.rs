//! The runtimes under comparison behind one interface, resolved at compile time.
//!
//! Buffers are passed by value and handed back, as completion-based runtimes need it; the readiness-based ones just return them.

use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

/// One way to run tasks on one thread.
pub(super) trait Runtime: 'static {
    /// Row of the tables.
    const NAME: &'static str;
    /// A connection.
    type Stream: Stream;

    /// Runs a future, and the tasks that it spawns, on the calling thread until it is done.
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T>;
    /// Starts a task; inside of `run` only.
    fn spawn(task: impl Future<Output = ()> + 'static);
    /// Takes a connection over; inside of `run` only.
    fn adopt(stream: std::net::TcpStream) -> io::Result<Self::Stream>;
}

/// A connection.
pub(super) trait Stream: 'static {
    /// Reads what is there into the buffer, at least one byte, 0 at the end.
    async fn read(&mut self, buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>);
    /// Writes all of it.
    async fn write(&mut self, bytes: Vec<u8>) -> (io::Result<()>, Vec<u8>);
}

const ENTRIES: u32 = 4_096;

/// monoio as it comes.
pub(super) struct Monoio;
/// monoio with the flags that Ringway sets.
pub(super) struct MonoioDeferred;
/// The same, but waiting for readiness only and doing the system calls itself, as Ringway does.
pub(super) struct MonoioReadiness;
/// tokio-uring as it comes: it waits for its ring by epoll and never asks for deferred completions, so that it hangs with DEFER_TASKRUN.
pub(super) struct TokioUring;
/// tokio on one thread.
pub(super) struct Tokio;

fn deferred() -> io_uring06::Builder {
    let mut builder = io_uring06::IoUring::builder();
    builder.setup_single_issuer().setup_defer_taskrun().setup_cqsize(65_536);
    builder
}

fn run_monoio<T: 'static>(
    builder: io_uring06::Builder,
    main: impl Future<Output = T> + 'static,
) -> io::Result<T> {
    let mut runtime = monoio::RuntimeBuilder::<monoio::IoUringDriver>::new()
        .uring_builder(builder)
        .with_entries(ENTRIES)
        .build()?;
    Ok(runtime.block_on(main))
}

macro_rules! on_monoio {
    ($type:ident, $name:literal, $stream:ty, $builder:expr, $adopt:expr) => {
        impl Runtime for $type {
            const NAME: &'static str = $name;
            type Stream = $stream;

            fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
                run_monoio($builder, main)
            }

            fn spawn(task: impl Future<Output = ()> + 'static) {
                monoio::spawn(task);
            }

            fn adopt(stream: std::net::TcpStream) -> io::Result<Self::Stream> {
                monoio::net::TcpStream::from_std(stream).map($adopt)
            }
        }
    };
}

on_monoio!(
    Monoio,
    "monoio, default ring",
    monoio::net::TcpStream,
    io_uring06::IoUring::builder(),
    |stream| stream
);
on_monoio!(MonoioDeferred, "monoio, DEFER_TASKRUN", monoio::net::TcpStream, deferred(), |stream| stream);
on_monoio!(
    MonoioReadiness,
    "monoio, DEFER_TASKRUN, readiness + system calls",
    Readiness,
    deferred(),
    Readiness
);

impl Stream for monoio::net::TcpStream {
    async fn read(&mut self, buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        monoio::io::AsyncReadRent::read(self, buffer).await
    }

    async fn write(&mut self, bytes: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        let (result, bytes) = monoio::io::AsyncWriteRentExt::write_all(self, bytes).await;
        (result.map(drop), bytes)
    }
}

/// A connection of monoio of which only the readiness is used.
pub(super) struct Readiness(monoio::net::TcpStream);

impl Stream for Readiness {
    async fn read(&mut self, mut buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        loop {
            if let Err(error) = self.0.readable(false).await {
                return (Err(error), buffer);
            }
            match receive(self.0.as_raw_fd(), &mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return (result, buffer),
            }
        }
    }

    async fn write(&mut self, bytes: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        let mut written = 0;
        while written < bytes.len() {
            match send(self.0.as_raw_fd(), &bytes[written..]) {
                Ok(sent) => written += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Err(error) = self.0.writable(false).await {
                        return (Err(error), bytes);
                    }
                }
                Err(error) => return (Err(error), bytes),
            }
        }
        (Ok(()), bytes)
    }
}

fn receive(socket: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for writes of its length; a wrong descriptor is an error, not a fault.
    let read = unsafe { libc::recv(socket, buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

fn send(socket: RawFd, bytes: &[u8]) -> io::Result<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the bytes are valid for reads of their length; a wrong descriptor is an error, not a fault.
    let sent = unsafe { libc::send(socket, bytes.as_ptr().cast(), bytes.len(), flags) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

impl Runtime for TokioUring {
    const NAME: &'static str = "tokio-uring, default ring";
    type Stream = tokio_uring::net::TcpStream;

    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        Ok(tokio_uring::builder()
            .entries(ENTRIES)
            .uring_builder(io_uring06::IoUring::builder().setup_cqsize(65_536))
            .start(main))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) {
        tokio_uring::spawn(task);
    }

    fn adopt(stream: std::net::TcpStream) -> io::Result<Self::Stream> {
        Ok(tokio_uring::net::TcpStream::from_std(stream))
    }
}

impl Stream for tokio_uring::net::TcpStream {
    async fn read(&mut self, buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        Self::read(self, buffer).await
    }

    async fn write(&mut self, bytes: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        self.write_all(bytes).await
    }
}

impl Runtime for Tokio {
    const NAME: &'static str = "tokio, epoll";
    type Stream = tokio::net::TcpStream;

    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        Ok(tokio::task::LocalSet::new().block_on(&runtime, main))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(task);
    }

    fn adopt(stream: std::net::TcpStream) -> io::Result<Self::Stream> {
        stream.set_nonblocking(true)?;
        tokio::net::TcpStream::from_std(stream)
    }
}

impl Stream for tokio::net::TcpStream {
    async fn read(&mut self, mut buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        (tokio::io::AsyncReadExt::read(self, &mut buffer).await, buffer)
    }

    async fn write(&mut self, bytes: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        (tokio::io::AsyncWriteExt::write_all(self, &bytes).await, bytes)
    }
}
