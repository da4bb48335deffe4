//! What a publication carries and how it travels.

/// How a publication travels. Numbers are the wire's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Lane {
    /// In offset order, kept in history, lost only with a `gap`.
    #[default]
    Reliable = 0,
    /// Per key the newest value matters; it always arrives.
    Latest = 1,
    /// Dropped rather than queued; never after a newer one of its key.
    Unreliable = 2,
}

impl Lane {
    /// From the wire's number.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Reliable),
            1 => Some(Self::Latest),
            2 => Some(Self::Unreliable),
            _ => None,
        }
    }

    /// The JSON wire's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reliable => "reliable",
            Self::Latest => "latest",
            Self::Unreliable => "unreliable",
        }
    }
}

/// What the bytes of a body are. Numbers are the wire's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BodyKind {
    /// No body: on the latest lane, the key is removed.
    #[default]
    None = 0,
    /// One complete JSON value, UTF-8, at most 32 deep; JSON clients see it in `data`.
    Json = 1,
    /// UTF-8; JSON clients see it in `text`.
    Text = 2,
    /// Anything; JSON clients see base64 in `bytes`.
    Bytes = 3,
}

impl BodyKind {
    /// From the wire's number.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Json),
            2 => Some(Self::Text),
            3 => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// A body: its kind and its bytes, borrowed from wherever they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Body<'a> {
    /// What the bytes are.
    pub kind: BodyKind,
    /// Empty when `kind` is `None`.
    pub bytes: &'a [u8],
}

/// The two formats of the one vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Size-prefixed flatbuffer `Frame`s.
    Binary,
    /// One JSON object per text message.
    Json,
}
