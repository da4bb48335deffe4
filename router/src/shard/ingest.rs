//! From bytes to what they mean for the stage a connection is in.

use std::rc::Rc;

use ringway_protocol::SessionId;
use ringway_protocol::codec::JsonDecoder;
use ringway_protocol::session::server::Server;
use ringway_protocol::websocket::handshake::{Refusal, Request, client_address, subprotocol_of_format};
use ringway_protocol::websocket::{Decoder, Item, Opcode, Role, write_close, write_frame};

use super::client;
use super::connection::{Client, Connection, Stage};
use super::context::Rim;
use crate::rt::Signal;
use crate::transport::admission::Origin;

/// Where clients connect.
pub(crate) const PATH_CLIENTS: &str = "/v1";
/// The diagnostic endpoint.
const PATH_ECHO: &str = "/echo";
/// While so much is unsaid, pings go unanswered (RFC 6455 §5.5.3 lets a later pong answer earlier pings) and `/echo` is
/// not read.
pub(crate) const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// Handles bytes that were read. If something in them must wait, the rest is held and the signal says when to go on.
pub(crate) fn bytes(
    connection: &mut Connection,
    index: u32,
    input: &mut [u8],
    json: &mut JsonDecoder,
    rim: &mut Rim,
) -> Option<Rc<Signal>> {
    match &mut connection.stage {
        Stage::Client(_) => client::bytes(connection, index, input, json, rim),
        Stage::Echo(_) => {
            echo(connection, index, input, rim);
            if connection.output.len() - connection.said <= OUTPUT_BYTES_MAX {
                return None;
            }
            let go_on = connection.paused.get_or_insert_with(Rc::default);
            Some(Rc::clone(go_on))
        }
        Stage::Upgrade(upgrading) => {
            upgrading.head.extend_from_slice(input);
            let mut rest = upgrade(connection, index, rim)?;
            bytes(connection, index, &mut rest, json, rim)
        }
        Stage::Over => None,
    }
}

/// Looks whether the head is whole; then answers it and gives what came after it.
fn upgrade(connection: &mut Connection, index: u32, rim: &mut Rim) -> Option<Vec<u8>> {
    let Stage::Upgrade(upgrading) = &mut connection.stage else { return None };
    let head = match upgrading.end.find(&upgrading.head) {
        Ok(Some(end)) => end,
        Ok(None) if upgrading.head.len() < rim.door.header_bytes_max => return None,
        Ok(None) => return refuse(connection, index, rim, Refusal::HeadTooLarge),
        Err(refusal) => return refuse(connection, index, rim, refusal),
    };
    let rest = upgrading.head.split_off(head);
    let received = std::mem::take(&mut upgrading.head);
    let peer = upgrading.peer.ip();
    let request = match Request::parse(&received) {
        Ok(request) => request,
        Err(refusal) => return refuse(connection, index, rim, refusal),
    };
    match open(connection, rim, &request, peer) {
        Ok(stage) => {
            if !matches!(stage, Stage::Client(_)) {
                rim.greeted(connection);
            }
            connection.stage = stage;
            rim.queue(index, connection);
            Some(rest)
        }
        Err(refusal) => refuse(connection, index, rim, refusal),
    }
}

/// Decides about an upgrade request and writes the response that accepts it.
fn open(
    connection: &mut Connection,
    rim: &mut Rim,
    request: &Request<'_>,
    peer: std::net::IpAddr,
) -> Result<Stage, Refusal> {
    let echo = match request.path() {
        PATH_CLIENTS => false,
        PATH_ECHO if rim.echo => true,
        _ => return Err(Refusal::NotFound),
    };
    let upgrade = request.upgrade()?;
    if !rim.door.origins.allows(request.origin()) {
        return Err(Refusal::OriginDenied);
    }
    if rim.trusts(peer) {
        let origin = Origin::of(client_address(peer, request.forwarded_for(), |hop| rim.trusts(hop)));
        rim.admission.count(origin).map_err(|_| Refusal::TooManyConnections)?;
        connection.origin = origin;
    }
    if rim.draining.is_some() {
        return Err(Refusal::Unavailable);
    }
    connection.output = rim.spare();
    if echo {
        upgrade.write_response(None, &mut connection.output);
        let message_bytes_max = rim.door.echo_bytes_max.min(u32::MAX as usize) as u32;
        return Ok(Stage::Echo(Box::new(Decoder::new(Role::Server, message_bytes_max))));
    }
    let format = request.offered_format();
    upgrade.write_response(format.map(subprotocol_of_format), &mut connection.output);
    Ok(Stage::Client(Client {
        decoder: Decoder::new(Role::Server, rim.frame_bytes_max as u32),
        server: Server::new(connection.accepted, format),
        session: None,
        id: SessionId(0),
    }))
}

fn refuse(connection: &mut Connection, index: u32, rim: &mut Rim, refusal: Refusal) -> Option<Vec<u8>> {
    rim.figures.rim.upgrades_refused += 1;
    connection.stage = Stage::Over;
    refusal.write_response(&mut connection.output);
    connection.end(rim.clock.now().monotonic, None);
    rim.queue(index, connection);
    None
}

/// Gives every message back.
fn echo(connection: &mut Connection, index: u32, input: &mut [u8], rim: &mut Rim) {
    let mut at = 0;
    loop {
        let Connection { stage: Stage::Echo(decoder), output, .. } = connection else { return };
        if output.capacity() == 0 {
            *output = rim.spare();
        }
        let close = match decoder.decode(&mut input[at..]) {
            Err(violation) => Some((violation.close().number(), violation.text().to_owned())),
            Ok(decoded) => {
                at += decoded.consumed;
                match decoded.item {
                    None => break,
                    Some(Item::Text(text)) => {
                        write_frame(output, Opcode::Text, text.as_bytes());
                        None
                    }
                    Some(Item::Binary(bytes)) => {
                        write_frame(output, Opcode::Binary, bytes);
                        None
                    }
                    Some(Item::Ping(payload)) => {
                        if output.len() < OUTPUT_BYTES_MAX {
                            write_frame(output, Opcode::Pong, payload);
                        }
                        None
                    }
                    Some(Item::Pong(_)) => None,
                    Some(Item::Close { code, reason }) => {
                        answer_close(output, code, reason);
                        connection.end(rim.clock.now().monotonic, None);
                        connection.stage = Stage::Over;
                        break;
                    }
                }
            }
        };
        if close.is_some() {
            connection.end(rim.clock.now().monotonic, close);
            connection.stage = Stage::Over;
            break;
        }
    }
    rim.queue(index, connection);
}

/// Answers a close frame with its own code (RFC 6455 §5.5.1).
pub(crate) fn answer_close(output: &mut Vec<u8>, code: Option<u16>, reason: &str) {
    match code {
        Some(code) => write_close(output, code, reason),
        None => write_frame(output, Opcode::Close, &[]),
    }
}
