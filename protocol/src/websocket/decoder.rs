//! The frame decoder of one connection: bytes in, messages and control frames out, borrowed where possible.
//!
//! A frame that lies whole in the input costs an in-place XOR and, for text, one UTF-8 check; it is given out without
//! a copy. Everything else goes through [`Assembly`], which is boxed and absent while nothing is cut.

use super::assembly::{Assembly, MessageKind};
use super::close::parse_close;
use super::header::{HEADER_BYTES_MAX, Header};
use super::mask::{apply_mask, rotate_key};
use super::{Opcode, Role, Violation};

/// Reads the frames of one connection.
///
/// ```
/// use ringway_protocol::websocket::{Decoder, Item, Role, write_frame_masked, Opcode};
///
/// let mut scratch = Vec::new();
/// write_frame_masked(&mut scratch, Opcode::Text, b"hi", [1, 2, 3, 4]);
/// write_frame_masked(&mut scratch, Opcode::Ping, b"", [5, 6, 7, 8]);
///
/// let mut decoder = Decoder::new(Role::Server, 64 * 1024);
/// let (mut at, mut items) = (0, 0);
/// loop {
///     let decoded = decoder.decode(&mut scratch[at..]).expect("valid frames");
///     at += decoded.consumed;
///     match decoded.item {
///         Some(Item::Text(text)) => assert_eq!(text, "hi"),
///         Some(_) => {}
///         None => break, // everything was consumed
///     }
///     items += 1;
/// }
/// assert_eq!((at, items), (scratch.len(), 2));
/// ```
#[derive(Debug)]
pub struct Decoder {
    assembly: Option<Box<Assembly>>,
    /// Payload bytes of the current frame still to come; 0 in the stage `Header`.
    remaining: u32,
    message_bytes_max: u32,
    /// The current frame's key, turned to the next payload byte.
    key: [u8; 4],
    /// A header cut by the end of the input.
    head: [u8; HEADER_BYTES_MAX],
    head_bytes: u8,
    /// The current frame; `Continuation` also for the rest of a first frame whose beginning is in the assembly.
    opcode: Opcode,
    fin: bool,
    role: Role,
    stage: Stage,
}

const _: () = assert!(size_of::<Decoder>() <= 48);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Header,
    Payload,
    /// A close frame or a violation was seen: whatever follows is ignored (RFC 6455 §§5.5.1, 7.1.7).
    Ended,
}

/// What one call of [`Decoder::decode`] did.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// Bytes of the input that are done with; all of them when there is no item.
    pub consumed: usize,
    /// The next item; `None` when the input holds no more.
    pub item: Option<Item<'a>>,
}

