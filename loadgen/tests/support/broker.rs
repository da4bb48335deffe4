//! An MQTT 3.1.1 broker in 200 lines: clean sessions, QoS 0 and 1, and promises broken on demand.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use super::listen;

/// Which promise the broker breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// None.
    Nothing,
    /// None, but each byte is a write of its own.
    Dribbles,
    /// CONNACK with this code.
    Refuses(u8),
    /// CONNACK tells of a session that was not asked for.
    RemembersSessions,
    /// SUBACK with 0x80.
    RefusesSubscriptions,
    /// SUBACK with QoS 0, whatever was asked for.
    GrantsLess,
    /// The tenth publication goes nowhere.
    Loses,
    /// The last one asked for goes to nobody, whichever that is.
    WithholdsTheEnd,
    /// The tenth goes out twice, the second time with DUP where that may be.
    Duplicates,
    /// The tenth goes out after the eleventh.
    Swaps,
    /// A bit of the tenth body is turned.
    Garbles,
    /// The tenth goes out under another topic.
    Strays,
    /// Instead of the tenth goes a packet whose remaining length has five bytes.
    Malforms,
    /// Publications of QoS 1 are not acknowledged.
    KeepsAcknowledgements,
    /// At the tenth publication all subscribers are closed, once.
    Closes,
}

struct Subscriber {
    connection: u64,
    topic: Vec<u8>,
    qos: u8,
    stream: TcpStream,
}

struct Broker {
    broken: Broken,
    login: Option<(String, String)>,
    connections: u64,
    subscribers: Vec<Subscriber>,
    publications: u64,
    held: Option<(Vec<u8>, Vec<u8>)>,
    ids: u16,
}

/// Starts a broker.
pub(crate) fn broker(broken: Broken) -> SocketAddr {
    broker_for(broken, None)
}

/// Starts one that lets in only this user with this password.
pub(crate) fn broker_for(broken: Broken, login: Option<(&str, &str)>) -> SocketAddr {
    let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
    let (subscribers, publications, held) = (Vec::new(), 0, None);
    let broker = Broker { broken, login, connections: 0, subscribers, publications, held, ids: 0 };
    let broker = Arc::new(Mutex::new(broker));
    listen(move |mut stream| {
        let lock = || broker.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = {
            let mut broker = lock();
            broker.connections += 1;
            broker.connections
        };
        while let Some((first, content)) = read_packet(&mut stream) {
            if !lock().handle(connection, &stream, first, &content) {
                break;
            }
        }
        lock().subscribers.retain(|subscriber| subscriber.connection != connection);
        let _ = stream.shutdown(Shutdown::Both);
    })
}

fn read_packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte).ok()?;
    let first = byte[0];
    let (mut length, mut shift) = (0, 0);
    loop {
        stream.read_exact(&mut byte).ok()?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).ok()?;
    Some((first, content))
}

/// A string with its length off the front.
fn string<'a>(content: &mut &'a [u8]) -> &'a [u8] {
    let ([high, low], rest) = content.split_first_chunk().expect("clients send whole strings");
    let (string, rest) = rest.split_at(u16::from_be_bytes([*high, *low]).into());
    *content = rest;
    string
}

impl Broker {
    fn handle(&mut self, connection: u64, stream: &TcpStream, first: u8, mut content: &[u8]) -> bool {
        match first {
            0x10 => self.connect(stream, content),
            0x82 => {
                let id = [content[0], content[1]];
                content = &content[2..];
                let topic = string(&mut content).to_vec();
                let asked = content[0];
                let granted = match self.broken {
                    Broken::RefusesSubscriptions => 0x80,
                    Broken::GrantsLess => 0,
                    _ => asked,
                };
                let stream = stream.try_clone().expect("a handle");
                self.send(&stream, &[0x90, 3, id[0], id[1], granted]);
                self.subscribers.push(Subscriber { connection, topic, qos: asked, stream });
                true
            }
            0x30 | 0x32 => {
                let topic = string(&mut content).to_vec();
                if first == 0x32 {
                    if self.broken != Broken::KeepsAcknowledgements {
                        self.send(stream, &[0x40, 2, content[0], content[1]]);
                    }
                    content = &content[2..];
                }
                self.publish(&topic, content, first >> 1 & 1);
                true
            }
            0x40 => true,
            0xc0 => self.send(stream, &[0xd0, 0]),
            0xe0 => false,
            other => panic!("the load generator does not send packets of type {other:#x}"),
        }
    }

