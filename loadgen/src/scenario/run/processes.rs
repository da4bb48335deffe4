//! Clients in several processes: this process starts them, tells them the schedule, and adds up what they count.
//!
//! Each is this program again with the command `worker`. Lines of JSON go both ways over its standard input and output;
//! to the rest of a run a worker looks like one more thread.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{End, Finals, Part, Setup, Work, interrupt};
use crate::engine::Schedule;
use crate::report::{Board, Second, Tally};
use crate::scenario::{self, Plan, RunFault};

/// Counters of a board that go from process to process.
const COUNTERS: usize = 7;
/// How often either side looks for something to tell.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The first line to a worker.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    /// The scenario's words.
    words: Vec<String>,
    /// Which of how many.
    number: u16,
    of: u16,
}

/// To a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Order {
    Schedule(Schedule),
    /// Where the rooms of all workers ended.
    Ends(Vec<End>),
    Stop,
}

/// From a worker.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    /// What the counters of its board rose by.
    Counters([u64; COUNTERS]),
    Seconds(Vec<Second>),
    /// Where the rooms of its threads ended.
    Ends(Vec<End>),
    Tally(Box<Tally>),
    Fault(String),
}

/// Starts the workers; each looks like a thread that ends with its tally.
pub(super) fn start(setup: &Setup, plan: &Plan) -> Result<Vec<JoinHandle<io::Result<Tally>>>, RunFault> {
    let of = setup.common.processes;
    let mut inputs = Vec::new();
    let mut readers = Vec::new();
    let running = Arc::new(AtomicU64::new(of.into()));
    for number in 0..of {
        let program = std::env::current_exe()?;
        let mut child =
            Command::new(program).arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().ok_or_else(|| io::Error::other("a worker without an input"))?;
        say(&mut input, &Task { words: plan.words().to_vec(), number, of })?;
        inputs.push(input);
        let (setup, running) = (setup.clone(), Arc::clone(&running));
        let reader = move || {
            let tally = listen(&mut child, &setup.board, &setup.finals);
            running.fetch_sub(1, Relaxed);
            // One that can't go on alone: the others need not either.
            if tally.is_err() {
                setup.stop.store(true, Relaxed);
                let _ = child.kill();
            }
            let _ = child.wait();
            tally
        };
        readers.push(std::thread::Builder::new().name(format!("worker-{number}")).spawn(reader)?);
    }
    let setup = setup.clone();
    std::thread::Builder::new().name("workers".into()).spawn(move || command(&setup, inputs, &running))?;
    Ok(readers)
}

