//! The task of one connection: it waits for readiness, never with a read under way (one that is dropped loses its
//! bytes), and reads once for each.

use std::rc::Rc;

use super::context::{Context, Next};
use crate::rt::Io;

/// Reads a connection to its end.
pub(crate) async fn read(context: Rc<Context>, index: u32, io: Rc<Io>) {
    while io.readable().await.is_ok() {
        match context.read(index) {
            Next::Wait => {}
            Next::Hold(go_on) => go_on.wait().await,
            Next::End => break,
        }
    }
    context.closed(index);
}

/// Waits until a full socket has room, then lets the pump go on with it.
pub(crate) async fn wait_writable(context: Rc<Context>, index: u32, serial: u32, io: Rc<Io>) {
    // An error is the end of the connection: the next write finds it.
    let _ = io.writable().await;
    context.writable(index, serial);
}
