//! A tiny server for the load generator's tests: blocking threads, the real codecs, and faults on demand.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod broadcast;
pub(crate) mod broker;
pub(crate) mod rooms;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use ringway_load::report::Summary;
use ringway_load::scenario::Plan;
use ringway_protocol::websocket::handshake::Request;
use ringway_protocol::websocket::{Decoder, Item, Opcode, Role, write_frame};

/// Runs the load generator with these arguments against the server.
pub(crate) fn load(server: SocketAddr, arguments: &str) -> Summary {
    load_at(&format!("ws://{server}/v1"), arguments)
}

/// The same with a whole URL.
pub(crate) fn load_at(url: &str, arguments: &str) -> Summary {
    ringway_load::scenario::run(&plan_at(url, arguments)).expect("the run takes place")
}

/// These arguments of `fanout`, and short times and few clients where they name none. Measuring lasts longer than a busy
/// host keeps anybody from running; settling ends when all is there.
pub(crate) fn short(arguments: &str) -> String {
    let mut all = arguments.to_owned();
    for (flag, value) in [
        ("--subscribers", "12"),
        ("--rate", "200"),
        ("--duration", "1s"),
        ("--warmup", "50ms"),
        ("--settle", "20s"),
    ] {
        if !arguments.contains(flag) {
            all += &format!(" {flag} {value}");
        }
    }
    all
}

/// Why those arguments can't be had.
pub(crate) fn refusal(url: &str, arguments: &str) -> String {
    match ringway_load::scenario::run(&plan_at(url, arguments)) {
        Ok(_) => panic!("{arguments}: not refused"),
        Err(fault) => fault.to_string(),
    }
}

/// What those arguments ask for.
pub(crate) fn plan_at(url: &str, arguments: &str) -> Plan {
    let words = arguments.split_ascii_whitespace().chain(["--quiet", "--url", url]);
    let words: Vec<String> = words.map(str::to_owned).collect();
    Plan::parse(&words).expect("good arguments")
}

/// A server that gives each connection to `serve` on a thread of its own; the threads end with their connections.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// The server's half of the upgrade; gives back the subprotocols offered and bytes that came early.
pub(crate) fn accept(stream: &mut TcpStream) -> Option<(Vec<String>, Vec<u8>)> {
    upgrade(stream).map(|(_, offered, early)| (offered, early))
}

/// The same, giving back the path and bytes that came early.
pub(crate) fn accept_path(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    upgrade(stream).map(|(path, _, early)| (path, early))
}

fn upgrade(stream: &mut TcpStream) -> Option<(String, Vec<String>, Vec<u8>)> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        let bytes = stream.read(&mut buffer).ok().filter(|bytes| *bytes > 0)?;
        head.extend_from_slice(&buffer[..bytes]);
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let early = head.split_off(end);
    let request = Request::parse(&head).ok()?;
    let upgrade = request.upgrade().ok()?;
    let offered: Vec<String> = request.subprotocols().map(str::to_owned).collect();
    let mut response = Vec::new();
    upgrade.write_response(offered.first().map(String::as_str), &mut response);
    stream.write_all(&response).ok()?;
    Some((request.path().to_owned(), offered, early))
}

/// Reads messages until the connection ends or `take` says false.
pub(crate) fn read_messages(
    mut stream: &TcpStream,
    mut early: Vec<u8>,
    mut take: impl FnMut(Opcode, &[u8]) -> bool,
) {
    let mut decoder = Decoder::new(Role::Server, 1 << 20);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let mut input = if early.is_empty() {
            match stream.read(&mut buffer) {
                Ok(bytes) if bytes > 0 => &mut buffer[..bytes],
                _ => return,
            }
        } else {
            &mut early[..]
        };
        loop {
            let Ok(decoded) = decoder.decode(input) else { return };
            let consumed = decoded.consumed;
            let go_on = match decoded.item {
                None => break,
                Some(Item::Text(text)) => take(Opcode::Text, text.as_bytes()),
                Some(Item::Binary(bytes)) => take(Opcode::Binary, bytes),
                Some(Item::Close { .. }) => false,
                Some(_) => true,
            };
            if !go_on {
                return;
            }
            input = &mut input[consumed..];
        }
        early = Vec::new();
    }
}

/// Echoes; `garble` changes what is sent back.
pub(crate) fn echo_server(garble: impl Fn(&mut Vec<u8>) + Clone + Send + 'static) -> SocketAddr {
    listen(move |mut stream| {
        let Some((_, early)) = accept(&mut stream) else { return };
        let mut writer = stream.try_clone().expect("a second handle");
        read_messages(&stream, early, |opcode, message| {
            let mut answer = message.to_vec();
            garble(&mut answer);
            let mut frame = Vec::new();
            write_frame(&mut frame, opcode, &answer);
            writer.write_all(&frame).is_ok()
        });
    })
}
