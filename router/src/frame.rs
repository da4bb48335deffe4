//! Frames as they go to the socket: `[WebSocket header][size prefix][flatbuffer]` built once, `[WebSocket header][JSON]`
//! built at most once per shard and only when somebody reads it.
//!
//! Shard view; only [`SharedFrame`] crosses to others, and shares the bytes. WebSocket takes a form whole, streams and
//! datagrams take the binary form from its size prefix on ([`WireFrame::without_header`]).

use std::cell::OnceCell;
use std::rc::Rc;

use bytes::Bytes;
use ringway_core::Encoder;
use ringway_protocol::codec::{BinaryEncoder, binary_to_json, json};
use ringway_protocol::websocket::{FrameHeader, Opcode};
use ringway_protocol::{Event, Format};

/// One event in the forms that exist of it.
#[derive(Debug, Default)]
pub(crate) struct WireFrame {
    binary: OnceCell<Form>,
    json: OnceCell<Form>,
}

/// One form: a whole WebSocket message.
#[derive(Clone, Debug)]
struct Form {
    bytes: Bytes,
    header_bytes: u8,
}

impl Form {
    fn new(opcode: Opcode, payload: &[u8]) -> Self {
        let header = FrameHeader::new(opcode, payload.len(), true);
        let mut bytes = Vec::with_capacity(header.as_bytes().len() + payload.len());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(payload);
        Self { bytes: bytes.into(), header_bytes: header.as_bytes().len() as u8 }
    }
}

impl WireFrame {
    /// The whole WebSocket message in this format; empty if that form was never made.
    pub(crate) fn bytes(&self, format: Format) -> &[u8] {
        self.form(format).map_or(&[], |form| &form.bytes)
    }

    /// The same without the WebSocket header: size prefix and flatbuffer, or the JSON text.
    pub(crate) fn without_header(&self, format: Format) -> &[u8] {
        self.form(format).map_or(&[], |form| &form.bytes[usize::from(form.header_bytes)..])
    }

    /// [`WireFrame::without_header`], sharing the bytes.
    pub(crate) fn without_header_shared(&self, format: Format) -> Bytes {
        self.form(format).map_or(Bytes::new(), |form| form.bytes.slice(usize::from(form.header_bytes)..))
    }

    /// The form that another node sent: without the WebSocket header, as it goes over links.
    pub(crate) fn of_wire(format: Format, bytes: &[u8]) -> Self {
        match format {
            Format::Binary => Self { binary: Form::new(Opcode::Binary, bytes).into(), json: OnceCell::new() },
            Format::Json => Self { binary: OnceCell::new(), json: Form::new(Opcode::Text, bytes).into() },
        }
    }

    /// Whether this form was made.
    pub(crate) fn has(&self, format: Format) -> bool {
        self.form(format).is_some()
    }

    fn form(&self, format: Format) -> Option<&Form> {
        match format {
            Format::Binary => self.binary.get(),
            Format::Json => self.json.get(),
        }
    }
}

/// A frame on its way to another shard.
#[derive(Clone, Debug)]
pub(crate) struct SharedFrame {
    binary: Option<Form>,
    json: Option<Form>,
}

impl SharedFrame {
    /// As [`WireFrame::of_wire`].
    pub(crate) fn of_wire(format: Format, bytes: &[u8]) -> Self {
        match format {
            Format::Binary => Self { binary: Some(Form::new(Opcode::Binary, bytes)), json: None },
            Format::Json => Self { binary: None, json: Some(Form::new(Opcode::Text, bytes)) },
        }
    }

    /// Whether this form was made.
    pub(crate) const fn has(&self, format: Format) -> bool {
        match format {
            Format::Binary => self.binary.is_some(),
            Format::Json => self.json.is_some(),
        }
    }

    /// A form as it goes over links; empty if it was never made.
    pub(crate) fn without_header(&self, format: Format) -> &[u8] {
        let form = match format {
            Format::Binary => &self.binary,
            Format::Json => &self.json,
        };
        form.as_ref().map_or(&[], |form| &form.bytes[usize::from(form.header_bytes)..])
    }

