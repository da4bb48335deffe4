//! The control stream: commands, and in order most of what the server says. Connection view.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use quinn::SendStream;
use ringway_protocol::codec::DecodeError;
use ringway_protocol::session::client::Way as Line;

use super::inlet::{Inlet, Progress};
use crate::Handler;
use crate::driver::core::Core;

/// A server that ended its control stream closes the connection within this time.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

pub(super) struct Control {
    pub(super) send: SendStream,
    pub(super) inlet: Inlet,
    /// The server has said all.
    pub(super) over: bool,
}

impl Control {
    /// True when there may be more at once.
    ///
    /// # Errors
    /// The server broke the protocol.
    pub(super) fn read<H: Handler>(
        &mut self,
        core: &mut Core<H>,
        context: &mut Context<'_>,
    ) -> Result<bool, DecodeError> {
        if self.over {
            return Ok(false);
        }
        let Poll::Ready(progress) = self.inlet.read(core, Line::Control, context)? else {
            return Ok(false);
        };
        match progress {
            Progress::More => return Ok(true),
            Progress::Held => {}
            Progress::Finished => {
                self.over = true;
                core.give_up_at(Some(core.outlet.now() + CLOSE_WITHIN));
            }
            // The connection says by itself how it ended.
            Progress::Gone => self.over = true,
        }
        Ok(false)
    }

    pub(super) fn write<H>(&mut self, core: &mut Core<H>, context: &mut Context<'_>) {
        let mut send = Pin::new(&mut self.send);
        // A connection that is lost says so where it is read.
        let _ =
            core.outlet.out.poll_write(context, |context, bytes| send.as_mut().poll_write(context, bytes));
    }
}
