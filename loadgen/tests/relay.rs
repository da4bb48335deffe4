//! `relay` around real sockets: this test binary is also the server and the client (the ignored tests below), which the
//! relay starts in their namespaces. Where namespaces can't be made, the tests say so and pass.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ringway_load::engine::Nanos;
use ringway_load::relay::model::{Conditions, Direction, Line, Loss, Verdict};
use ringway_load::relay::{CLIENT_SOURCES, SERVER};
use serde_json::Value;

const RELAY: &str = env!("CARGO_BIN_EXE_ringway-load");
const PORT: u16 = 7400;
/// Datagrams in one send, which the kernel cuts up.
const SEGMENTS: usize = 16;
const SEGMENT_BYTES: usize = 1_200;
/// Stays below what a socket buffers, so that only the relay drops.
const TRAINS: usize = 4;
const TRANSFER_BYTES: usize = 300_000;
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that runs one of the roles below.
fn role(name: &str) -> Vec<String> {
    let this = std::env::current_exe().expect("a test has a path").display().to_string();
    [&this, "--ignored", "--exact", name].map(str::to_owned).into()
}

/// Runs the relay; `None`, with the reason printed, where this host does not allow it.
fn relay(flags: &[&str], client: &[String]) -> Option<Output> {
    let output = Command::new(RELAY).arg("relay").args(flags).arg("--").args(client).output();
    let output = output.expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(2) && told.contains("the relay needs") {
        println!("skipped: {told}");
        return None;
    }
    println!("{told}");
    Some(output)
}

/// Runs a role as the client against the server, and gives back what the relay counted.
fn exchange(flags: &str, client: &str) -> Option<Value> {
    let server = role("as_server").join(" ");
    let mut all = vec!["--server", &server, "--ready", "tcp:7400,udp:7400", "--json", "-"];
    all.extend(flags.split_ascii_whitespace());
    let output = relay(&all, &role(client))?;
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).expect("text");
    let json = stdout.rfind("\n{\n").expect("the client's output, then the relay's object");
    Some(serde_json::from_str(&stdout[json..]).expect("an object"))
}

fn count(report: &Value, direction: &str, name: &str) -> u64 {
    report[direction][name].as_u64().unwrap_or_else(|| panic!("{direction} {name} in {report}"))
}

#[test]
fn without_loss_every_segment_of_a_train_and_every_byte_arrives() {
    let Some(report) = exchange("--rtt 4ms", "as_udp_client") else { return };
    for direction in ["up", "down"] {
        assert!(count(&report, direction, "packets") >= (TRAINS * SEGMENTS) as u64);
        assert_eq!(count(&report, direction, "lost"), 0);
    }
    let Some(report) = exchange("--rtt 4ms", "as_tcp_client") else { return };
    assert!(count(&report, "up", "bytes") > TRANSFER_BYTES as u64);
    assert!(count(&report, "up", "packets") > (TRANSFER_BYTES / 1_500) as u64, "cut to the MTU");
}

#[test]
fn tcp_gets_through_loss_and_the_losses_are_those_of_the_seed() {
    let Some(report) = exchange("--rtt 4ms --jitter 1ms --loss 5 --burst 2 --seed 7", "as_tcp_client") else {
        return;
    };
    let loss = Loss::bursts(0.05, 2.0).unwrap();
    for (name, direction) in [("up", Direction::Up), ("down", Direction::Down)] {
        let mut line = Line::new(Conditions { loss, ..Conditions::default() }, 7, direction);
        let packets = count(&report, name, "packets");
        let lost = (0..packets).filter(|_| line.handle_packet(Nanos(0), 100) == Verdict::Lost).count();
        assert_eq!(count(&report, name, "lost"), lost as u64, "{name}, of {packets}");
    }
}

#[test]
fn a_small_queue_before_a_slow_line_drops_and_tcp_recovers() {
    let Some(report) = exchange("--rtt 4ms --rate-kbit 8000 --queue 6000", "as_tcp_client") else { return };
    assert!(count(&report, "up", "queue_full") > 0);
    assert_eq!(count(&report, "up", "lost"), 0);
}

#[test]
fn nothing_travels_that_nobody_sent() {
    let Some(output) = relay(&["--json", "-"], &["true".to_owned()]) else { return };
    let report: Value = serde_json::from_slice(&output.stdout).expect("an object");
    assert_eq!((count(&report, "up", "packets"), count(&report, "down", "packets")), (0, 0));
}

