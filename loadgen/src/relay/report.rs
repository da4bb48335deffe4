//! What the relay has to say in the end: what was asked for, what became of the packets, and how precise it was itself.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::RelayArgs;
use super::forwarder::{Outcome, Traffic};
use super::model::Conditions;
use crate::report::grouped;

/// A forwarder later than this is a part of what it delays.
const LATE_P99_MAX_US: f64 = 1_000.0;

/// What happened, by direction: up, down.
pub(super) struct Report {
    settings: Value,
    rows: Vec<(&'static str, [Value; 2])>,
    cpu: Duration,
    realtime: bool,
    over: Duration,
    warnings: Vec<String>,
}

impl Report {
    /// Gathers what was asked for and what happened; `overrun` is what the kernel dropped before the forwarder saw it.
    pub(super) fn new(
        args: &RelayArgs,
        conditions: &[Conditions; 2],
        outcome: &Outcome,
        overrun: [Option<u64>; 2],
        over: Duration,
    ) -> Self {
        let settings = json!({
            "rtt_ms": milliseconds(args.rtt),
            "jitter_ms": milliseconds(args.jitter),
            "reorder": args.reorder,
            "burst_packets": args.burst,
            "spell_ms": args.spell.map(milliseconds),
            "mtu_bytes": args.mtu,
            "seed": args.seed,
        });
        let mut report = Self {
            settings,
            rows: Vec::new(),
            cpu: outcome.cpu,
            realtime: outcome.realtime,
            over,
            warnings: Vec::new(),
        };
        report.asked(args, conditions);
        report.happened(&outcome.traffic);
        report.rows.push(("overrun", overrun.map(|packets| json!(packets))));
        report.judge(&outcome.traffic, overrun);
        report
    }

    fn asked(&mut self, args: &RelayArgs, conditions: &[Conditions; 2]) {
        let losses = [args.up_loss, args.down_loss].map(|loss| loss.unwrap_or(args.loss));
        self.rows.push(("asked_loss_percent", losses.map(|loss| json!(loss))));
        let rates = conditions.map(|conditions| conditions.rate);
        self.rows.push(("asked_rate_kbit", rates.map(|rate| json!(rate.map(|rate| rate.kbit)))));
        self.rows.push(("asked_queue_bytes", rates.map(|rate| json!(rate.map(|rate| rate.queue_bytes)))));
    }

    fn happened(&mut self, traffic: &[Traffic; 2]) {
        let mut row =
            |name, value: fn(&Traffic) -> Value| self.rows.push((name, traffic.each_ref().map(value)));
        row("packets", |traffic| json!(traffic.packets));
        row("bytes", |traffic| json!(traffic.bytes));
        row("delivered", |traffic| json!(traffic.delivered));
        row("delivered_bytes", |traffic| json!(traffic.delivered_bytes));
        row("lost", |traffic| json!(traffic.lost));
        row("lost_percent", |traffic| json!(lost_percent(traffic)));
        row("queue_full", |traffic| json!(traffic.queue_full));
        row("reordered", |traffic| json!(traffic.reordered));
        row("under_way_at_end", |traffic| json!(traffic.under_way));
        row("late_p50_us", |traffic| json!(rounded(traffic.lateness.quantile_us(0.5))));
        row("late_p99_us", |traffic| json!(rounded(traffic.lateness.quantile_us(0.99))));
        row("late_max_us", |traffic| json!(rounded(traffic.lateness.max_us())));
        row("refused", |traffic| json!(traffic.refused));
        row("overflowed", |traffic| json!(traffic.overflowed));
    }

    fn judge(&mut self, traffic: &[Traffic; 2], overrun: [Option<u64>; 2]) {
        for ((name, traffic), overrun) in ["up", "down"].into_iter().zip(traffic).zip(overrun) {
            let late = traffic.lateness.quantile_us(0.99);
            if late > LATE_P99_MAX_US {
                self.warnings
                    .push(format!("{name}: packets were {late:.0} µs late (p99): this host was too busy"));
            }
            let beside_the_model = traffic.refused + traffic.overflowed + overrun.unwrap_or(0);
            if beside_the_model > 0 {
                let packets = grouped(beside_the_model);
                self.warnings
                    .push(format!("{name}: {packets} packets were dropped that the model did not drop"));
            }
        }
    }

    /// Prints the table on standard error, since standard output is the client's, and writes the JSON where it is
    /// wanted.
    pub(super) fn publish(&self, json: Option<&Path>) -> io::Result<()> {
        io::stderr().write_all(self.table().as_bytes())?;
        let Some(path) = json else { return Ok(()) };
        let mut text = serde_json::to_string_pretty(&self.to_json()).map_err(io::Error::other)?;
        text.push('\n');
        if path == Path::new("-") {
            io::stdout().write_all(text.as_bytes())
        } else {
            std::fs::write(path, text)
        }
    }

    fn to_json(&self) -> Value {
        let side = |index: usize| -> Map<String, Value> {
            self.rows.iter().map(|(name, values)| ((*name).to_owned(), values[index].clone())).collect()
        };
        json!({
            "scenario": "relay",
            "settings": self.settings,
            "up": side(0),
            "down": side(1),
            "seconds": rounded(self.over.as_secs_f64()),
            "forwarder_cpu_seconds": rounded(self.cpu.as_secs_f64()),
            "forwarder_realtime": self.realtime,
            "warnings": self.warnings,
        })
    }

    fn table(&self) -> String {
        let mut table = format!("\n{:<20}{:>14}{:>14}\n", "relay", "up", "down");
        for (name, values) in &self.rows {
            let [up, down] = values.each_ref().map(shown);
            table += &format!("  {name:<18}{up:>14}{down:>14}\n");
        }
        let (cpu, over) = (self.cpu.as_secs_f64(), self.over.as_secs_f64());
        let priority = if self.realtime { "realtime" } else { "ordinary" };
        table += &format!("  forwarder: {cpu:.2} s of CPU in {over:.2} s, {priority} priority\n");
        for warning in &self.warnings {
            table += &format!("warning: {warning}\n");
        }
        table
    }
}

/// Of those that came through the queue, since the others could not be lost any more.
fn lost_percent(traffic: &Traffic) -> f64 {
    let offered = traffic.packets - traffic.queue_full;
    if offered == 0 { 0.0 } else { rounded(traffic.lost as f64 * 100.0 / offered as f64) }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

fn shown(value: &Value) -> String {
    match (value.as_u64(), value) {
        (Some(count), _) => grouped(count),
        (None, Value::Null) => "–".to_owned(),
        (None, value) => value.to_string(),
    }
}
