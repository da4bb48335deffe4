//! Runs over several processes, runs that are cut short, and what the binary says: with the real program.

mod support;

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::echo_server;
use support::rooms::{Fault, room_server};

/// Runs `ringway-load` with these arguments and the URL of this server.
fn ringway_load(server: SocketAddr, arguments: &str) -> Output {
    let url = format!("ws://{server}/v1");
    command(arguments).args(["--quiet", "--url", &url]).output().expect("the program runs")
}

fn command(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringway-load"));
    command.args(arguments.split(' ')).stdin(Stdio::null());
    command
}

/// Runs it and reads the document of the run.
fn document(server: SocketAddr, arguments: &str) -> (i32, Value) {
    let output = ringway_load(server, &format!("{arguments} --json -"));
    let text = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    let document = serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{fault}: {text}{told}"));
    (output.status.code().expect("an exit code"), document)
}

#[test]
fn several_processes_are_one_run() {
    let fanout = "fanout --subscribers 30 --rooms 3 --publishers 5 --rate 100 --duration 400ms --warmup 100ms --settle 20s";
    let (code, run) = document(room_server(Fault::Nothing), &format!("{fanout} --processes 3 --threads 2"));
    assert_eq!((code, &run["failures"]), (0, &serde_json::json!([])), "{run:#}");
    assert_eq!((run["connections"].as_u64(), run["run"]["processes"].as_u64()), (Some(35), Some(3)));
    assert_eq!((run["lost"].as_u64(), run["run"]["complete"].as_bool()), (Some(0), Some(true)));
    let received: u64 =
        run["series"].as_array().unwrap().iter().filter_map(|row| row["received"].as_u64()).sum();
    // 5 publishers of 100/s over half a second, to ten subscribers each.
    assert!((2_400..=2_600).contains(&received), "{received} received in all seconds together");
    let counted: u64 =
        run["histograms"]["latency"].as_array().unwrap().iter().filter_map(|value| value[1].as_u64()).sum();
    assert!((1_980..=2_020).contains(&counted), "{counted} latencies of 400 ms in all processes together");
}

#[test]
fn what_one_process_sees_fails_the_whole_run() {
    let fanout =
        "fanout --subscribers 12 --rate 400 --duration 300ms --warmup 50ms --settle 20s --processes 2";
    let (code, run) = document(room_server(Fault::Loses), fanout);
    assert_eq!((code, run["lost"].as_u64()), (1, Some(12)), "{run:#}");
    let failures = run["failures"].to_string();
    assert!(failures.contains("offsets 10 to 10"), "{failures}");
}