/// Passes on what concerns all workers, each thing once, until none is left.
fn command(setup: &Setup, mut inputs: Vec<ChildStdin>, running: &AtomicU64) {
    let (mut scheduled, mut ended, mut stopped) = (false, false, false);
    while running.load(Relaxed) > 0 {
        let mut orders = Vec::new();
        if let Some(schedule) = setup.schedule.get().filter(|_| !scheduled) {
            scheduled = true;
            orders.push(Order::Schedule(*schedule));
        }
        if let Some(ends) = setup.finals.whole().filter(|_| !ended) {
            ended = true;
            orders.push(Order::Ends(ends));
        }
        if setup.stop.load(Relaxed) && !stopped {
            stopped = true;
            orders.push(Order::Stop);
        }
        for order in orders {
            for input in &mut inputs {
                // A worker that is gone is its reader's business.
                let _ = say(input, &order);
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Takes in what a worker tells until it has told all.
fn listen(child: &mut Child, board: &Board, finals: &Finals) -> io::Result<Tally> {
    let output = child.stdout.take().ok_or_else(|| io::Error::other("a worker without an output"))?;
    for line in BufReader::new(output).lines() {
        let told = serde_json::from_str(&line?)
            .map_err(|fault| io::Error::other(format!("a worker said what is no message: {fault}")))?;
        match told {
            Told::Counters(news) => {
                for (counter, news) in counters(board).into_iter().zip(news) {
                    counter.fetch_add(news, Relaxed);
                }
            }
            Told::Seconds(seconds) => seconds.into_iter().for_each(|second| board.add_second(second)),
            Told::Ends(ends) => finals.tell(ends.into_iter()),
            Told::Tally(tally) => return Ok(*tally),
            Told::Fault(fault) => return Err(io::Error::other(fault)),
        }
    }
    Err(io::Error::other("a worker process ended before it told what it had counted"))
}

/// A worker's whole life: reads its task from standard input and reports on standard output.
///
/// # Errors
/// When whoever started it is gone; faults of the run itself are told as such.
pub(in crate::scenario) fn work() -> io::Result<()> {
    interrupt::ignore();
    let mut first = String::new();
    io::stdin().read_line(&mut first)?;
    let fault = |fault: &dyn std::fmt::Display| tell(&Told::Fault(fault.to_string()));
    let task: Task = match serde_json::from_str(&first) {
        Ok(task) => task,
        Err(reason) => return fault(&format!("`worker` is for ringway-load's own use: {reason}")),
    };
    let part = Part { number: task.number, of: task.of, is_worker: true };
    let begun = Plan::parse(&task.words).and_then(|plan| scenario::begin(&plan, part));
    match begun.and_then(|(setup, work)| serve(&setup, &work)) {
        Ok(tally) => tell(&Told::Tally(Box::new(tally))),
        Err(reason) => fault(&reason),
    }
}

fn serve(setup: &Setup, work: &Work) -> Result<Tally, RunFault> {
    let threads = setup.spawn(work)?;
    let own = setup.clone();
    std::thread::Builder::new().name("orders".into()).spawn(move || obey(&own))?;
    let mut counted = [0; COUNTERS];
    let mut told_ends = false;
    loop {
        let done = threads.iter().all(JoinHandle::is_finished);
        report(setup, &mut counted, &mut told_ends)?;
        if done {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let mut sum = Tally::default();
    for thread in threads {
        let tally = thread.join().map_err(|_| RunFault::Asked("a thread of a worker panicked".to_owned()))?;
        sum.add(&tally?);
    }
    Ok(sum)
}

fn report(setup: &Setup, counted: &mut [u64; COUNTERS], told_ends: &mut bool) -> io::Result<()> {
    let now = counters(&setup.board).map(|counter| counter.load(Relaxed));
    if now != *counted {
        // Violations may be taken back.
        let news = std::array::from_fn(|index| now[index].saturating_sub(counted[index]));
        *counted = now;
        tell(&Told::Counters(news))?;
    }
    let seconds = setup.board.take_seconds();
    if !seconds.is_empty() {
        tell(&Told::Seconds(seconds))?;
    }
    if !*told_ends && let Some(ends) = setup.finals.own() {
        *told_ends = true;
        tell(&Told::Ends(ends))?;
    }
    Ok(())
}

/// Does as told; when nobody is there any more to tell, stops.
fn obey(setup: &Setup) {
    for line in io::stdin().lock().lines() {
        match line.ok().and_then(|line| serde_json::from_str(&line).ok()) {
            Some(Order::Schedule(schedule)) => {
                let _ = setup.schedule.set(schedule);
            }
            Some(Order::Ends(ends)) => setup.finals.complete_with(ends),
            Some(Order::Stop) => setup.stop.store(true, Relaxed),
            None => break,
        }
    }
    setup.stop.store(true, Relaxed);
}

fn counters(board: &Board) -> [&AtomicU64; COUNTERS] {
    let Board { connected, ready, ended, deliveries, publishes, errors, violations, .. } = board;
    [connected, ready, ended, deliveries, publishes, errors, violations]
}

fn say(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

fn tell(told: &Told) -> io::Result<()> {
    say(&mut io::stdout().lock(), told)
}
