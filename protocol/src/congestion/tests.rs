//! The window on links made of arithmetic: a bottleneck with a queue, a way there and back, random loss.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;

const PACKET: u64 = 1_200;
/// Packets behind a lost one that tell of it (RFC 9002 §6.1.1).
const REORDERING: u64 = 3;

/// What decides how much a flow may send.
trait Sender {
    fn window(&self) -> u64;
    fn sent(&mut self, now: Monotonic);
    fn acked(&mut self, now: Monotonic, sent: Monotonic, limited: bool, smoothed_us: u64, in_flight: u64);
    fn lost(&mut self, now: Monotonic, sent: Monotonic);
}

impl Sender for Window {
    fn window(&self) -> u64 {
        self.bytes()
    }

    fn sent(&mut self, now: Monotonic) {
        self.handle_sent(now, PACKET);
    }

    fn acked(&mut self, now: Monotonic, sent: Monotonic, limited: bool, smoothed_us: u64, in_flight: u64) {
        self.handle_ack(now, sent, PACKET, limited, smoothed_us);
        self.handle_acks_end(now, in_flight);
    }

    fn lost(&mut self, now: Monotonic, sent: Monotonic) {
        self.handle_loss(now, sent, PACKET, false);
    }
}

/// What most of the internet does: grow by a packet a round trip, halve at each loss (RFC 5681).
struct Reno {
    window: u64,
    cut_at: Monotonic,
    starting: bool,
}

impl Sender for Reno {
    fn window(&self) -> u64 {
        self.window
    }

    fn sent(&mut self, _: Monotonic) {}

    fn acked(&mut self, _: Monotonic, _: Monotonic, _: bool, _: u64, _: u64) {
        self.window += if self.starting { PACKET } else { PACKET * PACKET / self.window };
    }

    fn lost(&mut self, now: Monotonic, sent: Monotonic) {
        if sent > self.cut_at {
            self.cut_at = now;
            self.starting = false;
            self.window = (self.window / 2).max(2 * PACKET);
        }
    }
}

struct Flow {
    sender: Box<dyn Sender>,
    /// Bytes a second that there are to send; `None`: no end of them.
    offers: Option<u64>,
    in_flight: VecDeque<(u64, Monotonic)>,
    next: u64,
    handed: u64,
    smoothed_us: u64,
    delivered: u64,
    delay_us: Vec<u64>,
}

impl Flow {
    fn new(sender: impl Sender + 'static, offers: Option<u64>) -> Self {
        Self {
            sender: Box::new(sender),
            offers,
            in_flight: VecDeque::new(),
            next: 0,
            handed: 0,
            smoothed_us: 0,
            delivered: 0,
            delay_us: Vec::new(),
        }
    }

    fn wants(&self, now: u64) -> bool {
        self.offers.is_none_or(|rate| self.handed < rate * now / 1_000_000)
    }

    fn limited(&self, now: u64) -> bool {
        self.wants(now) && (self.in_flight.len() as u64 + 1) * PACKET > self.sender.window()
    }
}

struct Link {
    bytes_per_s: u64,
    round_trip_us: u64,
    queue_bytes: u64,
    loss_permille: u64,
}

impl Link {
    /// Lets flows share the link for so long.
    fn run(&self, flows: &mut [Flow], seconds: u64) {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut acks: BinaryHeap<Reverse<(u64, usize, u64)>> = BinaryHeap::new();
        let (mut now, mut free_at) = (0_u64, 0_u64);
        while now < seconds * 1_000_000 {
            while let Some(&Reverse((at, flow, number))) = acks.peek() {
                if at > now {
                    break;
                }
                acks.pop();
                Self::acknowledge(&mut flows[flow], Monotonic(now), number);
            }
            for (index, flow) in flows.iter_mut().enumerate() {
                while flow.wants(now) && (flow.in_flight.len() as u64 + 1) * PACKET <= flow.sender.window() {
                    flow.handed += PACKET;
                    flow.in_flight.push_back((flow.next, Monotonic(now)));
                    flow.sender.sent(Monotonic(now));
                    flow.next += 1;
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    let queued = free_at.saturating_sub(now) * self.bytes_per_s / 1_000_000;
                    if random % 1_000 < self.loss_permille || queued > self.queue_bytes {
                        continue;
                    }
                    free_at = free_at.max(now) + PACKET * 1_000_000 / self.bytes_per_s;
                    acks.push(Reverse((free_at + self.round_trip_us, index, flow.next - 1)));
                }
            }
            now += 250;
        }
    }

