//! Bytes that no peer of ours sends: refused, with the field and its place, or read and written again as the same; and
//! never more memory than a few times what they are long.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ringway_link::{DecodeError, Fault, Frame, HEAD_BYTES, Head, Writer, decode};

mod golden;

/// Counts what this thread asked for since it was last reset.
struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is the system's allocator; the count is a plain thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get().saturating_add(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and the memory is the system's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Decodes, and holds what must hold of any bytes.
fn judge(bytes: &[u8]) -> Result<Frame<'_>, DecodeError> {
    ASKED.set(0);
    let decoded = decode(bytes);
    let asked = ASKED.get();
    assert!(asked <= 6 * bytes.len() + 512, "{asked} bytes asked for by {} bytes", bytes.len());
    match &decoded {
        Ok(frame) => {
            let mut writer = Writer::new(bytes.len());
            writer.push(frame).unwrap_or_else(|error| panic!("read but not written: {error}: {frame:?}"));
            assert_eq!(writer.as_bytes(), bytes, "another way to write {frame:?}");
        }
        Err(error) => assert!(error.offset <= bytes.len() && !error.field.is_empty(), "{error}"),
    }
    decoded
}

fn set_length(frame: &mut [u8]) {
    let length = frame.len() as u32 - 4;
    frame[..4].copy_from_slice(&length.to_le_bytes());
}

#[test]
fn a_frame_cut_at_any_byte_is_refused() {
    for (what, bytes) in golden::all() {
        for cut in 0..bytes.len() {
            let error = judge(&bytes[..cut]).expect_err(&what);
            assert!(matches!(error.fault, Fault::Cut | Fault::BadLength), "{what} at {cut}: {error}");
        }
    }
}

/// The same with a length that fits: only a frame whose last field takes all that is left may still be read.
#[test]
fn a_frame_cut_at_any_byte_with_a_length_that_fits_is_judged() {
    for (what, bytes) in golden::all() {
        for cut in 4..bytes.len() {
            let mut bytes = bytes[..cut].to_vec();
            set_length(&mut bytes);
            let decoded = judge(&bytes);
            if cut < HEAD_BYTES {
                assert_eq!(decoded.unwrap_err().fault, Fault::TooShort, "{what}");
            }
        }
    }
}

#[test]
fn bytes_behind_the_last_field_are_refused() {
    for (what, mut bytes) in golden::all() {
        bytes.push(0);
        assert_eq!(judge(&bytes).unwrap_err().fault, Fault::BadLength, "{what}");
        set_length(&mut bytes);
        if let Err(error) = judge(&bytes) {
            let expected = matches!(error.fault, Fault::Trailing | Fault::BadValue);
            assert!(expected, "{what}: {error}");
        }
    }
}

