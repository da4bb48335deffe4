//! A session against a scripted server on quinn: what the router will say on streams of their own, it must count.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use quinn::{Connection, Endpoint, VarInt};
use ringway_protocol::codec::BinaryEncoder;
use ringway_protocol::event::{Joined, Message, Sender, SessionLimits, Welcome};
use ringway_protocol::{
    Body, BodyKind, Epoch, Event, Lane, Offset, Position, RequestId, RoomHandle, SessionId, UnixMicros,
    Version,
};

use super::driver::Driver;
use super::session::{Host, Part, Session};
use super::settings;

const HANDLE: RoomHandle = RoomHandle(7);

fn encoded(event: &Event<'_>) -> Vec<u8> {
    BinaryEncoder::new().event(event).to_vec()
}

fn welcome() -> Vec<u8> {
    encoded(&Event::Welcome(Welcome {
        id: RequestId::new(1),
        session: SessionId(1),
        resume: "secret",
        user: "user",
        node: "node",
        time: UnixMicros(0),
        heartbeat_ms: 25_000,
        limits: SessionLimits::default(),
        features: Vec::new(),
        expires: None,
    }))
}

fn joined() -> Vec<u8> {
    encoded(&Event::Joined(Joined {
        id: RequestId::new(2),
        room: "room",
        handle: HANDLE,
        position: Position { epoch: Epoch(1), offset: Offset(0) },
        version: Version(0),
        recovered: true,
        replay: 0,
        count: 0,
        members: Vec::new(),
    }))
}

fn value(version: u64) -> Vec<u8> {
    encoded(&Event::Message(Message {
        room: None,
        handle: HANDLE,
        lane: Lane::Latest,
        place: ringway_protocol::event::Place::Version(Version(version)),
        time: UnixMicros(0),
        from: Sender { user: None, session: SessionId(1) },
        key: Some("key"),
        body: Body { kind: BodyKind::Bytes, bytes: &[0; 40] },
    }))
}

/// Welcomes, lets join, and sends values: one whole, one that is superseded halfway, one in two pieces.
async fn serve(connection: Connection) -> Option<()> {
    let (mut send, mut receive) = connection.accept_bi().await.ok()?;
    let mut bytes = [0; 1_024];
    for answer in [welcome(), joined()] {
        receive.read(&mut bytes).await.ok()??;
        send.write_all(&answer).await.ok()?;
    }
    let mut whole = connection.open_uni().await.ok()?;
    whole.write_all(&value(1)).await.ok()?;
    whole.finish().ok()?;
    let mut superseded = connection.open_uni().await.ok()?;
    superseded.write_all(&value(2)[..20]).await.ok()?;
    let mut cut = connection.open_uni().await.ok()?;
    cut.write_all(&value(3)[..20]).await.ok()?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    superseded.reset(VarInt::from_u32(0x101)).ok()?;
    cut.write_all(&value(3)[20..]).await.ok()?;
    cut.finish().ok()?;
    connection.closed().await;
    Some(())
}

#[test]
fn values_on_streams_of_their_own_are_counted_when_they_are_whole() {
    let (sender, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let endpoint = Endpoint::server(settings::server().unwrap(), any).unwrap();
            sender.send(endpoint.local_addr().unwrap()).unwrap();
            serve(endpoint.accept().await.unwrap().await.unwrap()).await
        })
    });
    let mut driver = Driver::new(address.recv().unwrap()).unwrap();
    let mut host = Host::new(Some("room".into()), Histogram::new_with_max(60_000_000, 3).unwrap());
    driver.connect(Session::new(Part::Checks)).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while host.tally.short_streams < 2 && host.fault.is_none() && Instant::now() < until {
        driver.turn(Duration::from_millis(10), &mut host).unwrap();
    }
    assert_eq!(host.fault, None);
    assert_eq!((host.ready, host.tally.short_streams, host.tally.stream), (1, 2, 0));
    assert_eq!(host.tally.bytes, 2 * value(1).len() as u64);
}
