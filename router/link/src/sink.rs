//! Values to bytes, in order. What the peer would refuse is refused here: the first fault sticks, and the frame is undone.

use ringway_protocol::limit::USER_BYTES_MAX;
use ringway_protocol::{Format, RoomName};

use crate::field::{Encoded, Field, Forms};
use crate::{EncodeError, Fault};

/// The end of a buffer to which one frame is appended.
pub(crate) struct Sink<'b> {
    bytes: &'b mut Vec<u8>,
    refused: Option<EncodeError>,
}

impl<'b> Sink<'b> {
    pub(crate) const fn new(bytes: &'b mut Vec<u8>) -> Self {
        Self { bytes, refused: None }
    }

    pub(crate) fn finish(self) -> Result<(), EncodeError> {
        self.refused.map_or(Ok(()), Err)
    }

    pub(crate) fn refuse(&mut self, fault: Fault, field: &'static str) {
        self.refused.get_or_insert(EncodeError { fault, field });
    }

    pub(crate) fn field<'a>(&mut self, value: impl Field<'a>) {
        value.put(self);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, field: &'static str, bytes_max: usize, text: &str) {
        self.short_bytes(field, bytes_max, text.as_bytes());
    }

    pub(crate) fn text_if_any(&mut self, field: &'static str, bytes_max: usize, text: Option<&str>) {
        self.field(text.is_some());
        if let Some(text) = text {
            self.text(field, bytes_max, text);
        }
    }

    pub(crate) fn user(&mut self, user: &str) {
        self.text("user", USER_BYTES_MAX, user);
    }

    pub(crate) fn room(&mut self, room: &str) {
        if RoomName::new(room).is_none() {
            self.refuse(Fault::BadText, "room");
        }
        self.text("room", ringway_protocol::room::ROOM_NAME_BYTES_MAX, room);
    }

    pub(crate) fn short_bytes(&mut self, field: &'static str, bytes_max: usize, bytes: &[u8]) {
        if bytes.len() > bytes_max {
            return self.refuse(Fault::TooLong, field);
        }
        self.count(field, bytes.len());
        self.bytes(bytes);
    }

    pub(crate) fn long_bytes(&mut self, field: &'static str, bytes: &[u8]) {
        match u32::try_from(bytes.len()) {
            Ok(length) => self.field(length),
            Err(_) => return self.refuse(Fault::TooLong, field),
        }
        self.bytes(bytes);
    }

    /// A frame in the one form that it has.
    pub(crate) fn frame(&mut self, frame: &impl Forms) {
        self.field(frame.form(None));
    }

    /// A frame whose format the reader knows.
    pub(crate) fn frame_in(&mut self, field: &'static str, format: Format, frame: &impl Forms) {
        let encoded = self.in_format(field, format, frame);
        self.long_bytes(field, encoded.bytes);
    }

    /// A frame that crosses as binary.
    pub(crate) fn binary(&mut self, field: &'static str, frame: &impl Forms) {
        self.frame_in(field, Format::Binary, frame);
    }

    /// A binary frame, to the end.
    pub(crate) fn binary_to_end(&mut self, frame: &impl Forms) {
        let encoded = self.in_format("frame", Format::Binary, frame);
        self.bytes(encoded.bytes);
    }

    fn in_format<'f>(&mut self, field: &'static str, format: Format, frame: &'f impl Forms) -> Encoded<'f> {
        let encoded = frame.form(Some(format));
        if encoded.format != format {
            self.refuse(Fault::BadValue, field);
        }
        encoded
    }

    pub(crate) fn list<T>(
        &mut self,
        field: &'static str,
        count_max: usize,
        items: &[T],
        mut item: impl FnMut(&mut Self, &T),
    ) {
        if items.len() > count_max {
            return self.refuse(Fault::TooMany, field);
        }
        self.count(field, items.len());
        items.iter().for_each(|value| item(self, value));
    }

    /// A length or count within its bound.
    fn count(&mut self, field: &'static str, count: usize) {
        match u16::try_from(count) {
            Ok(count) => self.field(count),
            Err(_) => self.refuse(Fault::TooLong, field),
        }
    }
}
