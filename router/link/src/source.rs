//! Bytes to values, in order, each checked before it is believed.

use ringway_protocol::limit::USER_BYTES_MAX;
use ringway_protocol::{Format, RoomName};

use crate::field::Field;
use crate::{DecodeError, Encoded, Fault};

/// What is left of one frame. An error names the field that was asked for and where it begins.
pub(crate) struct Source<'a> {
    frame: &'a [u8],
    at: usize,
    field: &'static str,
    field_at: usize,
}

impl<'a> Source<'a> {
    pub(crate) const fn new(frame: &'a [u8]) -> Self {
        Self { frame, at: 0, field: "frame", field_at: 0 }
    }

    /// Behind so many bytes, if they are there.
    pub(crate) fn at(frame: &'a [u8], at: usize) -> Result<Self, DecodeError> {
        let mut source = Self::new(frame);
        source.bytes(at)?;
        Ok(source)
    }

    /// The refusal of the field that is being read.
    pub(crate) const fn error(&self, fault: Fault) -> DecodeError {
        DecodeError { fault, field: self.field, offset: self.field_at }
    }

    const fn begin(&mut self, field: &'static str) {
        self.field = field;
        self.field_at = self.at;
    }

    /// The next value.
    pub(crate) fn field<T: Field<'a>>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        self.begin(field);
        T::take(self)
    }

    /// So many bytes of the field that is being read.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let rest = &self.frame[self.at..];
        let (bytes, _) = rest.split_at_checked(length).ok_or(self.error(Fault::Cut))?;
        self.at += length;
        Ok(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| self.error(Fault::Cut))
    }

    /// A frame whose format is known.
    pub(crate) fn frame_in(
        &mut self,
        field: &'static str,
        format: Format,
    ) -> Result<Encoded<'a>, DecodeError> {
        self.begin(field);
        Ok(Encoded { format, bytes: self.long_bytes()? })
    }

    /// A frame that crosses as binary.
    pub(crate) fn binary(&mut self, field: &'static str) -> Result<Encoded<'a>, DecodeError> {
        self.frame_in(field, Format::Binary)
    }

    /// A binary frame, to the end.
    pub(crate) fn binary_to_end(&mut self) -> Encoded<'a> {
        Encoded { format: Format::Binary, bytes: self.rest() }
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.frame[self.at..];
        self.at = self.frame.len();
        rest
    }

    /// UTF-8 of at most so many bytes, behind a length of two.
    pub(crate) fn text(&mut self, field: &'static str, bytes_max: usize) -> Result<&'a str, DecodeError> {
        let bytes = self.short_bytes(field, bytes_max)?;
        core::str::from_utf8(bytes).map_err(|_| self.error(Fault::BadText))
    }

    pub(crate) fn text_if_any(
        &mut self,
        field: &'static str,
        bytes_max: usize,
    ) -> Result<Option<&'a str>, DecodeError> {
        if self.field(field)? { self.text(field, bytes_max).map(Some) } else { Ok(None) }
    }

    pub(crate) fn user(&mut self) -> Result<&'a str, DecodeError> {
        self.text("user", USER_BYTES_MAX)
    }

    /// A valid room name.
    pub(crate) fn room(&mut self) -> Result<&'a str, DecodeError> {
        let room = self.text("room", ringway_protocol::room::ROOM_NAME_BYTES_MAX)?;
        RoomName::new(room).map(RoomName::as_str).ok_or(self.error(Fault::BadText))
    }

    /// At most so many bytes, behind a length of two.
    pub(crate) fn short_bytes(
        &mut self,
        field: &'static str,
        bytes_max: usize,
    ) -> Result<&'a [u8], DecodeError> {
        let length = usize::from(self.field::<u16>(field)?);
        if length > bytes_max {
            return Err(self.error(Fault::TooLong));
        }
        self.bytes(length)
    }

    /// Any number of bytes, behind a length of four.
    pub(crate) fn long_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = u32::take(self)? as usize;
        self.bytes(length)
    }

    /// A list behind a count of two bytes. No memory is asked for before its bytes are known to be there.
    pub(crate) fn list<T>(
        &mut self,
        field: &'static str,
        count_max: usize,
        item_bytes_min: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = usize::from(self.field::<u16>(field)?);
        if count > count_max || count * item_bytes_min > self.frame.len() - self.at {
            return Err(self.error(Fault::TooMany));
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Refuses bytes that nobody asked for.
    pub(crate) fn finish(&mut self) -> Result<(), DecodeError> {
        self.begin("frame");
        if self.at < self.frame.len() { Err(self.error(Fault::Trailing)) } else { Ok(()) }
    }
}
