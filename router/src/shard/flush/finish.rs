//! The end of a connection that has nothing more to say.

use ringway_protocol::websocket::write_close;

use super::Flush;
use crate::shard::connection::Connection;
use crate::transport::socket;

impl Flush {
    /// Everything is written. If the connection is to end, this says so, one thing at a time: by a close frame, by TLS,
    /// then by closing our direction; the reader waits for the peer to do the same.
    pub(super) fn finish(&mut self, connection: &mut Connection) {
        let Some(ending) = &mut connection.ending else { return };
        if let Some((code, reason)) = ending.close.take() {
            write_close(&mut connection.output, code, &reason);
            return;
        }
        if !std::mem::replace(&mut ending.notified, true)
            && let Some(tls) = &mut connection.tls
        {
            tls.close();
            if !tls.outgoing().is_empty() {
                return;
            }
        }
        if !std::mem::replace(&mut ending.finished, true) {
            socket::finish(&*connection.io);
        }
    }
}
