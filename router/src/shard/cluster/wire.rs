//! Between what shards say and the frames of links.

use std::rc::Rc;

use ringway_core::Told;
use ringway_link::{Encoded, Forms};
use ringway_protocol::Format;

use crate::frame::{SharedFrame, WireFrame};

impl Forms for SharedFrame {
    fn form(&self, format: Option<Format>) -> Encoded<'_> {
        let format = form_that_is(format, |format| self.has(format));
        Encoded { format, bytes: self.without_header(format) }
    }
}

impl Forms for WireFrame {
    fn form(&self, format: Option<Format>) -> Encoded<'_> {
        let format = form_that_is(format, |format| self.has(format));
        Encoded { format, bytes: self.without_header(format) }
    }
}

/// The form that crosses: the wanted one if it was made.
fn form_that_is(wanted: Option<Format>, has: impl Fn(Format) -> bool) -> Format {
    let wanted = wanted.unwrap_or(Format::Binary);
    let other = if wanted == Format::Binary { Format::Json } else { Format::Binary };
    if has(wanted) { wanted } else { other }
}

/// With frames that this node's sessions can be sent, whichever shard they are on.
pub(crate) fn shared(told: Told<Encoded<'_>>) -> Told<SharedFrame> {
    told.map(|frame| SharedFrame::of_wire(frame.format, frame.bytes))
}

/// With frames for the sessions of this shard.
pub(crate) fn own(told: Told<Encoded<'_>>) -> Told<Rc<WireFrame>> {
    told.map(|frame| Rc::new(WireFrame::of_wire(frame.format, frame.bytes)))
}
