//! Group 6: UTF-8 in text messages, with the complete list of sequences that the suite took from Markus Kuhn's stress
//! test (6.5 to 6.23), in the suite's order.

use super::harness::{Answer, Case, EchoServer, TEXT, frame};
use ringway_protocol::websocket::RfcClose::InvalidPayload;

const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
const ACCENTS: &str = "Hello-µ@ßöäüàá-UTF-8!!";

#[test]
fn group_6_1_empty_fragments_are_fragments() {
    Case::new("6.1.1").frame(TEXT, true, b"").text(b"").closes_cleanly();
    Case::new("6.1.2")
        .frame(TEXT, false, b"")
        .frame(0, false, b"")
        .frame(0, true, b"")
        .text(b"")
        .closes_cleanly();
    Case::new("6.1.3")
        .frame(TEXT, false, b"")
        .frame(0, false, b"middle frame payload")
        .frame(0, true, b"")
        .text(b"middle frame payload")
        .closes_cleanly();
}

#[test]
fn group_6_2_characters_may_be_cut_by_fragments() {
    Case::new("6.2.1").frame(TEXT, true, ACCENTS).text(ACCENTS).closes_cleanly();
    Case::new("6.2.2")
        .frame(TEXT, false, "Hello-µ@ßöä")
        .frame(0, true, "üàá-UTF-8!!")
        .text(ACCENTS)
        .closes_cleanly();
    Case::new("6.2.3").fragmented(TEXT, ACCENTS.as_bytes(), 1).text(ACCENTS).closes_cleanly();
    Case::new("6.2.4").fragmented(TEXT, KOSME, 1).text(KOSME).closes_cleanly();
}

#[test]
fn group_6_3_a_surrogate_in_a_text_fails_the_connection() {
    let text = [KOSME, b"\xed\xa0\x80", b"edited"].concat();
    Case::new("6.3.1").frame(TEXT, true, &text).fails(InvalidPayload);
    Case::new("6.3.2").fragmented(TEXT, &text, 1).fails(InvalidPayload);
}

/// The suite waits between the parts: the first alone is fine, the second must fail the connection before the third.
#[test]
fn group_6_4_text_fails_at_the_first_byte_that_makes_it_invalid() {
    let text = [KOSME, b"\xf4\x90\x80\x80", b"edited"].concat();
    let whole = frame(TEXT, true, 0, &text);
    let header = whole.len() - text.len();
    for (id, first, second) in [
        ("6.4.1", frame(TEXT, false, 0, KOSME), frame(0, false, 0, b"\xf4\x90\x80\x80")),
        ("6.4.2", frame(TEXT, false, 0, &text[..12]), frame(0, false, 0, &text[12..13])),
        ("6.4.3", whole[..header + 11].to_vec(), whole[header + 11..header + 15].to_vec()),
        ("6.4.4", whole[..header + 12].to_vec(), whole[header + 12..header + 13].to_vec()),
    ] {
        let mut server = EchoServer::new(super::harness::ECHO_BYTES_MAX);
        server.receive(&first);
        assert!(!server.is_closed(), "case {id}: the first part is a prefix of valid text");
        server.receive(&second);
        assert_eq!(server.answers(), [Answer::Close(Some(InvalidPayload.number()))], "case {id}");
    }
}

