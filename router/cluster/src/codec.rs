//! The envelope of every stored record: a kind, a format, a body, a checksum. Garbage is an error, never a panic.
//!
//! `[b'R', b'W', kind, format][body][FNV-1a 64 of all before it]`, integers little-endian. The checksum finds accidents (a hand
//! in the coordinator, a cut value), not enemies: whoever may write to the coordinator owns the cluster anyway.

/// The format that this build writes; it reads this one and none above it.
pub(crate) const FORMAT: u8 = 1;
const MAGIC: [u8; 2] = *b"RW";
const CHECKSUM_BYTES: usize = 8;

/// What a record is; the third byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Root = 1,
    Node = 2,
    Beat = 3,
    Chunk = 4,
    Control = 5,
    Remembered = 6,
}

/// Why bytes are no record of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter or longer than it says.
    Length,
    /// Not a record of this project, or of another kind.
    Kind,
    /// Of a format that a newer build wrote.
    Format(u8),
    /// The checksum does not fit.
    Checksum,
    /// A value that no build writes.
    Value,
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length => formatter.write_str("its length is wrong"),
            Self::Kind => formatter.write_str("it is not a record of this kind"),
            Self::Format(format) => write!(formatter, "it has format {format}, this build reads {FORMAT}"),
            Self::Checksum => formatter.write_str("its checksum is wrong"),
            Self::Value => formatter.write_str("it holds a value out of range"),
        }
    }
}

impl core::error::Error for Malformed {}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// Builds one record.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(vec![MAGIC[0], MAGIC[1], kind as u8, FORMAT])
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn short(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn word(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn long(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// At most 65,535 bytes, with their length before them; more is cut by the caller's own bound.
    pub(crate) fn text(&mut self, value: &str) {
        let length = u16::try_from(value.len()).expect("texts are bounded by their owners");
        self.short(length);
        self.0.extend_from_slice(value.as_bytes());
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let sum = checksum(&self.0);
        self.long(sum);
        self.0
    }
}

/// Reads one record; every read may say [`Malformed::Length`].
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn open(kind: Kind, bytes: &'a [u8]) -> Result<Self, Malformed> {
        let body_end = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(Malformed::Length)?;
        let (record, sum) = bytes.split_at(body_end);
        let &[first, second, stored_kind, format, ref body @ ..] = record else {
            return Err(Malformed::Length);
        };
        if [first, second] != MAGIC || stored_kind != kind as u8 {
            return Err(Malformed::Kind);
        }
        if format != FORMAT {
            return Err(Malformed::Format(format));
        }
        if checksum(record).to_le_bytes() != sum {
            return Err(Malformed::Checksum);
        }
        Ok(Self(body))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed::Length)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take::<1>()?[0])
    }

    pub(crate) fn short(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.take()?))
    }

    pub(crate) fn word(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    pub(crate) fn long(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    pub(crate) fn text(&mut self, bytes_max: usize) -> Result<String, Malformed> {
        let length = usize::from(self.short()?);
        if length > bytes_max {
            return Err(Malformed::Value);
        }
        let (head, rest) = self.0.split_at_checked(length).ok_or(Malformed::Length)?;
        self.0 = rest;
        String::from_utf8(head.to_vec()).map_err(|_| Malformed::Value)
    }

    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Length) }
    }
}
