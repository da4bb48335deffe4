//! `saturate`: the highest rate at which a scenario keeps a bound on its latency.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::{of_run, rounded};
use crate::args::{SaturateArgs, Scenario};
use crate::report::{BUSY, Limit, Summary, Verdict, grouped};
use crate::scenario::{self, Plan};

/// The first step is halved so often at most.
const HALVINGS_MAX: u32 = 12;
/// The client may be late by this part of the bound.
const LAG_PART: u32 = 5;
/// Of what was due, this much must have been sent.
const SENT_MIN: f64 = 0.98;

/// One rate that was tried.
struct Step {
    rate: f64,
    p50_us: f64,
    p99_us: f64,
    /// Why it did not hold.
    why: Option<String>,
    limit: Limit,
}

impl Step {
    const fn held(&self) -> bool {
        self.why.is_none()
    }
}

/// Searches, prints each step as it is done, then the answer.
///
/// # Errors
/// When a run can't take place, or a document can't be written.
pub fn saturate(args: &SaturateArgs) -> Result<ExitCode, String> {
    let plan = Plan::parse(&args.study.scenario).map_err(|fault| fault.to_string())?;
    let knob = Knob::of(plan.scenario())?;
    let mut search = Search { args, plan: &plan, knob, steps: Vec::new(), runs: Vec::new() };
    let best = search.run()?;
    let limit = search.limit(best);
    let mut table = format!("\n{}: p99 under {} ms\n", plan.name(), args.p99_under.as_secs_f64() * 1e3);
    match best {
        Some(best) => {
            let _ = writeln!(table, "  highest rate that held: {} {}", number(best), search.knob.unit);
        }
        None => table += "  no rate held\n",
    }
    let _ = writeln!(table, "  limited by: {limit}");
    if limit == "client" {
        table +=
            "warning: client-bound: the server may take more than these clients can send (more --threads?)\n";
    }
    let steps: Vec<Value> = search
        .steps
        .iter()
        .map(|step| {
            json!({
                "rate": rounded(step.rate), "p50_us": rounded(step.p50_us), "p99_us": rounded(step.p99_us),
                "held": step.held(), "why": step.why,
            })
        })
        .collect();
    let document = json!({
        "schema": 1,
        "saturate": {
            "scenario": plan.name(),
            "flag": search.knob.flag,
            "bound": {"quantile": 0.99, "us": args.p99_under.as_secs_f64() * 1e6},
            "steps": steps,
            "best": best,
            "limited_by": limit,
        },
        "runs": search.runs,
    });
    args.study.output().deliver(&table, &document)?;
    Ok(if best.is_some() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What is turned to change the rate.
struct Knob {
    flag: &'static str,
    unit: &'static str,
    /// Rows that say how fast it was.
    latency: [&'static str; 2],
    own: f64,
}

impl Knob {
    fn of(scenario: &Scenario) -> Result<Self, String> {
        let latency = ["p50_us", "p99_us"];
        Ok(match scenario {
            Scenario::Fanout(args) => Self {
                flag: "--rate",
                unit: "publications/s of each publisher",
                latency,
                own: args.publish.rate,
            },
            Scenario::Echo(args) => {
                let own = if args.rate > 0.0 { args.rate } else { 1_000.0 };
                Self { flag: "--rate", unit: "messages/s", latency, own }
            }
            Scenario::Game(args) => {
                let latency = ["state_p50_us", "state_p99_us"];
                Self { flag: "--tick-rate", unit: "ticks/s", latency, own: args.tick_rate }
            }
            Scenario::Connect(args) => {
                let own =
                    if args.common.connect_rate > 0 { f64::from(args.common.connect_rate) } else { 100.0 };
                Self { flag: "--connect-rate", unit: "connections/s", latency, own }
            }
            _ => return Err("saturate: fanout, echo, game and connect have a rate to search for".to_owned()),
        })
    }

    /// As typed: connections come in whole numbers.
    fn value(&self, rate: f64) -> String {
        if self.flag == "--connect-rate" { format!("{}", rate.round().max(1.0)) } else { format!("{rate}") }
    }
}

struct Search<'a> {
    args: &'a SaturateArgs,
    plan: &'a Plan,
    knob: Knob,
    steps: Vec<Step>,
    runs: Vec<Value>,
}

impl Search<'_> {
    /// The best rate that held.
    fn run(&mut self) -> Result<Option<f64>, String> {
        let top = self.args.to.unwrap_or(f64::MAX);
        let first = self.args.from.unwrap_or(self.knob.own).min(top);
        let (mut low, mut high) = (None, None);
        let mut rate = first;
        if self.try_rate(rate)? {
            low = Some(rate);
            while rate < top && high.is_none() {
                rate = (rate * 2.0).min(top);
                if self.try_rate(rate)? { low = Some(rate) } else { high = Some(rate) }
            }
        } else {
            high = Some(rate);
            for _ in 0..HALVINGS_MAX {
                rate /= 2.0;
                if self.try_rate(rate)? {
                    low = Some(rate);
                    break;
                }
                high = Some(rate);
            }
        }
        while let (Some(held), Some(failed)) = (low, high)
            && failed / held > 1.0 + self.args.precision / 100.0
        {
            let middle = (held * failed).sqrt();
            if self.try_rate(middle)? { low = Some(middle) } else { high = Some(middle) }
        }
        Ok(low)
    }

    /// A step that fails is tried once more: a noisy moment fails a step, but never holds one.
    fn try_rate(&mut self, rate: f64) -> Result<bool, String> {
        Ok(self.step(rate)? || self.step(rate)?)
    }

    fn step(&mut self, rate: f64) -> Result<bool, String> {
        let flags = [self.knob.flag.to_owned(), self.knob.value(rate), "--quiet".to_owned()];
        let plan = self.plan.with(&flags).map_err(|fault| fault.to_string())?;
        let summary = scenario::run(&plan).map_err(|fault| fault.to_string())?;
        if summary.was_interrupted() {
            return Err("interrupted".to_owned());
        }
        let step = self.judge(rate, &summary);
        let verdict = step.why.as_deref().unwrap_or("held");
        eprintln!(
            "{:>12} {}: p50 {:.0} µs, p99 {:.0} µs: {verdict}",
            number(rate),
            self.knob.unit,
            step.p50_us,
            step.p99_us
        );
        let held = step.held();
        self.runs.push(of_run(summary.to_json(), json!({"step_rate": rounded(rate), "held": held})));
        self.steps.push(step);
        Ok(held)
    }

    fn judge(&self, rate: f64, summary: &Summary) -> Step {
        let row = |name: &str| summary.value(name).as_f64().unwrap_or(0.0);
        let [p50_us, p99_us] = self.knob.latency.map(row);
        let sent = row("publishes_per_s").max(row("sent_per_s")).max(row("states_sent_per_s"));
        let unsent = row("unsent") / row("duration_s").max(1e-9);
        let bound = self.args.p99_under;
        let lag = Duration::from_secs_f64(row("send_lag_p99_us") / 1e6);
        let busy = row("client_busiest_thread") > BUSY;
        let why = match summary.limit() {
            _ if summary.verdict() == Verdict::Broken => {
                Some(summary.failures().first().cloned().unwrap_or_default())
            }
            Limit::Client if busy || lag > bound / LAG_PART => Some("client-bound".to_owned()),
            _ if Duration::from_secs_f64(p99_us / 1e6) > bound => Some("too late".to_owned()),
            _ if unsent > 0.0 && sent / (sent + unsent) < SENT_MIN => {
                Some("not all was sent that was due".to_owned())
            }
            _ => None,
        };
        Step { rate, p50_us, p99_us, why, limit: summary.limit() }
    }

    /// What the lowest rate that failed was limited by.
    fn limit(&self, best: Option<f64>) -> &'static str {
        let failed =
            self.steps.iter().filter(|step| !step.held() && best.is_none_or(|best| step.rate > best));
        match failed.min_by(|a, b| a.rate.total_cmp(&b.rate)) {
            None => "never",
            Some(step) if step.limit == Limit::Client => "client",
            Some(_) => "server",
        }
    }
}

fn number(rate: f64) -> String {
    if rate >= 100.0 { grouped(rate.round() as u64) } else { format!("{rate:.1}") }
}