#[test]
fn the_exit_code_is_the_clients() {
    let client = ["sh", "-c", "exit 7"].map(str::to_owned);
    let Some(output) = relay(&[], &client) else { return };
    assert_eq!(output.status.code(), Some(7));
    let Some(output) = relay(&[], &["/no/such/program".to_owned()]) else { return };
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/program"));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_server_that_never_gets_ready_is_a_clear_line_and_no_client() {
    let client = ["touch", "/no/such/place"].map(str::to_owned);
    let Some(output) = relay(&["--server", "exit 3", "--ready", "tcp:7400"], &client) else { return };
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("ended before it opened tcp:7400"), "{told}");
}

#[test]
fn a_relay_that_is_killed_takes_its_commands_along() {
    if relay(&[], &["true".to_owned()]).is_none() {
        return;
    }
    let client = ["sh", "-c", "echo $$; exec sleep 1000"];
    let mut child = Command::new(RELAY)
        .args(["relay", "--server", "exec sleep 1000", "--"])
        .args(client)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut told = [0; 16];
    let bytes = child.stdout.take().expect("piped").read(&mut told).expect("the client says its number");
    let process: u32 = std::str::from_utf8(&told[..bytes]).unwrap().trim().parse().expect("a number");
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let stat = Path::new("/proc").join(process.to_string()).join("stat");
    let began = Nanos::now();
    // Gone, or ended and not yet collected by whoever inherited it.
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Nanos::now().since(began) < PATIENCE, "the client lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether this is a role that the relay started, and not a run of all ignored tests.
fn inside() -> bool {
    std::env::var("RINGWAY_RELAY_SERVER").is_ok_and(|server| server == SERVER.to_string())
}

#[test]
#[ignore = "a role: the server within the relay"]
fn as_server() {
    if !inside() {
        return;
    }
    let udp = UdpSocket::bind((SERVER, PORT)).unwrap();
    let tcp = TcpListener::bind((SERVER, PORT)).unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 2_048];
        while let Ok((bytes, client)) = udp.recv_from(&mut buffer) {
            udp.send_to(&buffer[..bytes], client).unwrap();
        }
    });
    for mut stream in tcp.incoming().flatten() {
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        stream.write_all(&sum(&received).to_le_bytes()).unwrap();
    }
}

#[test]
#[ignore = "a role: a client of TCP within the relay"]
fn as_tcp_client() {
    if !inside() {
        return;
    }
    let bytes: Vec<u8> = (0..TRANSFER_BYTES).map(|place| (place * 31 % 251) as u8).collect();
    let mut stream = TcpStream::connect((SERVER, PORT)).unwrap();
    stream.write_all(&bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(u64::from_le_bytes(answer), sum(&bytes));
}

/// Depends on the order of the bytes as well.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

#[test]
#[ignore = "a role: a client of UDP within the relay, from one of its further addresses"]
fn as_udp_client() {
    if !inside() {
        return;
    }
    let [a, b, c, d] = CLIENT_SOURCES.octets();
    let socket = UdpSocket::bind((Ipv4Addr::new(a, b, c, d + 76), 0)).unwrap();
    socket.connect((SERVER, PORT)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let segmented = segment(&socket);
    for train in 0..TRAINS {
        let datagrams: Vec<u8> =
            (0..SEGMENTS).flat_map(|segment| [(train * SEGMENTS + segment) as u8; SEGMENT_BYTES]).collect();
        if segmented {
            assert_eq!(socket.send(&datagrams).unwrap(), datagrams.len());
        } else {
            datagrams.chunks(SEGMENT_BYTES).for_each(|datagram| _ = socket.send(datagram).unwrap());
        }
        let mut buffer = [0; 2_048];
        for segment in 0..SEGMENTS {
            let bytes = loop {
                match socket.recv(&mut buffer) {
                    // It was stopped for a while meanwhile (signal(7)).
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    received => break received.unwrap(),
                }
            };
            assert_eq!(bytes, SEGMENT_BYTES);
            assert_eq!(usize::from(buffer[0]), train * SEGMENTS + segment, "in order");
        }
    }
}

/// Lets the kernel cut what is sent into datagrams; false before Linux 6.11, which does so for devices with checksum
/// offload only.
fn segment(socket: &UdpSocket) -> bool {
    let bytes = SEGMENT_BYTES as libc::c_int;
    // SAFETY: reads one int during the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            libc::UDP_SEGMENT,
            (&raw const bytes).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    // Two segments for nobody: whether the device takes them shows at the first send only.
    result == 0 && socket.send_to(&[0; 2 * SEGMENT_BYTES], (SERVER, 9)).is_ok()
}
