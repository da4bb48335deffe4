//! The seam to the wire: what encodes events into frames, and what a frame must offer.

use ringway_protocol::{Event, Format};

/// Turns events into frames. One per shard; the core calls it and moves what it returns.
pub trait Encoder {
    /// A frame inside a shard: cheap to clone (reference-counted).
    type Frame: Clone;
    /// The same frame on its way to another shard.
    type Shared: Clone + Send + 'static;

    /// Encodes an event for one session in its format.
    fn reply(&mut self, event: &Event<'_>, format: Format) -> Self::Frame;

    /// Encodes an event for everybody: the binary form now, others by [`Encoder::prepare`] when somebody needs them.
    fn broadcast(&mut self, event: &Event<'_>) -> Self::Frame;

    /// Makes sure that the frame has this form; built at most once per shard, from the binary form. `room` is the
    /// name of the room that a `message` names only by its handle.
    fn prepare(&mut self, frame: &Self::Frame, format: Format, room: &str);

    /// Bytes of a form on the wire. A form that was never prepared counts 0.
    fn bytes(frame: &Self::Frame, format: Format) -> usize;

    /// Bytes the frame holds in memory, for budgets.
    fn bytes_held(frame: &Self::Frame) -> usize;

    /// The frame for another shard.
    fn share(frame: &Self::Frame) -> Self::Shared;

    /// A frame from another shard.
    fn adopt(shared: Self::Shared) -> Self::Frame;
}
