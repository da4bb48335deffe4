//! A WebSocket server that sends each message to all others on the same path, and breaks promises on demand.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use ringway_protocol::websocket::{Opcode, write_close, write_frame};

use super::{accept_path, listen, read_messages};

/// Which promise the server breaks. A tenth message is the tenth of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// None.
    Nothing,
    /// None: a message goes to its sender, too.
    Echoes,
    /// The tenth message goes nowhere.
    Loses,
    /// All from the tenth on go nowhere.
    WithholdsTheEnd,
    /// The tenth goes out twice.
    Duplicates,
    /// The tenth goes out after the eleventh.
    Swaps,
    /// A bit of the tenth is turned.
    Garbles,
    /// The tenth goes to the other paths.
    Strays,
    /// At the tenth all others on the path are closed with a code that lets nobody come back.
    Closes,
}

#[derive(Default)]
struct Room {
    members: Vec<(u64, TcpStream)>,
    messages: u64,
    held: Option<(Opcode, Vec<u8>)>,
}

struct Server {
    flaw: Flaw,
    connections: u64,
    rooms: BTreeMap<String, Room>,
}

/// Starts a server with this flaw.
pub(crate) fn broadcaster(flaw: Flaw) -> SocketAddr {
    let server = Arc::new(Mutex::new(Server { flaw, connections: 0, rooms: BTreeMap::new() }));
    listen(move |mut stream| {
        let lock = || server.lock().unwrap_or_else(PoisonError::into_inner);
        // As one step, so that nothing is sent before the upgrade is answered and nothing is missed after it.
        let mut server = lock();
        server.connections += 1;
        let connection = server.connections;
        let Some((path, early)) = accept_path(&mut stream) else { return };
        let room = server.rooms.entry(path.clone()).or_default();
        room.members.push((connection, stream.try_clone().expect("a handle")));
        drop(server);
        read_messages(&stream, early, |opcode, message| {
            lock().broadcast(&path, connection, opcode, message);
            true
        });
        for room in lock().rooms.values_mut() {
            room.members.retain(|(member, _)| *member != connection);
        }
        let _ = stream.shutdown(Shutdown::Both);
    })
}

impl Server {
    fn broadcast(&mut self, path: &str, from: u64, opcode: Opcode, message: &[u8]) {
        let flaw = self.flaw;
        let Some(room) = self.rooms.get_mut(path) else { return };
        room.messages += 1;
        let except = (flaw != Flaw::Echoes).then_some(from);
        let tenth = room.messages == 10;
        match flaw {
            Flaw::Loses if tenth => return,
            Flaw::WithholdsTheEnd if room.messages >= 10 => return,
            Flaw::Duplicates if tenth => room.send(opcode, message, except),
            Flaw::Swaps if tenth => return room.held = Some((opcode, message.to_vec())),
            Flaw::Garbles if tenth => {
                let mut message = message.to_vec();
                message[13] ^= 1;
                return room.send(opcode, &message, except);
            }
            Flaw::Strays if tenth => {
                for (_, other) in self.rooms.iter().filter(|(other, _)| *other != path) {
                    other.send(opcode, message, except);
                }
                return;
            }
            Flaw::Closes if tenth => {
                let mut frame = Vec::new();
                write_close(&mut frame, 4001_u16, "go away");
                for (_, mut stream) in room.members.extract_if(.., |(member, _)| *member != from) {
                    let _ = stream.write_all(&frame);
                    let _ = stream.shutdown(Shutdown::Write);
                }
                return;
            }
            _ => {}
        }
        room.send(opcode, message, except);
        if let Some((opcode, message)) = room.held.take() {
            room.send(opcode, &message, except);
        }
    }
}

impl Room {
    fn send(&self, opcode: Opcode, message: &[u8], except: Option<u64>) {
        let mut frame = Vec::new();
        write_frame(&mut frame, opcode, message);
        for (_, stream) in self.members.iter().filter(|(member, _)| Some(*member) != except) {
            let _ = (&mut &*stream).write_all(&frame);
        }
    }
}
