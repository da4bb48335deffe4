//! What there is to choose from.

use clap::ValueEnum;

/// What carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportChoice {
    /// WebSocket: ws://, or wss:// if the URL says so.
    Ws,
    /// QUIC, the native protocol: quic://
    Quic,
    /// WebTransport over HTTP/3: https://
    Wt,
    /// TCP, or TLS over it, without WebSocket: what mqtt:// and mqtts:// ask for.
    #[value(skip)]
    Tcp,
}

/// When publications are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ArrivalChoice {
    /// At even intervals.
    Steady,
    /// At random: exponential intervals.
    Poisson,
    /// Several soon after each other, then a pause.
    Bursty,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BodyChoice {
    /// Any bytes.
    Bytes,
    /// UTF-8.
    Text,
    /// One JSON value.
    Json,
}

/// Which format the clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatMix {
    /// All of them flatbuffers.
    Binary,
    /// All of them JSON.
    Json,
    /// Half and half.
    Mixed,
}
