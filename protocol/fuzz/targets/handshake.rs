//! The upgrade, both ends: a head that dribbles in ends where the whole one ends, and nothing panics on what it says.
//!
//! The input is what was received; a request and a response are tried on it.

use core::net::{IpAddr, Ipv4Addr};
use ringway_protocol::websocket::handshake::{
    ClientHandshake, HeadEnd, OriginPolicy, Refusal, Request, client_address,
};

pub(crate) fn run(data: &[u8]) {
    let whole = HeadEnd::default().find(data);
    let mut dribbled = HeadEnd::default();
    let outcome =
        (1..=data.len()).map(|end| dribbled.find(&data[..end])).find(|outcome| *outcome != Ok(None));
    assert_eq!(outcome.unwrap_or(Ok(None)), whole);

    let mut client = ClientHandshake::new([7; 16]);
    let mut request = Vec::new();
    client.write_request("a", "/", &["ringway.v1.fb"], &[], &mut request);
    if let Ok(Some(accepted)) = client.handle_response(data) {
        assert!(accepted.consumed <= data.len());
    }

    let Ok(Some(head)) = whole else { return };
    let Ok(request) = Request::parse(&data[..head]) else { return };
    assert!(request.path().starts_with('/'));
    let allowed = OriginPolicy::new(["https://*.example.org", "http://localhost:*"]).expect("a valid list");
    let _ = allowed.allows(request.origin());
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let _ = client_address(peer, request.forwarded_for(), |address| address.is_loopback());
    assert!(request.subprotocols().count() <= head);
    match request.upgrade() {
        Ok(upgrade) => {
            let mut response = Vec::new();
            upgrade.write_response(request.offered_format().map(|_| "ringway.v1.fb"), &mut response);
            assert_eq!(HeadEnd::default().find(&response), Ok(Some(response.len())));
        }
        Err(refusal) => assert!(matches!(
            refusal,
            Refusal::Malformed | Refusal::MethodNotAllowed | Refusal::UpgradeRequired
        )),
    }
}