#[test]
fn any_single_bit_that_flips_is_judged() {
    for (_, mut bytes) in golden::all() {
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let _ = judge(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn any_byte_with_its_edge_values_is_judged() {
    for (_, mut bytes) in golden::all() {
        for at in 0..bytes.len() {
            let kept = bytes[at];
            for value in [0x00, 0x7f, 0x80, 0xff] {
                bytes[at] = value;
                let _ = judge(&bytes);
            }
            bytes[at] = kept;
        }
    }
}

#[test]
fn counts_and_lengths_that_lie_ask_for_no_memory() {
    for (_, mut bytes) in golden::all() {
        for at in HEAD_BYTES..bytes.len().saturating_sub(1) {
            let kept = [bytes[at], bytes[at + 1]];
            for value in [u16::MAX, 1024, 2048] {
                bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
                let _ = judge(&bytes);
            }
            bytes[at..at + 2].copy_from_slice(&kept);
        }
    }
}

fn golden(what: &str) -> Vec<u8> {
    golden::all().into_iter().find(|(name, _)| name == what).expect("a golden frame").1
}

fn refused(mut bytes: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> (Fault, &'static str, usize) {
    change(&mut bytes);
    set_length(&mut bytes);
    let error = judge(&bytes).expect_err("it was read");
    (error.fault, error.field, error.offset)
}

#[test]
fn a_refusal_names_the_fault_the_field_and_its_place() {
    let ping = || golden("ping");
    let publish = || golden("publish, sent again");
    assert_eq!(refused(ping(), |bytes| bytes[4] = 0x7f), (Fault::UnknownKind, "kind", 4));
    assert_eq!(refused(ping(), |bytes| bytes[5] = 0x80), (Fault::UnknownFlag, "flags", 5));
    assert_eq!(refused(ping(), |bytes| bytes[6] = 1), (Fault::BadAddress, "address", 6));
    assert_eq!(refused(ping(), |bytes| bytes[11] = 1), (Fault::BadValue, "term", 8));
    assert_eq!(refused(ping(), |bytes| bytes[20] = 1), (Fault::BadAddress, "address", 6));
    assert_eq!(refused(ping(), |bytes| bytes.push(0)), (Fault::Trailing, "frame", 32));
    assert_eq!(refused(ping(), |bytes| bytes.truncate(31)), (Fault::Cut, "token", 24));
    assert_eq!(refused(golden("hello"), |bytes| bytes[24] = b'R'), (Fault::BadMagic, "magic", 24));
    assert_eq!(refused(golden("hello"), |bytes| bytes[32] = 2), (Fault::BadValue, "versions", 32));
    assert_eq!(refused(publish(), |bytes| bytes[24] = 2), (Fault::BadValue, "origin", 24));
    let room = |bytes: &[u8]| bytes.windows(4).position(|part| part == b"chat").unwrap();
    let at = room(&publish());
    assert_eq!(refused(publish(), |bytes| bytes[at] = 0xff), (Fault::BadText, "room", at - 2));
    assert_eq!(refused(publish(), |bytes| bytes[at] = b'\n'), (Fault::BadText, "room", at - 2));
    assert_eq!(refused(publish(), |bytes| bytes[at - 2] = 129), (Fault::TooLong, "room", at - 2));
    let members = golden("record: members");
    assert_eq!(refused(members, |bytes| bytes[37] = 3), (Fault::TooMany, "members", 37));
}

#[test]
fn a_frame_has_no_address_but_that_of_its_kind() {
    const REFUSED: (Fault, &str, usize) = (Fault::BadAddress, "address", 6);
    for what in ["a session is displaced", "flush", "ack", "flushed", "record: all was sent"] {
        assert_eq!(refused(golden(what), |bytes| bytes[12] = 1), REFUSED, "{what}: a room");
    }
    for what in ["publication on the reliable lane", "presence changed", "reset", "record: a room"] {
        assert_eq!(refused(golden(what), |bytes| bytes[6] = 1), REFUSED, "{what}: a shard");
        assert_eq!(refused(golden(what), |bytes| bytes[20] = 1), REFUSED, "{what}: a number");
    }
    for at in [6, 8, 12, 19, 20] {
        assert_eq!(refused(golden("disconnect a user"), |bytes| bytes[at] = 1), REFUSED, "byte {at}");
    }
    let nobody = (Fault::BadValue, "edges", 24);
    for what in ["publication of a key", "presence changed", "reset"] {
        assert_eq!(refused(golden(what), |bytes| bytes[24..32].fill(0)), nobody, "{what}");
    }
}

#[test]
fn what_can_t_come_back_or_be_kept_is_refused() {
    let returned = || golden("returned: leave");
    for kind in [0x17, 0x18, 0x0f, 0x20, 0x2b, 0xff] {
        assert_eq!(refused(returned(), |bytes| bytes[24] = kind), (Fault::BadValue, "request", 24));
    }
    let room = golden("record: a room without a window of ids");
    let first = 24 + 13 + 12 + 8;
    assert_eq!(refused(room, |bytes| bytes[first..first + 8].fill(0)), (Fault::BadValue, "first", first));
    let known = || golden("record: an id with the longest form");
    let at = 24 + 13 + 2 + 12;
    let emptied = |bytes: &mut Vec<u8>| {
        bytes.truncate(at);
        bytes.extend([0, 0]);
    };
    assert_eq!(refused(known(), emptied), (Fault::BadValue, "known", at));
    assert_eq!(refused(known(), |bytes| bytes[at] = 162), (Fault::TooLong, "known", at));
    assert_eq!(refused(known(), |bytes| bytes[36] = 9), (Fault::BadValue, "content", 36));
    let disconnect = golden("disconnect a session");
    assert_eq!(refused(disconnect, |bytes| bytes[34] = 0x0b), (Fault::BadValue, "code", 33));
}

#[test]
fn an_unknown_kind_is_skipped_only_if_its_flag_says_so() {
    let bytes = golden("a frame of a newer version that may be skipped");
    assert!(matches!(judge(&bytes), Ok(Frame::Unknown(_))));
    assert_eq!(Head::of(&bytes).unwrap().kind, 0x7f);
    assert_eq!(refused(bytes, |bytes| bytes[5] = 0x01).0, Fault::UnknownKind);
}