    fn connect(&self, stream: &TcpStream, mut content: &[u8]) -> bool {
        assert_eq!(string(&mut content), b"MQTT");
        let flags = content[1];
        assert_eq!((content[0], flags & 0b0011_1111), (4, 2), "3.1.1, a clean session without a will");
        content = &content[4..];
        assert!(string(&mut content).starts_with(b"load-"));
        let told = (flags & 0b1100_0000 != 0).then(|| [string(&mut content), string(&mut content)]);
        assert!(content.is_empty());
        let wanted = self.login.as_ref().map(|login| [login.0.as_bytes(), login.1.as_bytes()]);
        let code = match self.broken {
            Broken::Refuses(code) => code,
            _ if wanted != told => 4,
            _ => 0,
        };
        let session_present = u8::from(self.broken == Broken::RemembersSessions);
        self.send(stream, &[0x20, 2, session_present, code]) && code == 0
    }

    fn publish(&mut self, topic: &[u8], body: &[u8], qos: u8) {
        self.publications += 1;
        let tenth = self.publications == 10;
        match self.broken {
            Broken::Loses if tenth => return,
            Broken::WithholdsTheEnd if self.publications >= 10 => return,
            Broken::Duplicates if tenth => self.deliver(topic, body, qos, 0x30),
            Broken::Swaps if tenth => return self.held = Some((topic.to_vec(), body.to_vec())),
            Broken::Garbles if tenth => {
                let mut body = body.to_vec();
                body[13] ^= 1;
                return self.deliver(topic, &body, qos, 0x30);
            }
            Broken::Strays if tenth => return self.stray(topic, body),
            Broken::Malforms if tenth => {
                for subscriber in &self.subscribers {
                    self.send(&subscriber.stream, &[0x30, 0xff, 0xff, 0xff, 0xff, 0x7f]);
                }
                return;
            }
            Broken::Closes if tenth => {
                for subscriber in self.subscribers.drain(..) {
                    let _ = subscriber.stream.shutdown(Shutdown::Both);
                }
                return;
            }
            _ => {}
        }
        let again = if tenth && self.broken == Broken::Duplicates && qos == 1 { 0x38 } else { 0x30 };
        self.deliver(topic, body, qos, again);
        if let Some((topic, body)) = self.held.take() {
            self.deliver(&topic, &body, qos, 0x30);
        }
    }

    fn stray(&self, topic: &[u8], body: &[u8]) {
        for subscriber in self.subscribers.iter().filter(|subscriber| subscriber.topic == topic) {
            self.send(&subscriber.stream, &publish(0x30, b"elsewhere", None, body));
        }
    }

    fn deliver(&mut self, topic: &[u8], body: &[u8], qos: u8, first: u8) {
        self.ids = self.ids % 60_000 + 1;
        for subscriber in self.subscribers.iter().filter(|subscriber| subscriber.topic == topic) {
            let id = (qos.min(subscriber.qos) == 1).then_some(self.ids);
            self.send(&subscriber.stream, &publish(first, topic, id, body));
        }
    }

    fn send(&self, mut stream: &TcpStream, packet: &[u8]) -> bool {
        if self.broken == Broken::Dribbles {
            let _ = stream.set_nodelay(true);
            return packet.iter().all(|byte| stream.write_all(&[*byte]).is_ok());
        }
        stream.write_all(packet).is_ok()
    }
}

fn publish(first: u8, topic: &[u8], id: Option<u16>, body: &[u8]) -> Vec<u8> {
    let mut content = (topic.len() as u16).to_be_bytes().to_vec();
    content.extend_from_slice(topic);
    content.extend(id.map(u16::to_be_bytes).into_iter().flatten());
    content.extend_from_slice(body);
    let mut packet = vec![first | u8::from(id.is_some()) << 1];
    let mut length = content.len();
    while length >= 0x80 {
        packet.push(length as u8 | 0x80);
        length >>= 7;
    }
    packet.push(length as u8);
    packet.extend(content);
    packet
}
