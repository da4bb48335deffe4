//! SETTINGS (RFC 9114 §7.2.4): what we announce, and what must be known of the peer's.

use super::Role;
use super::error::{Code, Fault};
use super::frame::{FRAME_SETTINGS, STREAM_CONTROL};
use super::record::write_record;
use super::varint::{take_varint, write_varint};
use crate::limit::HTTP_HEADER_BYTES_MAX;

const QPACK_MAX_TABLE_CAPACITY: u64 = 0x01;
const MAX_FIELD_SECTION_SIZE: u64 = 0x06;
const QPACK_BLOCKED_STREAMS: u64 = 0x07;
/// RFC 9220 §3.
const ENABLE_CONNECT_PROTOCOL: u64 = 0x08;
/// RFC 9297 §2.1.1.
const H3_DATAGRAM: u64 = 0x33;
/// The same in draft-ietf-masque-h3-datagram-04; Chromium sends both.
const H3_DATAGRAM_04: u64 = 0xff_d277;
/// Drafts 02 to 06 of WebTransport: what browsers speak.
const ENABLE_WEBTRANSPORT_02: u64 = 0x2b60_3742;
const MAX_SESSIONS_02: u64 = 0x2b60_3743;
/// Drafts 07 to 12. Later ones want an extension of QUIC that is not offered here (RESET_STREAM_AT), and a client that
/// saw their setting would refuse the older drafts.
const MAX_SESSIONS_07: u64 = 0xc671_706a;

/// Longest SETTINGS taken; a browser's has 30 to 60 bytes.
pub(super) const SETTINGS_BYTES_MAX: u64 = 512;

/// What the peer announced, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) datagrams: bool,
    pub(super) connect_protocol: bool,
    pub(super) webtransport: bool,
}

impl Settings {
    /// From the frame's payload.
    pub(super) fn parse(mut payload: &[u8]) -> Result<Self, Fault> {
        let wrong = |text| Fault::new(Code::SettingsError, text);
        let (mut settings, mut seen) = (Self::default(), Vec::new());
        while !payload.is_empty() {
            let setting = take_varint(&mut payload).zip(take_varint(&mut payload));
            let (id, value) = setting.ok_or(Fault::new(Code::FrameError, "SETTINGS are cut"))?;
            if seen.contains(&id) {
                return Err(wrong("a setting stands twice"));
            }
            seen.push(id);
            match id {
                0x00 | 0x02..=0x05 => return Err(wrong("a setting of HTTP/2")),
                ENABLE_CONNECT_PROTOCOL | H3_DATAGRAM if value > 1 => {
                    return Err(wrong("a setting is neither 0 nor 1"));
                }
                ENABLE_CONNECT_PROTOCOL => settings.connect_protocol = value == 1,
                H3_DATAGRAM | H3_DATAGRAM_04 => settings.datagrams |= value == 1,
                ENABLE_WEBTRANSPORT_02 | MAX_SESSIONS_07 => settings.webtransport |= value > 0,
                _ => {}
            }
        }
        Ok(settings)
    }

    /// Whether sessions can be had with such a peer (draft-ietf-webtrans-http3 §3.1).
    pub(super) const fn suffice(self, of: Role) -> bool {
        match of {
            Role::Client => self.datagrams,
            Role::Server => self.datagrams && self.connect_protocol && self.webtransport,
        }
    }
}

/// Appends what an end writes on its first unidirectional stream, which it never finishes: the stream's type and
/// SETTINGS. Chromium needs the setting of draft 02 and datagrams; every draft that can be served is announced.
pub fn write_control_stream(role: Role, out: &mut Vec<u8>) {
    let mut settings = vec![
        (QPACK_MAX_TABLE_CAPACITY, 0),
        (MAX_FIELD_SECTION_SIZE, HTTP_HEADER_BYTES_MAX as u64),
        (QPACK_BLOCKED_STREAMS, 0),
        (H3_DATAGRAM, 1),
        (H3_DATAGRAM_04, 1),
        (ENABLE_WEBTRANSPORT_02, 1),
    ];
    if role == Role::Server {
        settings.extend([(ENABLE_CONNECT_PROTOCOL, 1), (MAX_SESSIONS_02, 1)]);
    }
    settings.push((MAX_SESSIONS_07, 1));
    let mut payload = Vec::new();
    for (id, value) in settings {
        write_varint(id, &mut payload);
        write_varint(value, &mut payload);
    }
    write_varint(STREAM_CONTROL, out);
    write_record(FRAME_SETTINGS, &payload, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(settings: &[(u64, u64)]) -> Vec<u8> {
        let mut out = Vec::new();
        for &(id, value) in settings {
            write_varint(id, &mut out);
            write_varint(value, &mut out);
        }
        out
    }

    #[test]
    fn chromium_s_settings_suffice_for_a_client() {
        let chromium = [
            (0x1, 65_536),
            (0x6, 16_384),
            (0x7, 100),
            (0x33, 1),
            (0xff_d277, 1),
            (0x2b60_3742, 1),
            (0x1f * 0x1234_5678 + 0x21, 0x0dea_dbee),
        ];
        let settings = Settings::parse(&payload(&chromium)).unwrap();
        assert!(settings.suffice(Role::Client) && !settings.suffice(Role::Server));
        assert!(!Settings::parse(&payload(&chromium[..3])).unwrap().suffice(Role::Client));
    }

    #[test]
    fn ours_are_taken_by_the_other_half() {
        for role in [Role::Server, Role::Client] {
            let mut out = Vec::new();
            write_control_stream(role, &mut out);
            assert_eq!((out[0], out[1]), (0x00, 0x04));
            assert_eq!(usize::from(out[2]), out.len() - 3, "a length of one byte");
            assert!(Settings::parse(&out[3..]).unwrap().suffice(role), "{role:?}");
        }
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        for (settings, code) in [
            (payload(&[(0x6, 1), (0x6, 1)]), Code::SettingsError),
            (payload(&[(0x21, 1), (0x33, 1), (0x21, 2)]), Code::SettingsError),
            (payload(&[(0x33, 2)]), Code::SettingsError),
            (payload(&[(0x8, 2)]), Code::SettingsError),
            (payload(&[(0x2, 0)]), Code::SettingsError),
            (payload(&[(0x5, 0)]), Code::SettingsError),
            (vec![0x33], Code::FrameError),
            (vec![0x33, 0x40], Code::FrameError),
        ] {
            assert_eq!(Settings::parse(&settings).map_err(|fault| fault.code), Err(code), "{settings:?}");
        }
        assert_eq!(Settings::parse(&[]), Ok(Settings::default()));
    }
}