/// A whole message or control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// Answer with a pong of the same payload.
    Ping(&'a [u8]),
    /// An answer to a ping, or unasked.
    Pong(&'a [u8]),
    /// Answer with a close frame, then end the connection; nothing follows.
    Close {
        /// `None`: the peer gave none.
        code: Option<u16>,
        /// Empty when the peer gave none.
        reason: &'a str,
    },
}

impl Decoder {
    /// A decoder at the start of a connection, right after the handshake. `message_bytes_max` bounds a message's
    /// payload over all its fragments.
    #[must_use]
    pub const fn new(role: Role, message_bytes_max: u32) -> Self {
        Self {
            assembly: None,
            remaining: 0,
            message_bytes_max,
            key: [0; 4],
            head: [0; HEADER_BYTES_MAX],
            head_bytes: 0,
            opcode: Opcode::Continuation,
            fin: false,
            role,
            stage: Stage::Header,
        }
    }

    /// Takes the next item from the input, or all of the input.
    ///
    /// Call it with what is left of the input until there is no item; the last call also gives back the memory of a
    /// message that had to be gathered. Payloads are unmasked in place: offer no byte twice.
    ///
    /// # Errors
    /// The peer broke a rule; nothing more will be read from this connection.
    #[inline]
    pub fn decode<'a>(&'a mut self, input: &'a mut [u8]) -> Result<Decoded<'a>, Violation> {
        if self.assembly.is_some() {
            self.release();
        }
        let mut at = 0;
        loop {
            match self.stage {
                Stage::Header => match self.take_header(&input[at..]) {
                    Ok((taken, true)) => at += taken,
                    Ok((_, false)) => return Ok(Decoded { consumed: input.len(), item: None }),
                    Err(violation) => return Err(self.end(violation)),
                },
                Stage::Payload => {}
                Stage::Ended => return Ok(Decoded { consumed: input.len(), item: None }),
            }
            let available = (self.remaining as usize).min(input.len() - at);
            let payload = at..at + available;
            at += available;
            if self.key != [0; 4] {
                apply_mask(&mut input[payload.clone()], self.key);
            }

            if self.is_whole_message(available) {
                self.stage = Stage::Header;
                self.remaining = 0;
                let item = match message(MessageKind::of(self.opcode), &input[payload]) {
                    Ok(item) => item,
                    Err(violation) => {
                        self.stage = Stage::Ended;
                        return Err(violation);
                    }
                };
                return Ok(Decoded { consumed: at, item: Some(item) });
            }

            self.remaining -= available as u32;
            self.key = rotate_key(self.key, available);
            if self.opcode.is_control() {
                if self.remaining > 0 {
                    if available > 0 {
                        self.assembly.get_or_insert_default().append_control(&input[payload]);
                    }
                    return Ok(Decoded { consumed: at, item: None });
                }
                self.stage = if self.opcode == Opcode::Close { Stage::Ended } else { Stage::Header };
                let item = match &mut self.assembly {
                    Some(assembly) if assembly.has_control() => {
                        assembly.append_control(&input[payload]);
                        control(self.opcode, assembly.control())
                    }
                    _ => control(self.opcode, &input[payload]),
                };
                return item.map(|item| Decoded { consumed: at, item: Some(item) });
            }

            if let Err(violation) = self.gather(&input[payload]) {
                return Err(self.end(violation));
            }
            if self.remaining > 0 {
                return Ok(Decoded { consumed: at, item: None });
            }
            self.stage = Stage::Header;
            if self.fin {
                return self.deliver(at);
            }
        }
    }

    /// Whether a close frame or a violation was seen, so that nothing more will come.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    /// Bytes held beyond the struct itself, for memory budgets.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.assembly.as_ref().map_or(0, |assembly| assembly.bytes_held())
    }

    /// Reads a header from the input's front: bytes taken, and whether it is complete and the stage is `Payload`.
    #[inline]
    fn take_header(&mut self, input: &[u8]) -> Result<(usize, bool), Violation> {
        if self.head_bytes == 0
            && let Some(header) = Header::parse(input, self.role)?
        {
            self.begin_frame(header)?;
            return Ok((header.header_bytes, true));
        }
        self.take_cut_header(input)
    }

    /// The same for a header that does not lie whole in one input. It is read byte by byte, at most 14 of them.
    #[cold]
    fn take_cut_header(&mut self, input: &[u8]) -> Result<(usize, bool), Violation> {
        for (index, byte) in input.iter().enumerate() {
            let head_bytes = usize::from(self.head_bytes);
            self.head[head_bytes] = *byte;
            self.head_bytes += 1;
            if let Some(header) = Header::parse(&self.head[..=head_bytes], self.role)? {
                self.head_bytes = 0;
                self.begin_frame(header)?;
                return Ok((index + 1, true));
            }
        }
        Ok((input.len(), false))
    }

    /// Checks a header against what came before it.
    #[inline]
    fn begin_frame(&mut self, header: Header) -> Result<(), Violation> {
        let in_message = self.in_message();
        let gathered = match header.opcode {
            Opcode::Continuation if !in_message => return Err(Violation::NothingToContinue),
            Opcode::Text | Opcode::Binary if in_message => return Err(Violation::Interleaved),
            Opcode::Continuation => self.assembly.as_ref().map_or(0, |assembly| assembly.message_bytes()),
            _ => 0,
        };
        let room = if header.opcode.is_control() {
            u64::from(u32::MAX)
        } else {
            u64::from(self.message_bytes_max).saturating_sub(gathered as u64)
        };
        if header.payload_bytes > room {
            return Err(Violation::MessageTooBig);
        }
        self.remaining = header.payload_bytes as u32;
        self.key = header.key;
        self.opcode = header.opcode;
        self.fin = header.fin;
        self.stage = Stage::Payload;
        Ok(())
    }

    fn in_message(&self) -> bool {
        self.assembly.as_ref().is_some_and(|assembly| assembly.in_message())
    }

    /// An unfragmented data frame, none of it gathered, all of it here.
    fn is_whole_message(&self, available: usize) -> bool {
        self.fin
            && matches!(self.opcode, Opcode::Text | Opcode::Binary)
            && available == self.remaining as usize
    }

    /// Puts a piece of a data frame into the assembly; from then on the frame counts as a continuation.
    fn gather(&mut self, piece: &[u8]) -> Result<(), Violation> {
        if piece.is_empty() && self.remaining > 0 {
            return Ok(());
        }
        let assembly = self.assembly.get_or_insert_default();
        if self.opcode != Opcode::Continuation {
            assembly.begin(MessageKind::of(self.opcode), piece.len() + self.remaining as usize);
            self.opcode = Opcode::Continuation;
        }
        assembly.append(piece)
    }

    fn deliver(&mut self, consumed: usize) -> Result<Decoded<'_>, Violation> {
        let Some(assembly) = &mut self.assembly else { return Err(Violation::NothingToContinue) };
        let item = assembly.finish().and_then(|(kind, bytes)| message(kind, bytes));
        if item.is_err() {
            self.stage = Stage::Ended;
        }
        item.map(|item| Decoded { consumed, item: Some(item) })
    }

    /// Frees what the last item borrowed.
    fn release(&mut self) {
        if self.stage == Stage::Payload {
            return;
        }
        match &mut self.assembly {
            Some(assembly) if assembly.in_message() && self.stage == Stage::Header => {
                assembly.clear_control()
            }
            assembly => *assembly = None,
        }
    }

    fn end(&mut self, violation: Violation) -> Violation {
        self.stage = Stage::Ended;
        violation
    }
}

#[inline]
fn message(kind: MessageKind, bytes: &[u8]) -> Result<Item<'_>, Violation> {
    match kind {
        MessageKind::Text => {
            simdutf8::basic::from_utf8(bytes).map(Item::Text).map_err(|_| Violation::InvalidUtf8)
        }
        MessageKind::Binary => Ok(Item::Binary(bytes)),
    }
}

fn control(opcode: Opcode, payload: &[u8]) -> Result<Item<'_>, Violation> {
    match opcode {
        Opcode::Ping => Ok(Item::Ping(payload)),
        Opcode::Pong => Ok(Item::Pong(payload)),
        _ => parse_close(payload).map(|(code, reason)| Item::Close { code, reason }),
    }
}
