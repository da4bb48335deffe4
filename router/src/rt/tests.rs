//! The runtime's traps, each stepped around: if one of these fails, a shard can starve or lose what it was given.

use std::cell::Cell;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ringway_mesh::Wake;

use super::*;
use crate::node::RuntimeKind;

const KINDS: [RuntimeKind; 2] = [RuntimeKind::IoUring, RuntimeKind::Epoll];

#[test]
fn a_task_that_breathes_lets_timers_io_and_other_threads_through() {
    for kind in KINDS {
        let bell = Arc::new(Bell::new().unwrap());
        let ringing = Arc::clone(&bell);
        let (mut near, far) = UnixStream::pair().unwrap();
        run(kind, || async move {
            let passed = Rc::new(Cell::new(0));
            let (timer, io, other) = (Rc::clone(&passed), Rc::clone(&passed), Rc::clone(&passed));
            spawn(async move {
                sleep(Duration::from_millis(5)).await;
                timer.set(timer.get() | 1);
            });
            spawn(async move {
                Io::new(OwnedFd::from(far)).unwrap().readable().await.unwrap();
                io.set(io.get() | 2);
            });
            let ear = bell.ear().unwrap();
            spawn(async move {
                ear.listen().await;
                other.set(other.get() | 4);
            });
            let thread = std::thread::spawn(move || {
                near.write_all(b"x").unwrap();
                ringing.wake();
                near
            });
            let breath = Breath::new(kind).unwrap();
            // Always something to do: this never ends if breathing starves the others.
            while passed.get() != 7 {
                breath.take().await;
            }
            thread.join().unwrap();
        })
        .unwrap();
    }
}

#[test]
fn a_wait_that_is_dropped_loses_no_byte() {
    for kind in KINDS {
        let (mut near, far) = UnixStream::pair().unwrap();
        run(kind, || async move {
            let io = Io::new(OwnedFd::from(far)).unwrap();
            let mut received = Vec::new();
            for byte in 0..200_u8 {
                // Written before the wait is dropped, and after it was begun.
                let waited = either(io.readable(), async {
                    near.write_all(&[byte]).unwrap();
                })
                .await;
                assert!(waited, "the write ends at once");
                io.readable().await.unwrap();
                let mut one = [0; 1];
                // SAFETY: one byte is writable at the pointer.
                let got =
                    unsafe { libc::recv(io.as_raw_fd(), one.as_mut_ptr().cast(), 1, libc::MSG_DONTWAIT) };
                assert_eq!(got, 1);
                received.push(one[0]);
            }
            assert!(received.iter().copied().eq(0..200));
        })
        .unwrap();
    }
}

#[test]
fn a_connection_that_comes_while_the_wait_for_it_is_dropped_is_accepted_later() {
    for kind in KINDS {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        run(kind, || async move {
            let io = Io::new(OwnedFd::from(listener)).unwrap();
            for _ in 0..10 {
                let mut client = None;
                either(io.readable(), async {
                    client = Some(std::net::TcpStream::connect(address).unwrap());
                })
                .await;
                io.readable().await.unwrap();
                let accepted = crate::transport::socket::accept(io.as_raw_fd()).unwrap();
                let (descriptor, peer) = accepted.expect("it waits in the queue");
                let mut client = client.unwrap();
                assert_eq!(peer, client.local_addr().unwrap());
                drop(descriptor);
                // Nobody else holds it open.
                assert_eq!(client.read(&mut [0; 1]).unwrap_or(0), 0);
            }
        })
        .unwrap();
    }
}

#[test]
fn an_alarm_rings_at_the_earliest_of_the_moments_it_was_given() {
    for kind in KINDS {
        run(kind, || async move {
            let mut alarm = Alarm::default();
            let begun = Instant::now();
            for wait in [Duration::from_secs(3_600), Duration::from_millis(3)] {
                let moment = begun + wait;
                let mut first = true;
                poll_fn(|context| {
                    let state = alarm.poll_at(moment, context);
                    // The first moment is only set, then a nearer one takes its place.
                    if std::mem::take(&mut first) && wait.as_secs() > 0 { Poll::Ready(()) } else { state }
                })
                .await;
            }
            assert!(begun.elapsed() >= Duration::from_millis(3));
        })
        .unwrap();
    }
}

#[test]
fn a_signal_raised_before_or_during_the_wait_ends_it_once() {
    for kind in KINDS {
        run(kind, || async move {
            let signal = Rc::new(Signal::default());
            signal.raise();
            signal.raise();
            signal.wait().await;
            assert!(!signal.is_raised());
            let raising = Rc::clone(&signal);
            spawn(async move { raising.raise() });
            signal.wait().await;
        })
        .unwrap();
    }
}

#[test]
fn a_bell_that_rang_before_anybody_listened_is_heard_and_hushed() {
    for kind in KINDS {
        run(kind, || async move {
            let bell = Bell::new().unwrap();
            let ear = bell.ear().unwrap();
            for _ in 0..3 {
                bell.wake();
                bell.wake();
                ear.listen().await;
                ear.hush();
                let heard = !either(ear.listen(), sleep(Duration::from_millis(1))).await;
                assert!(!heard, "once hushed it is silent");
            }
        })
        .unwrap();
    }
}

#[test]
fn a_core_of_the_allowed_ones_can_be_had() {
    let allowed = allowed_cores().unwrap();
    let core = *allowed.last().unwrap();
    std::thread::spawn(move || {
        pin_to_core(core).unwrap();
        assert_eq!(allowed_cores().unwrap(), [core]);
    })
    .join()
    .unwrap();
    assert!(pin_to_core(100_000).is_err());
}
