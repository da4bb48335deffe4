//! Writes into streams that are told of again. quinn says `Writable` of a stream only after a write that took nothing:
//! one that was cut short by the window of the connection is never heard of, so that it must be tried once more.

use bytes::Bytes;
use quinn_proto::{SendStream, WriteError};

/// Writes as much as the stream takes; if that is not all, `Writable` follows.
///
/// # Errors
/// The stream takes nothing ever again.
pub(crate) fn write(mut stream: SendStream<'_>, bytes: &[u8]) -> Result<usize, WriteError> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(WriteError::Blocked) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// The same without a copy; what was not taken stays in `bytes`.
///
/// # Errors
/// The stream takes nothing ever again.
pub(crate) fn write_shared(stream: &mut SendStream<'_>, bytes: &mut Bytes) -> Result<(), WriteError> {
    while !bytes.is_empty() {
        match stream.write_chunks(std::slice::from_mut(bytes)) {
            Ok(_) => {}
            Err(WriteError::Blocked) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