#[test]
fn the_end_of_a_room_is_known_to_processes_without_its_publisher() {
    let fanout = "fanout --subscribers 8 --rate 400 --duration 300ms --warmup 50ms --settle 1s --processes 4";
    let (code, run) = document(room_server(Fault::WithholdsTheEnd), fanout);
    assert_eq!(code, 1);
    assert!(run["lost"].as_u64() > Some(0), "{run:#}");
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_a_part_that_says_so() {
    let port = free_port();
    // A process of its own, which is killed below.
    let mut victim = Command::new("python3")
        .args(["-c", ECHO_SERVER, &port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    wait_for(port);
    let url = format!("ws://127.0.0.1:{port}/echo");
    let run = command("echo --connections 2 --rate 200 --duration 300s --warmup 100ms --quiet --json -")
        .args(["--url", &url])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // It says so once it has echoed more messages than are due in the warm-up.
    let mut said = [0; 5];
    victim.stdout.take().expect("piped").read_exact(&mut said).expect("a word");
    victim.kill().expect("it lives");
    let output = run.wait_with_output().expect("it ends");
    victim.wait().expect("it is ours");
    let run: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!((output.status.code(), run["run"]["complete"].as_bool()), (Some(1), Some(false)), "{run:#}");
    let why = run["run"]["incomplete_because"].as_str().unwrap();
    assert!(why.contains("the server's process ended"), "{why}");
    let measured = run["duration_s"].as_f64().unwrap();
    assert!(measured > 0.0 && measured < 150.0, "a dead server ends the run: measured for {measured} s");
}

#[test]
fn a_server_that_is_down_is_a_failure_with_its_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound");
    let (code, run) = document(closed, "fanout --subscribers 2 --duration 200ms");
    assert_eq!((code, run["run"]["complete"].as_bool()), (1, Some(false)));
    assert!(run["warnings"].to_string().contains("refused"), "{run:#}");
    assert_eq!(run["deliveries_per_s"].as_f64(), Some(0.0), "nothing that looks like a result");
    assert_eq!(run["limited_by"], "unknown");
}

#[test]
fn a_report_that_can_not_be_written_is_told_and_the_table_stays() {
    let output = ringway_load(
        echo_server(|_| ()),
        "echo --connections 2 --duration 1s --warmup 50ms --json /dev/full",
    );
    let (table, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("/dev/full was not written") && table.contains("messages_per_s"), "{told}{table}");
}

#[test]
fn bad_words_are_refused_before_anything_happens() {
    for (words, what) in [
        ("fanout --rate=-1", "above 0"),
        ("run /nowhere.toml", "/nowhere.toml"),
        ("saturate slow-reader", "have a rate"),
        ("compare /nowhere.toml ws://127.0.0.1:1/ echo", "/nowhere.toml"),
        ("slow-reader --threads 2", "one thread"),
        ("game --spawn false --url ws://127.0.0.1:{port}/", "ended before it opened port"),
    ] {
        let output = command(words).output().expect("the program runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(what), "{words}: {told}");
    }
}

#[test]
fn a_search_finds_where_a_server_gets_too_slow() {
    // Each message takes it two milliseconds: five hundred a second are all that it can do.
    let server = echo_server(|_| std::thread::sleep(Duration::from_millis(2)));
    let path = scratch("saturate.json");
    let url = format!("ws://{server}/echo");
    let search = "saturate --p99-under 100ms --from 50 --precision 30 --json";
    let output = command(search)
        .arg(&path)
        .args(["echo", "--connections", "1", "--duration", "1s", "--warmup", "100ms", "--url", &url])
        .output()
        .expect("the program runs");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| String::from_utf8_lossy(&output.stderr).into_owned());
    let found: Value = serde_json::from_str(&text).expect("a document");
    let steps = found["saturate"]["steps"].as_array().unwrap();
    // A busy host may stop the client first, which the search must then say; nothing makes the server faster than a second's
    // work and what may wait for the bound's time.
    let best = found["saturate"]["best"].as_f64().unwrap_or(0.0);
    let client =
        found["saturate"]["limited_by"] == "client" || steps.iter().any(|step| step["why"] == "client-bound");
    let least = if client { 0.0 } else { 50.0 };
    assert!((least..=550.0).contains(&best), "{:#}", found["saturate"]);
    assert!(steps.iter().any(|step| step["held"] == false), "{steps:?}");
    assert_eq!(found["runs"].as_array().unwrap().len(), steps.len());
}

#[test]
fn a_comparison_takes_turns_and_gives_ratios() {
    let (quick, slow) = (echo_server(|_| ()), echo_server(|_| std::thread::sleep(Duration::from_millis(20))));
    let path = scratch("compare.json");
    let output = command("compare --rounds 3 --client-core 0 --json")
        .arg(&path)
        .args([format!("ws://{quick}/echo"), format!("ws://{slow}/echo")])
        .args(["echo", "--connections", "1", "--duration", "1s", "--warmup", "50ms"])
        .output()
        .expect("the program runs");
    let table = String::from_utf8_lossy(&output.stdout);
    let told: Value =
        serde_json::from_str(&std::fs::read_to_string(&path).expect("a document")).expect("JSON");
    assert_eq!(output.status.code(), Some(0), "{table}");
    let rows = told["compare"]["rows"].as_array().unwrap();
    let p50 = rows.iter().find(|row| row["name"] == "p50_us").expect("a median");
    assert!(p50["ratio"]["median"].as_f64().unwrap() < 0.9, "{p50}");
    assert_eq!((p50["a"].as_array().unwrap().len(), told["runs"].as_array().unwrap().len()), (3, 6));
    assert!(table.contains("A / B"), "{table}");
}

/// Where a document of this process may lie.
fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ringway-load-{}-{name}", std::process::id()))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound").port()
}

fn wait_for(port: u16) {
    let until = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "the server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// WebSocket echo in few lines: upgrade, then each masked frame of fewer than 64 KiB goes back unmasked.
const ECHO_SERVER: &str = r#"
import base64, hashlib, itertools, socketserver, struct, sys
echoed = itertools.count(1)
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        key = b""
        while (line := self.rfile.readline().strip()):
            if line.lower().startswith(b"sec-websocket-key:"):
                key = line.split(b":")[1].strip()
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while len(head := self.rfile.read(2)) == 2:
            size = head[1] & 127
            more = b""
            if size == 126:
                more = self.rfile.read(2)
                size = struct.unpack(">H", more)[0]
            mask = self.rfile.read(4)
            body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(size)))
            self.wfile.write(bytes([head[0], head[1] & 127]) + more + body)
            if next(echoed) == 200:
                print("ready", flush=True)
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
Server(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
"#;