    /// Bytes of all its forms.
    pub(crate) fn bytes_held(&self) -> usize {
        [&self.binary, &self.json].into_iter().flatten().map(|form| form.bytes.len()).sum()
    }
}

/// Encodes the core's events: one per shard, with buffers that are used again.
#[derive(Default)]
pub(crate) struct WireEncoder {
    builder: BinaryEncoder,
    text: Vec<u8>,
}

impl WireEncoder {
    fn binary(&mut self, event: &Event<'_>) -> Form {
        Form::new(Opcode::Binary, self.builder.event(event))
    }

    fn json(&mut self, event: &Event<'_>) -> Form {
        self.text.clear();
        json::encode_event(event, &mut self.text);
        Form::new(Opcode::Text, &self.text)
    }
}

impl Encoder for WireEncoder {
    type Frame = Rc<WireFrame>;
    type Shared = SharedFrame;

    fn reply(&mut self, event: &Event<'_>, format: Format) -> Rc<WireFrame> {
        Rc::new(match format {
            Format::Binary => WireFrame { binary: self.binary(event).into(), json: OnceCell::new() },
            Format::Json => WireFrame { binary: OnceCell::new(), json: self.json(event).into() },
        })
    }

    fn broadcast(&mut self, event: &Event<'_>) -> Rc<WireFrame> {
        self.reply(event, Format::Binary)
    }

    fn prepare(&mut self, frame: &Rc<WireFrame>, format: Format, room: &str) {
        if format == Format::Binary || frame.json.get().is_some() {
            return;
        }
        let Some(binary) = frame.binary.get() else { return };
        self.text.clear();
        let payload = &binary.bytes[usize::from(binary.header_bytes)..];
        let made = binary_to_json(payload, room, &mut self.text);
        debug_assert!(made.is_ok(), "our own frame does not decode: {made:?}");
        let _ = frame.json.set(Form::new(Opcode::Text, &self.text));
    }

    fn bytes(frame: &Rc<WireFrame>, format: Format) -> usize {
        frame.bytes(format).len()
    }

    fn bytes_held(frame: &Rc<WireFrame>) -> usize {
        let forms = [&frame.binary, &frame.json].into_iter().filter_map(OnceCell::get);
        size_of::<WireFrame>() + forms.map(|form| form.bytes.len()).sum::<usize>()
    }

    fn share(frame: &Rc<WireFrame>) -> SharedFrame {
        SharedFrame { binary: frame.binary.get().cloned(), json: frame.json.get().cloned() }
    }

    fn adopt(shared: SharedFrame) -> Rc<WireFrame> {
        let cell = |form: Option<Form>| form.map_or_else(OnceCell::new, OnceCell::from);
        Rc::new(WireFrame { binary: cell(shared.binary), json: cell(shared.json) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_protocol::codec::binary;

    fn pong() -> Event<'static> {
        Event::Pong { id: None, time: ringway_protocol::UnixMicros(7) }
    }

    #[test]
    fn a_broadcast_has_its_json_form_only_once_somebody_needs_it() {
        let mut encoder = WireEncoder::default();
        let frame = encoder.broadcast(&pong());
        assert_eq!(WireEncoder::bytes(&frame, Format::Json), 0);
        encoder.prepare(&frame, Format::Json, "room");
        assert!(frame.bytes(Format::Json).ends_with(b"}"));
        assert_eq!(frame.bytes(Format::Json)[0], 0x81);
        assert_eq!(frame.bytes(Format::Binary)[0], 0x82);
    }

    #[test]
    fn another_shard_gets_the_same_bytes_without_a_copy() {
        let mut encoder = WireEncoder::default();
        let frame = encoder.broadcast(&pong());
        encoder.prepare(&frame, Format::Json, "room");
        let adopted = WireEncoder::adopt(WireEncoder::share(&frame));
        for format in [Format::Binary, Format::Json] {
            assert_eq!(adopted.bytes(format).as_ptr(), frame.bytes(format).as_ptr());
        }
    }

    #[test]
    fn what_follows_the_header_is_a_frame() {
        let frame = WireEncoder::default().broadcast(&pong());
        assert_eq!(binary::decode_event(frame.without_header(Format::Binary)), Ok(pong()));
    }
}