    fn acknowledge(flow: &mut Flow, now: Monotonic, number: u64) {
        let limited = flow.limited(now.0);
        let Some(place) = flow.in_flight.iter().position(|(other, _)| *other == number) else { return };
        let (_, sent) = flow.in_flight.remove(place).unwrap();
        flow.delivered += PACKET;
        let round_trip = now.since(sent);
        flow.delay_us.push(round_trip);
        flow.smoothed_us =
            if flow.smoothed_us == 0 { round_trip } else { (flow.smoothed_us * 7 + round_trip) / 8 };
        let left = flow.in_flight.len() as u64 * PACKET;
        flow.sender.acked(now, sent, limited, flow.smoothed_us, left);
        while flow.in_flight.front().is_some_and(|(other, _)| other + REORDERING <= number) {
            let (_, sent) = flow.in_flight.pop_front().unwrap();
            flow.sender.lost(now, sent);
        }
    }
}

fn window() -> Window {
    Window::new(Monotonic(0), PACKET as u16)
}

fn percent_of(flow: &Flow, link: &Link, seconds: u64) -> u64 {
    flow.delivered * 100 / (link.bytes_per_s * seconds)
}

#[test]
fn random_loss_does_not_slow_it_down() {
    for loss_permille in [0, 10, 50, 100] {
        let link =
            Link { bytes_per_s: 1_250_000, round_trip_us: 40_000, queue_bytes: 128_000, loss_permille };
        let mut flows = [Flow::new(window(), None)];
        link.run(&mut flows, 20);
        let percent = percent_of(&flows[0], &link, 20);
        assert!(percent >= 80, "{loss_permille} permille: {percent} %");
    }
}

#[test]
fn a_state_of_4_kb_at_60_hz_gets_through_lossy_paths() {
    for (round_trip_us, loss_permille) in [(20_000, 100), (40_000, 50), (80_000, 50), (150_000, 100)] {
        let link = Link { bytes_per_s: 12_500_000, round_trip_us, queue_bytes: 1_000_000, loss_permille };
        let mut flows = [Flow::new(window(), Some(4_096 * 60))];
        link.run(&mut flows, 20);
        let sent = flows[0].handed * 100 / (4_096 * 60 * 20);
        assert!(sent >= 97, "{round_trip_us} us, {loss_permille} permille: {sent} % of the states left");
    }
}

#[test]
fn a_slow_line_with_a_deep_queue_stays_fresh() {
    let link = Link { bytes_per_s: 32_000, round_trip_us: 80_000, queue_bytes: 1_000_000, loss_permille: 0 };
    let mut flows = [Flow::new(window(), None)];
    link.run(&mut flows, 20);
    let mut late = flows[0].delay_us.split_off(flows[0].delay_us.len() / 4);
    late.sort_unstable();
    let p99 = late[late.len() * 99 / 100];
    assert!(p99 <= 80_000 + 190_000, "{p99} us there and back");
    let percent = percent_of(&flows[0], &link, 20);
    assert!(percent >= 90, "{percent} %");
}

#[test]
fn it_leaves_a_share_to_others_and_keeps_one() {
    for (round_trip_us, queue_bytes) in
        [(40_000, 32_000), (40_000, 64_000), (20_000, 32_000), (80_000, 128_000)]
    {
        let link = Link { bytes_per_s: 1_250_000, round_trip_us, queue_bytes, loss_permille: 0 };
        let reno = Reno { window: 10 * PACKET, cut_at: Monotonic(0), starting: true };
        let mut flows = [Flow::new(window(), None), Flow::new(reno, None)];
        link.run(&mut flows, 60);
        let [ours, theirs] = [0, 1].map(|index| percent_of(&flows[index], &link, 60));
        assert!(
            (20..=75).contains(&ours) && theirs >= 20,
            "{round_trip_us} us, {queue_bytes} bytes of queue: {ours} % and {theirs} %"
        );
    }
}

#[test]
fn two_of_them_share() {
    let link = Link { bytes_per_s: 1_250_000, round_trip_us: 40_000, queue_bytes: 64_000, loss_permille: 0 };
    let mut flows = [Flow::new(window(), None), Flow::new(window(), None)];
    link.run(&mut flows, 60);
    let [one, other] = [0, 1].map(|index| percent_of(&flows[index], &link, 60));
    assert!(one >= 25 && other >= 25, "{one} % and {other} %");
}

#[test]
fn a_path_that_goes_silent_starts_anew() {
    let mut window = window();
    for step in 0..100_u64 {
        let now = Monotonic(step * 10_000 + 40_000);
        window.handle_sent(now, PACKET);
        window.handle_ack(now, Monotonic(step * 10_000), PACKET, true, 40_000);
        window.handle_acks_end(now, 0);
    }
    window.handle_loss(Monotonic(5_000_000), Monotonic(4_000_000), 40 * PACKET, true);
    assert_eq!(window.bytes(), 4 * PACKET);
    assert_eq!(window.bytes_per_s(), 0);
}

#[test]
fn packets_that_only_acknowledge_fill_no_window() {
    let mut window = window();
    for step in 0..10_000 {
        window.handle_sent(Monotonic(step * 10_000), 40);
    }
    assert!(window.in_flight() < window.bytes());
}
