//! Bytes as other implementations send them: aioquic 1.7, and Chromium 156 as far as it was watched.

use ringway_protocol::webtransport::client::{Ask, ConnectStep, ConnectStream};
use ringway_protocol::webtransport::{Connection, Role, Step, UniStream};

use crate::support::{Told, hex, long, record, told_however_cut};

/// aioquic's client: a table of 4096 bytes of its own, grease, MAX_PUSH_ID behind SETTINGS.
const AIOQUIC_CONTROL: &str = "0004100150000710080121013301ab603742010d0108";
const AIOQUIC_REQUEST: &str = "0140690000cfd7508aa0e41d139d09b8eb400751032f76312f00b95d8749c87a3f89f058d360ea4567b13f5f4b8f9d29ad17186261d255cb\
     e474d7417f2f09f09587dc66a071d055abb0e9390f423f9cfe6c3553781fa5fb857963fe7e94fe6c3553781fa5fb857e883d5fcf";

/// Chromium's: grease among the settings and a frame of grease behind them.
fn chromium_control() -> Vec<u8> {
    let settings = [
        (0x1, 65_536),
        (0x6, 16_384),
        (0x7, 100),
        (0x33, 1),
        (0xff_d277, 1),
        (0x2b60_3742, 1),
        (0x21 + 0x1f * 0x0123_4567, 0x0bad_cafe),
    ];
    let payload: Vec<u8> =
        settings.into_iter().flat_map(|(id, value)| [long(id), long(value)].concat()).collect();
    [&[0x00][..], &record(0x4, &payload), &record(0x21 + 0x1f * 77, b"grease"), &record(0xf_0700, b"\0u=1")]
        .concat()
}

#[test]
fn aioquic_opens_a_session_with_all_kinds_of_streams() {
    let (control, request) = (hex(AIOQUIC_CONTROL), hex(AIOQUIC_REQUEST));
    let (told, fault) = told_however_cut(&[
        (2, &control),
        (6, &hex("02")),
        (10, &hex("03")),
        (0, &request),
        (4, &hex("4041 00 62696469")),
        (14, &hex("4054 00 756e69")),
    ]);
    assert_eq!(fault, None);
    let [Told::Settings, Told::Request(0, request), rest @ ..] = &told[..] else { panic!("{told:?}") };
    for part in ["localhost:7400", "/v1", "https://game.example", "ringway.v1.fb", "ringway.v1.json"] {
        assert!(request.contains(part), "{part} in {request}");
    }
    assert_eq!(rest, [Told::Data(4, b"bidi".to_vec()), Told::Data(14, b"uni".to_vec())]);
}

#[test]
fn chromium_opens_and_closes_a_session_with_grease_everywhere() {
    let control = chromium_control();
    let session = [
        record(0x21 + 0x1f * 5, b"grease"),
        hex(AIOQUIC_REQUEST),
        record(0x0, &record(0x17 + 0x29 * 1_234, b"grease")),
        record(0x0, &record(0x2843, &[&4_000_u32.to_be_bytes()[..], b"done"].concat())),
    ]
    .concat();
    let (told, fault) = told_however_cut(&[(2, &control), (0, &session)]);
    assert_eq!(fault, None);
    assert!(matches!(&told[..2], [Told::Settings, Told::Request(0, _)]), "{told:?}");
    assert_eq!(told[2..], [Told::Closed(4_000, "done".into())]);
}

#[test]
fn aioquic_s_server_accepts_our_client() {
    let control = hex("0004100150000710080121013301ab60374201");
    let answer = hex(
        "01370000d92f0d4148b782c69b07522b3d895a74a6b65692c1ca9f8592c1ca900b2f01f095abb0e9390f478dfe6c3553781fa5fb857963fe7f",
    );
    for cut in 0..control.len() {
        let mut connection = Connection::new(Role::Client);
        let mut uni = UniStream::new();
        assert_eq!(uni.read(&mut connection, &mut &control[..cut]), Ok(Step::More));
        assert_eq!(uni.read(&mut connection, &mut &control[cut..]), Ok(Step::Settings));
        let ask = Ask { authority: "a", target: "/v1", origin: None, protocols: &["ringway.v1.fb"] };
        let mut stream = ConnectStream::ask(&connection, 0, &ask, &mut Vec::new()).unwrap();
        let accepted = ConnectStep::Accepted { protocol: Some("ringway.v1.fb".into()) };
        assert_eq!(stream.read(&mut connection, &mut &answer[..]), Ok(accepted));
    }
}
