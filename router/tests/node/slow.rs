use std::io::Read;

use ringway_protocol::{CloseCode, Format, Lane};

use crate::client::Client;
use crate::sessions::core;
use crate::support::start;

#[test]
fn a_client_that_never_reads_is_closed_and_the_others_lose_nothing() {
    let node = start(1, |options| {
        core(options, |settings| {
            settings.limits.outbox_bytes_max = 256 * 1024;
            settings.limits.work_per_s = u32::MAX;
            settings.limits.work_burst = u32::MAX;
        });
    });
    let mut asleep = Client::open(&node, Format::Json);
    asleep.join("room");
    let mut awake = Client::open(&node, Format::Binary);
    awake.join("room");
    let body = "x".repeat(8_000);
    // More than the kernel's buffers and the outbox hold.
    for _ in 0..2_000 {
        awake.publish("room", &body, Lane::Reliable, false);
        assert_eq!(awake.text(), body);
    }
    let notice = node.notices.recv_timeout(crate::support::PATIENCE).unwrap();
    assert!(matches!(
        notice,
        ringway::node::Notice::Closing { close, .. } if close.code == CloseCode::SlowConsumer.number()
    ));
    // It reads at last: what was on its way, then the end.
    let mut rest = Vec::new();
    let _ = asleep.socket.get_mut().read_to_end(&mut rest);
    assert!(rest.len() > 8_000);
}

#[test]
fn a_slow_reader_of_latest_values_gets_the_newest_and_skips_the_rest() {
    let node = start(1, |options| {
        core(options, |settings| {
            settings.limits.work_per_s = u32::MAX;
            settings.limits.work_burst = u32::MAX;
        });
    });
    let mut slow = Client::open(&node, Format::Json);
    slow.join("room");
    let mut publisher = Client::open(&node, Format::Binary);
    publisher.join("room");
    const COUNT: usize = 3_000;
    for number in 0..COUNT {
        let text = format!("{number} {}", "x".repeat(4_000));
        publisher.publish("room", &text, Lane::Latest, number == COUNT - 1);
        if number % 100 == 0 {
            while !publisher.text().starts_with(&format!("{number} ")) {}
        }
    }
    let mut last = None;
    let mut seen = 0;
    while last != Some(COUNT - 1) {
        let number: usize = slow.text().split(' ').next().unwrap().parse().unwrap();
        assert!(last.is_none_or(|last| number > last), "{number} after {last:?}");
        last = Some(number);
        seen += 1;
    }
    assert!(seen < COUNT / 2, "{seen} of {COUNT} values were swallowed by the transport");
}

#[test]
fn publishers_that_flood_a_large_room_wait_and_nobody_in_it_is_too_slow() {
    const FLOODERS: usize = 2;
    // One read of a publisher's socket is more for them than a turn takes.
    const LISTENERS: usize = 240;
    const COUNT: usize = 200;
    const ROUNDS_MAX: usize = 20;
    let node = start(1, |options| {
        core(options, |settings| {
            settings.limits.work_per_s = u32::MAX;
            settings.limits.work_burst = u32::MAX;
        });
    });
    let mut listeners: Vec<_> = (0..LISTENERS).map(|_| Client::open(&node, Format::Binary)).collect();
    listeners.iter_mut().for_each(|listener| drop(listener.join("room")));
    let mut next = [[0; FLOODERS]; LISTENERS];
    // A host that is busy with other things may flood too slowly to be held back: then once more.
    let held = (0..ROUNDS_MAX).any(|round| {
        let floods: Vec<_> = (0..FLOODERS)
            .map(|flooder| {
                let mut client = Client::open(&node, Format::Binary);
                let text = move |number| format!("{flooder} {number} {}", "x".repeat(300));
                std::thread::spawn(move || {
                    client.publish_at_once("room", (round * COUNT..(round + 1) * COUNT).map(text));
                    client
                })
            })
            .collect();
        for _ in 0..FLOODERS * COUNT {
            for (listener, next) in listeners.iter_mut().zip(&mut next) {
                let text = listener.text();
                let mut words = text.split(' ').map(|word| word.parse::<usize>());
                let (flooder, number) = (words.next().unwrap().unwrap(), words.next().unwrap().unwrap());
                assert_eq!(number, next[flooder], "of {flooder}");
                next[flooder] += 1;
            }
        }
        floods.into_iter().for_each(|flood| drop(flood.join().unwrap()));
        node.handle.snapshot().wait().unwrap().shards[0].rim.publishers_held > 0
    });
    assert!(held, "no flood was held back");
    let snapshot = node.handle.snapshot().wait().unwrap();
    assert_eq!(snapshot.shards[0].core.slow_consumers, 0);
}
