//! Which way a frame came to its session.

/// A way down. What comes on one of the first two keeps its order; between any two there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The stream for everything.
    #[default]
    Control,
    /// A stream of one room, by its number.
    Stream(u32),
    /// A datagram, or a stream of this value alone.
    Apart,
}
