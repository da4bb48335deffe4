//! Connections: how frames travel. One file for each transport; what they carry is the driver's.

pub(crate) mod quic;
pub(crate) mod websocket;

use std::time::Duration;

use crate::driver::core::Core;
use crate::{Ending, Handler};

/// A connection over which frames can be sent.
pub(crate) enum Link {
    Quic(quic::Quic),
    WebSocket(websocket::WebSocket),
}

impl Link {
    /// Carries frames both ways until the connection is over.
    pub(crate) async fn serve<H: Handler>(self, core: &mut Core<H>, took: Duration) -> Ending {
        match self {
            Self::Quic(link) => link.serve(core, took).await,
            Self::WebSocket(link) => link.serve(core, took).await,
        }
    }
}
