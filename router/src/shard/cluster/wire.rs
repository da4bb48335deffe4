//! Between what shards say and the frames of links.

use ringway_core::{Delivery, Told};
use ringway_link::{Encoded, Frame, Notice};
use ringway_protocol::Format;

use super::parcel::Ending;
use super::relay::Outward;
use crate::frame::SharedFrame;

/// Makes the frame of something that goes to another node.
pub(super) fn with_frame<T>(outward: Outward, push: impl FnOnce(&Frame<'_>) -> T) -> T {
    match outward {
        Outward::Ask(shard, asked) => push(&Frame::Request(shard, asked)),
        Outward::Ending(ending) => {
            let Ending { code, reason, .. } = &*ending;
            push(&Frame::Notice(Notice::Disconnect { whom: ending.target(), code: *code, reason }))
        }
        Outward::Tell(told) => with_delivery(told, push),
    }
}

/// The same for what an owner says.
pub(crate) fn with_delivery<T>(told: Told<SharedFrame>, push: impl FnOnce(&Frame<'_>) -> T) -> T {
    let format = match &told.delivery {
        Delivery::Reply { format, .. } => *format,
        _ => Format::Binary,
    };
    let mut frames = Vec::with_capacity(1);
    let told = told.map(|frame| {
        frames.push(frame);
        frames.len() - 1
    });
    push(&Frame::Delivery(told.map(|index| encoded(&frames[index], format))))
}

/// The form that crosses: the wanted one if it was made.
fn encoded(frame: &SharedFrame, wanted: Format) -> Encoded<'_> {
    let other = if wanted == Format::Binary { Format::Json } else { Format::Binary };
    let format = if frame.has(wanted) { wanted } else { other };
    Encoded { format, bytes: frame.without_header(format) }
}

/// With frames that this node's sessions can be sent.
pub(crate) fn shared(told: Told<Encoded<'_>>) -> Told<SharedFrame> {
    told.map(|frame| SharedFrame::of_wire(frame.format, frame.bytes))
}
