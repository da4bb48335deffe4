//! `ringway-bench link`: how many publications one link between two nodes carries, with a core at each end.
//!
//! Nothing but the link: no clients, no rooms. What each end does with a publication is what a shard does: the sender makes its frame from
//! the shared message, the receiver decodes it and keeps the message for its own sessions. CPU is each thread's own, of the turns in which
//! datagrams came or went: who waits, turns without.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringway::alone::{LinkEnd, LinkSeed, pair};
use serde_json::json;

use crate::cpu;

/// How large, how many at once, how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Bytes of a publication's body
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    body: u32,
    /// Publications in one turn of the sender
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: u32,
    /// Cores of the sender and the receiver
    #[arg(long, value_delimiter = ',', num_args = 2, default_value = "0,1")]
    cores: Vec<usize>,
    /// Milliseconds before it counts
    #[arg(long, default_value_t = 500)]
    warm_ms: u64,
    /// Milliseconds that count
    #[arg(long, default_value_t = 3_000)]
    measure_ms: u64,
}

/// How long the link may take to stand.
const UP_MAX: Duration = Duration::from_secs(10);

/// What one end did while it counted.
#[derive(Default)]
struct Done {
    publications: AtomicU64,
    busy_ns: AtomicU64,
    packets_lost: AtomicU64,
}

/// Both ends see it.
#[derive(Default)]
struct Course {
    counts: AtomicBool,
    over: AtomicBool,
    sent: Done,
    came: Done,
}

/// Prints `{"per_s", "sender_ns", "receiver_ns", "packets_lost"}`: publications that came in a second of wall time, CPU for one at each end,
/// and what the sender took for lost.
///
/// # Errors
/// If cores or sockets can't be had, or the link does not stand.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let [one, other] = pair()?;
    let course = Arc::new(Course::default());
    let receiver = spawn(&course, other, options, options.cores[1], |course| &course.came, |_| 0);
    let batch = options.batch as usize;
    let sender =
        spawn(&course, one, options, options.cores[0], |course| &course.sent, move |end| end.publish(batch));
    thread::sleep(Duration::from_millis(options.warm_ms));
    let begun = Instant::now();
    course.counts.store(true, Ordering::SeqCst);
    thread::sleep(Duration::from_millis(options.measure_ms));
    course.counts.store(false, Ordering::SeqCst);
    let seconds = begun.elapsed().as_secs_f64();
    course.over.store(true, Ordering::SeqCst);
    for end in [sender, receiver] {
        end.join().map_err(|_| io::Error::other("an end panicked"))??;
    }
    let count = |done: &Done| done.publications.load(Ordering::SeqCst) as f64;
    let each = |done: &Done| done.busy_ns.load(Ordering::SeqCst) as f64 / count(done).max(1.0);
    let (sent, came) = (&course.sent, &course.came);
    let found = json!({
        "per_s": count(came) / seconds,
        "sender_ns": each(sent),
        "receiver_ns": each(came),
        "packets_lost": sent.packets_lost.load(Ordering::SeqCst),
    });
    println!("{found}");
    Ok(())
}

fn spawn(
    course: &Arc<Course>,
    seed: LinkSeed,
    options: &Options,
    core: usize,
    done: fn(&Course) -> &Done,
    mut say: impl FnMut(&mut LinkEnd) -> usize + Send + 'static,
) -> thread::JoinHandle<io::Result<()>> {
    let (course, body) = (Arc::clone(course), options.body as usize);
    thread::spawn(move || {
        cpu::pin(core)?;
        let mut end = LinkEnd::new(seed, body)?;
        let begun = Instant::now();
        while !end.is_up() {
            if begun.elapsed() > UP_MAX {
                return Err(io::Error::other("the link does not stand"));
            }
            end.turn();
        }
        while !course.over.load(Ordering::Relaxed) {
            let before = cpu::thread_ns();
            let said = say(&mut end);
            let turn = end.turn();
            let publications = (said + turn.publications) as u64;
            if course.counts.load(Ordering::Relaxed) && turn.datagrams + publications > 0 {
                done(&course).publications.fetch_add(publications, Ordering::Relaxed);
                done(&course).busy_ns.fetch_add(cpu::thread_ns() - before, Ordering::Relaxed);
            }
        }
        done(&course).packets_lost.store(end.packets_lost(), Ordering::Relaxed);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_comes() {
        let [one, other] = pair().unwrap();
        let (mut one, mut other) = (LinkEnd::new(one, 200).unwrap(), LinkEnd::new(other, 200).unwrap());
        let (mut said, mut came) = (0, 0);
        let begun = Instant::now();
        while came < 1_000 {
            assert!(begun.elapsed() < Duration::from_secs(60), "{said} were said, {came} came");
            said += one.publish(1_000 - said);
            one.turn();
            came += other.turn().publications;
        }
        assert_eq!((said, came), (1_000, 1_000));
    }
}
