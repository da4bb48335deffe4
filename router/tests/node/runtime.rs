use ringway::node::{self, Listen, Notice, RuntimeChoice, RuntimeKind, ShardPlan, SpinChoice, StartError};
use ringway_protocol::{Format, Lane};

use crate::client::Client;
use crate::patient::Patient;
use crate::support::{PATIENCE, options, start};

/// Runs on a thread that the kernel lets make no ring, nor do the threads that it makes.
fn without_io_uring<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                forbid_io_uring();
                run()
            })
            .join()
            .unwrap()
    })
}

fn forbid_io_uring() {
    const IO_URING_SETUP: u32 = 425;
    let statement = |code: u32, jump_true, jump_false, value| libc::sock_filter {
        code: code as u16,
        jt: jump_true,
        jf: jump_false,
        k: value,
    };
    let allow = libc::SECCOMP_RET_ALLOW;
    let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let mut filter = [
        // The system call's number is the first field.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, IO_URING_SETUP),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, refuse),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, allow),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program outlives the calls, which copy it; it concerns this thread and those it makes.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

#[test]
fn where_io_uring_is_forbidden_auto_runs_on_epoll_and_says_so_once() {
    without_io_uring(|| {
        let node = start(2, |_| {});
        assert_eq!(node.handle.runtime(), RuntimeKind::Epoll);
        let mut client = Client::open(&node, Format::Json);
        client.join("room");
        client.publish("room", "by epoll", Lane::Reliable, false);
        assert_eq!(client.text(), "by epoll");
        node.handle.stop();
        let notices: Vec<_> = node.notices.try_iter().collect();
        assert!(matches!(notices.as_slice(), [Notice::Fallback(_)]), "{notices:?}");
    });
}

#[test]
fn where_io_uring_is_forbidden_asking_for_it_is_an_error() {
    let error = without_io_uring(|| {
        let (mut options, _) = options(1);
        options.runtime = RuntimeChoice::IoUring;
        node::start(options).map(drop).unwrap_err()
    });
    assert!(matches!(error, StartError::IoUring(_)), "{error}");
}

#[test]
fn a_port_that_another_node_has_is_refused() {
    let first = start(2, |_| {});
    let (mut options, _) = options(1);
    options.listeners = vec![Listen { address: first.address(), tls: false }];
    let error = node::start(options).map(drop).unwrap_err();
    assert!(matches!(error, StartError::AddressTaken(address) if address == first.address()), "{error}");
}

#[test]
fn a_node_that_stopped_has_given_its_port_back() {
    let address = start(2, |_| {}).address();
    for _ in 0..5 {
        let node = start(2, |options| options.listeners = vec![Listen { address, tls: false }]);
        Client::open(&node, Format::Json).join("room");
        node.handle.stop();
        assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
    }
}

#[test]
fn a_core_that_is_not_there_is_refused() {
    let (mut options, _) = options(2);
    options.shards = ShardPlan(vec![None, Some(1_000)]);
    let error = node::start(options).map(drop).unwrap_err();
    assert!(matches!(error, StartError::Core(1_000, _)), "{error}");
}

#[test]
fn shards_that_spin_serve_as_well() {
    for runtime in [RuntimeChoice::IoUring, RuntimeChoice::Epoll] {
        let node = start(2, |options| {
            options.runtime = runtime;
            options.spin = SpinChoice::Micros(200);
        });
        let mut clients: Vec<_> = (0..8).map(|_| Client::open(&node, Format::Binary)).collect();
        for client in &mut clients {
            client.join("room");
        }
        for round in 0..50 {
            clients[round % 8].publish("room", &round.to_string(), Lane::Reliable, false);
            for client in &mut clients {
                assert_eq!(client.text(), round.to_string());
            }
        }
    }
}

/// A connection whose accept races with the end of the listening is served or refused, never forgotten.
#[test]
fn no_connection_is_lost_between_accepting_and_the_end_of_it() {
    for _ in 0..5 {
        let node = start(2, |_| {});
        let address = node.address();
        let connecting = std::thread::spawn(move || {
            (0..200).map_while(|_| std::net::TcpStream::connect(address).ok()).collect::<Vec<_>>()
        });
        std::thread::yield_now();
        node.handle.stop_listening().unwrap();
        let connections = connecting.join().unwrap();
        for stream in connections {
            use std::io::{Read, Write};
            let mut stream = Patient::over(stream, PATIENCE).unwrap();
            let asked = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            let mut first = [0; 1];
            match stream.read(&mut first) {
                Ok(0) => {}
                Ok(_) => assert!(asked.is_ok()),
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
            }
        }
    }
}
