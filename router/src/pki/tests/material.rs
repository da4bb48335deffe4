//! What is and is not taken for an authority, a certificate and a key.

use crate::pki::certificate::{self, Certificate, Role, date};
use crate::pki::credentials::{Credentials, Texts};
use crate::pki::fault::{Bad, Fault, Part};
use crate::pki::issue::{self, Authority, Made};
use crate::pki::name::NodeNumber;
use crate::pki::testing::{DAY, NOW, clock, cluster, credentials, issued, made_authority, node, time};

fn bad(part: Part, fault: Fault) -> Bad {
    Bad { part, path: None, fault }
}

fn of(authority: &[u8], certificate: &[u8], key: &[u8]) -> Result<Credentials, Bad> {
    Credentials::new(Texts { authority, certificate, key }, clock(NOW))
}

#[test]
fn what_is_issued_says_who_it_is_and_how_long() {
    let authority = made_authority("game");
    let made = issued(&authority, 7);
    let read = |made: &Made| {
        Certificate::read(&certificate::of_pem(made.certificate.as_bytes()).unwrap()[0]).unwrap()
    };
    assert_eq!(read(&authority).role, Role::Authority(cluster("game")));
    let told = read(&made);
    assert_eq!(told.role, Role::Node(node("game", 7)));
    assert_eq!(told.issuer, "O=Ringway, CN=game");
    assert_eq!([told.begins, told.ends], [time(NOW - 3_600), time(NOW + 90 * DAY)]);
    assert_eq!(told.ends, made.ends);
    assert_ne!(told.serial, read(&issued(&authority, 7)).serial);
    assert_eq!(credentials(&authority, &made, NOW).unwrap().identity, node("game", 7));
}

#[test]
fn one_text_may_hold_certificate_and_key() {
    let authority = made_authority("game");
    let made = issued(&authority, 1);
    let text = format!("for people\n{}{}", made.certificate, made.key);
    let credentials = of(authority.certificate.as_bytes(), text.as_bytes(), text.as_bytes()).unwrap();
    assert_eq!(credentials.identity, node("game", 1));
}

#[test]
fn each_mistake_is_told_by_its_part() {
    let authority = made_authority("game");
    let (made, other) = (issued(&authority, 1), issued(&authority, 2));
    let [ca, leaf, key] = [&authority.certificate, &made.certificate, &made.key].map(String::as_bytes);
    let cut = &leaf[..leaf.len() / 2];
    let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let many = authority.certificate.repeat(9);
    for (result, expected) in [
        (of(b"", leaf, key), bad(Part::Authority, Fault::FileEmpty)),
        (of(ca, b" \n", key), bad(Part::Certificate, Fault::FileEmpty)),
        (of(ca, leaf, b""), bad(Part::Key, Fault::FileEmpty)),
        (of(b"hello", leaf, key), bad(Part::Authority, Fault::NoCertificate)),
        (of(ca, key, key), bad(Part::Certificate, Fault::NoCertificate)),
        (of(ca, leaf, leaf), bad(Part::Key, Fault::NoKey)),
        (of(ca, leaf, no_key), bad(Part::Key, Fault::BadKey)),
        (of(ca, cut, key), bad(Part::Certificate, Fault::BadPem)),
        (of(ca, garbage, key), bad(Part::Certificate, Fault::BadCertificate)),
        (of(garbage, leaf, key), bad(Part::Authority, Fault::BadCertificate)),
        (of(leaf, leaf, key), bad(Part::Authority, Fault::NotAuthority)),
        (of(many.as_bytes(), leaf, key), bad(Part::Authority, Fault::TooManyCertificates(8))),
        (of(ca, ca, authority.key.as_bytes()), bad(Part::Certificate, Fault::NoName)),
        (of(ca, leaf, other.key.as_bytes()), bad(Part::Key, Fault::KeyMismatch)),
        (
            of(made_authority("game").certificate.as_bytes(), leaf, key),
            bad(Part::Certificate, Fault::WrongAuthority),
        ),
    ] {
        assert_eq!(result.unwrap_err(), expected);
    }
}

#[test]
fn time_ends_certificates_and_authorities() {
    let authority = made_authority("game");
    let made = issued(&authority, 1);
    let fault = |at: u64| credentials(&authority, &made, at).map(drop).unwrap_err();
    let ended = bad(Part::Certificate, Fault::Expired(time(NOW + 90 * DAY)));
    assert!(credentials(&authority, &made, NOW + 90 * DAY).is_ok());
    assert_eq!(fault(NOW + 90 * DAY + 1), ended);
    assert_eq!(fault(NOW - DAY), bad(Part::Authority, Fault::NotYetValid(time(NOW - 3_600))));
    assert_eq!(fault(NOW + 3_651 * DAY), bad(Part::Authority, Fault::Expired(time(NOW + 3_650 * DAY))));
}

