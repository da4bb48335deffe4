//! Type, length, payload, all in pieces: the shape of HTTP/3 frames (RFC 9114 §7.1) and of capsules (RFC 9297 §3.2).

use super::varint::{PartialVarint, VARINT_MAX, write_varint};

/// Finds records in bytes that are cut anywhere. It holds no payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordReader {
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Kind(PartialVarint),
    Length { kind: u64, length: PartialVarint },
    Payload { left: u64 },
}

/// A part of a record. Each has one beginning and one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'b> {
    Begin { kind: u64, length: u64 },
    Payload(&'b [u8]),
    End,
}

impl RecordReader {
    pub(super) const fn new() -> Self {
        Self { place: Place::Kind(PartialVarint::EMPTY) }
    }

    /// In a record whose type was read already.
    pub(super) const fn after_kind(kind: u64) -> Self {
        Self { place: Place::Length { kind, length: PartialVarint::EMPTY } }
    }

    /// The next part; `None` when all of `input` was taken.
    pub(super) fn next<'b>(&mut self, input: &mut &'b [u8]) -> Option<Part<'b>> {
        loop {
            match &mut self.place {
                Place::Kind(partial) => {
                    let kind = partial.take(input)?;
                    self.place = Place::Length { kind, length: PartialVarint::EMPTY };
                }
                Place::Length { kind, length } => {
                    let (kind, left) = (*kind, length.take(input)?);
                    self.place = Place::Payload { left };
                    return Some(Part::Begin { kind, length: left });
                }
                Place::Payload { left: 0 } => {
                    *self = Self::new();
                    return Some(Part::End);
                }
                Place::Payload { left } => {
                    let taken = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let (payload, rest) = input.split_at(taken);
                    *input = rest;
                    *left -= taken as u64;
                    return (taken > 0).then_some(Part::Payload(payload));
                }
            }
        }
    }

    /// Gives back the last bytes of the payload that was given out just now; the caller puts them before `input` again.
    pub(super) fn put_back(&mut self, bytes: usize) {
        if let Place::Payload { left } = &mut self.place {
            *left += bytes as u64;
        }
    }

    /// Whether the last record is whole, so that the stream may end here.
    pub(super) const fn is_between(&self) -> bool {
        matches!(self.place, Place::Kind(partial) if !partial.is_begun())
    }
}

/// Appends a record.
pub(super) fn write_record(kind: u64, payload: &[u8], out: &mut Vec<u8>) {
    debug_assert!(payload.len() as u64 <= VARINT_MAX);
    write_varint(kind, out);
    write_varint(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(pieces: &[&[u8]]) -> (Vec<(u64, Vec<u8>)>, bool) {
        let (mut reader, mut records, mut open) = (RecordReader::new(), Vec::new(), None);
        for mut piece in pieces.iter().copied() {
            while let Some(part) = reader.next(&mut piece) {
                match part {
                    Part::Begin { kind, .. } => open = Some((kind, Vec::new())),
                    Part::Payload(bytes) => open.as_mut().unwrap().1.extend_from_slice(bytes),
                    Part::End => records.push(open.take().unwrap()),
                }
            }
            assert!(piece.is_empty());
        }
        (records, reader.is_between())
    }

    #[test]
    fn records_are_found_however_they_are_cut() {
        let mut bytes = Vec::new();
        for (kind, payload) in [(0x4, &b"settings"[..]), (0x2843, b""), (0x21 + 0x1f * 99, b"grease")] {
            write_record(kind, payload, &mut bytes);
        }
        let whole = parts(&[&bytes]);
        assert_eq!((whole.0.len(), whole.1), (3, true));
        for cut in 0..bytes.len() {
            assert_eq!(parts(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(parts(&singles), whole);
        assert!(!parts(&[&bytes[..bytes.len() - 1]]).1);
        assert!(!parts(&[&[0x40]]).1);
    }

    #[test]
    fn a_length_of_half_the_universe_takes_no_memory() {
        let mut reader = RecordReader::after_kind(0);
        let mut input = &[0xff; 4096][..];
        assert_eq!(reader.next(&mut input), Some(Part::Begin { kind: 0, length: VARINT_MAX }));
        assert_eq!(reader.next(&mut input), Some(Part::Payload(&[0xff; 4088])));
        assert_eq!(reader.next(&mut input), None);
    }
}
