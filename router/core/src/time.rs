//! Time as an argument: read once a turn by the rim, made up by the simulator.

use ringway_protocol::UnixMicros;
pub use ringway_protocol::time::Monotonic;

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For every deadline and age.
    pub monotonic: Monotonic,
    /// Only for the `time` that clients see and for the expiry of tokens.
    pub unix: UnixMicros,
}