#[test]
fn an_authority_signs_nothing_that_outlives_it() {
    let made = issue::authority(&cluster("game"), 100, time(NOW)).unwrap();
    let read = |now| Authority::read(made.certificate.as_bytes(), made.key.as_bytes(), now);
    let authority = read(time(NOW)).unwrap_or_else(|bad| panic!("{bad}"));
    assert!(authority.issue(NodeNumber(1), 100, time(NOW)).is_ok());
    let outlives = Fault::OutlivesAuthority(time(NOW + 100 * DAY));
    assert_eq!(authority.issue(NodeNumber(1), 101, time(NOW)).err(), Some(outlives));
    let ended = bad(Part::Authority, Fault::Expired(time(NOW + 100 * DAY)));
    assert_eq!(read(time(NOW + 101 * DAY)).err(), Some(ended));
}

#[test]
fn an_authority_signs_with_its_own_key_alone() {
    let authority = made_authority("game");
    let other = made_authority("game");
    let node = issued(&authority, 1);
    let read = |certificate: &str, key: &str| {
        Authority::read(certificate.as_bytes(), key.as_bytes(), time(NOW)).err().unwrap()
    };
    assert_eq!(read(&authority.certificate, &other.key), bad(Part::Key, Fault::KeyMismatch));
    assert_eq!(read(&authority.certificate, ""), bad(Part::Key, Fault::FileEmpty));
    assert_eq!(read(&authority.certificate, "hello"), bad(Part::Key, Fault::NoKey));
    assert_eq!(read(&node.certificate, &node.key), bad(Part::Authority, Fault::NotAuthority));
}

#[test]
fn no_clock_and_no_bytes_bring_it_down() {
    for now in [0, 1, u64::MAX] {
        assert!(issue::authority(&cluster("game"), u32::MAX, time(now)).is_ok(), "{now}");
    }
    let der = certificate::of_pem(made_authority("game").certificate.as_bytes()).unwrap().swap_remove(0);
    for length in 0..der.len() {
        assert_eq!(Certificate::read(&der[..length]), Err(Fault::BadCertificate));
    }
    let mut changed = der.to_vec();
    for at in 0..changed.len() {
        for flip in [0x01, 0x80, 0xff] {
            changed[at] ^= flip;
            // Whatever it says, it says so.
            let _ = Certificate::read(&changed);
            changed[at] ^= flip;
        }
    }
}

#[test]
fn dates_are_written_for_people() {
    assert_eq!(date(time(0)), "1970-01-01 00:00:00 UTC");
    assert_eq!(date(time(1_790_000_000)), "2026-09-21 14:13:20 UTC");
    assert_eq!(date(time(u64::MAX)), "second 18446744073709551615 of 1970");
}

#[test]
fn each_fault_has_a_number_and_a_name_of_its_own() {
    let when = time(NOW);
    let (expected, found) = (cluster("a"), cluster("b"));
    let all = [
        Fault::FileMissing,
        Fault::FileUnreadable("x".into()),
        Fault::FileTooLarge(1),
        Fault::FileEmpty,
        Fault::BadPem,
        Fault::NoCertificate,
        Fault::TooManyCertificates(1),
        Fault::NoKey,
        Fault::BadCertificate,
        Fault::BadKey,
        Fault::KeyMismatch,
        Fault::NotAuthority,
        Fault::WrongAuthority,
        Fault::Expired(when),
        Fault::NotYetValid(when),
        Fault::NoName,
        Fault::ManyNames(2),
        Fault::WrongPurpose,
        Fault::WrongCluster { expected, found },
        Fault::WrongNode { expected: node("a", 1), found: node("a", 2) },
        Fault::OutlivesAuthority(when),
        Fault::NoCertificateShown,
        Fault::RefusedByPeer("x".into()),
        Fault::NoProtocol("x".into()),
        Fault::Refused("x".into()),
    ];
    let document = include_str!("../../../../docs/operating/pki.md");
    for (index, fault) in all.iter().enumerate() {
        assert!(
            all[..index]
                .iter()
                .all(|before| before.number() < fault.number() && before.name() != fault.name())
        );
        assert!(fault.to_string().contains(fault.mend()));
        let row = format!("| {} | `{}` |", fault.number(), fault.name());
        assert!(document.contains(&row), "docs/operating/pki.md has no row {row:?}");
    }
}