/// The groups 6.5 to 6.23: which sequences, and whether they are valid.
fn sequences() -> Vec<Vec<(bool, Vec<u8>)>> {
    let all = |valid: bool, sequences: &[&[u8]]| -> Vec<_> {
        sequences.iter().map(|sequence| (valid, sequence.to_vec())).collect()
    };
    let lonely = |first: u8, last: u8| (first..last).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>();
    let cut: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    let mut boundaries = all(true, &[b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf"]);
    boundaries.extend(all(false, &[b"\xf4\x90\x80\x80"]));
    let mut unexpected = all(
        false,
        &[
            b"\x80",
            b"\xbf",
            b"\x80\xbf",
            b"\x80\xbf\x80",
            b"\x80\xbf\x80\xbf",
            b"\x80\xbf\x80\xbf\x80",
            b"\x80\xbf\x80\xbf\x80\xbf",
        ],
    );
    unexpected.push((false, (0x80..0xbf).collect()));
    let mut noncharacters = all(true, &[b"\xef\xbf\xbe", b"\xef\xbf\xbf"]);
    for first in 0xf0..=0xf4 {
        for second in [0x8f, 0x9f, 0xaf, 0xbf] {
            let beyond_unicode = first == 0xf4 && second != 0x8f;
            let overlong = first == 0xf0 && second == 0x8f;
            if !beyond_unicode && !overlong {
                noncharacters.extend([0xbe, 0xbf].map(|last| (true, vec![first, second, 0xbf, last])));
            }
        }
    }
    vec![
        all(
            true,
            &[
                b"hello\x24world",
                b"hello\xc2\xa2world",
                b"hello\xe2\x82\xacworld",
                b"hello\xf0\xa4\xad\xa2world",
                KOSME,
            ],
        ),
        // Valid where a character ends: κ is two bytes, ό three, σ, μ and ε two each.
        (1..=KOSME.len()).map(|end| ([2, 5, 7, 9, 11].contains(&end), KOSME[..end].to_vec())).collect(),
        all(true, &[b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
        all(false, &[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
        all(true, &[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
        all(false, &[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
        boundaries,
        unexpected,
        [(0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb), (0xfc, 0xfd)]
            .map(|(first, last)| (false, lonely(first, last)))
            .to_vec(),
        all(false, &cut),
        vec![(false, cut.concat())],
        all(false, &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
        all(
            false,
            &[
                b"\xc0\xaf",
                b"\xe0\x80\xaf",
                b"\xf0\x80\x80\xaf",
                b"\xf8\x80\x80\x80\xaf",
                b"\xfc\x80\x80\x80\x80\xaf",
            ],
        ),
        all(
            false,
            &[
                b"\xc1\xbf",
                b"\xe0\x9f\xbf",
                b"\xf0\x8f\xbf\xbf",
                b"\xf8\x87\xbf\xbf\xbf",
                b"\xfc\x83\xbf\xbf\xbf\xbf",
            ],
        ),
        all(
            false,
            &[
                b"\xc0\x80",
                b"\xe0\x80\x80",
                b"\xf0\x80\x80\x80",
                b"\xf8\x80\x80\x80\x80",
                b"\xfc\x80\x80\x80\x80\x80",
            ],
        ),
        all(
            false,
            &[
                b"\xed\xa0\x80",
                b"\xed\xad\xbf",
                b"\xed\xae\x80",
                b"\xed\xaf\xbf",
                b"\xed\xb0\x80",
                b"\xed\xbe\x80",
                b"\xed\xbf\xbf",
            ],
        ),
        all(
            false,
            &[
                b"\xed\xa0\x80\xed\xb0\x80",
                b"\xed\xa0\x80\xed\xbf\xbf",
                b"\xed\xad\xbf\xed\xb0\x80",
                b"\xed\xad\xbf\xed\xbf\xbf",
                b"\xed\xae\x80\xed\xb0\x80",
                b"\xed\xae\x80\xed\xbf\xbf",
                b"\xed\xaf\xbf\xed\xb0\x80",
                b"\xed\xaf\xbf\xed\xbf\xbf",
            ],
        ),
        noncharacters,
        all(
            true,
            &[
                b"\xef\xbf\xb9",
                b"\xef\xbf\xba",
                b"\xef\xbf\xbb",
                b"\xef\xbf\xbc",
                b"\xef\xbf\xbd",
                b"\xef\xbf\xbe",
                b"\xef\xbf\xbf",
            ],
        ),
    ]
}

#[test]
fn groups_6_5_to_6_23_only_utf_8_is_echoed() {
    for (group, sequences) in sequences().into_iter().enumerate() {
        for (number, (valid, text)) in sequences.into_iter().enumerate() {
            let id = format!("6.{}.{}", group + 5, number + 1);
            if valid {
                Case::new(&id).frame(TEXT, true, &text).text(&text).closes_cleanly();
            } else {
                Case::new(&id).frame(TEXT, true, &text).fails(InvalidPayload);
            }
            // Beside the suite: the same in fragments of one byte.
            if valid {
                Case::new(id).fragmented(TEXT, &text, 1).text(&text).closes_cleanly();
            } else {
                Case::new(id).fragmented(TEXT, &text, 1).fails(InvalidPayload);
            }
        }
    }
}

#[test]
fn the_list_has_as_many_sequences_as_the_suite_s() {
    let counts: Vec<_> = sequences().iter().map(Vec::len).collect();
    assert_eq!(counts, [5, 11, 4, 2, 4, 3, 5, 8, 5, 10, 1, 3, 5, 5, 5, 7, 8, 34, 7]);
}
