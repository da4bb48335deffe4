//! A game's loop at 60 Hz: everybody tells where they are, and sees where the others are and how old that is.
//!
//! Start a server (`cargo run --release -- serve --dev`), then two of these:
//!
//! ```sh
//! cargo run --release -p ringway-client --example game -- quic://127.0.0.1:7400 --insecure --name ada
//! cargo run --release -p ringway-client --example game -- ws://127.0.0.1:7400/v1 --name bob
//! ```
//!
//! The position goes on the `unreliable` lane, 60 times a second; the name on the `latest` lane, where who comes later
//! finds it; a shot on the `reliable` lane, which everybody gets, in one order.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use clap::Parser;
use ringway_client::{
    Clock, Config, Event, JoinOptions, Lane, Message, Publish, Room, Session, Trust, connect,
};
use ringway_protocol::{BodyKind, SessionId};
use tokio::time::MissedTickBehavior;

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// Frames between two shots.
const SHOT_EVERY: u64 = 180;
/// Who was not heard of for so long is gone.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3);

/// Walks in circles and shoots now and then.
#[derive(Parser)]
struct Args {
    /// Where: quic://host:port, https://host:port/v1 (WebTransport), ws://host:port/v1 or wss://host:port/v1.
    #[arg(default_value = "quic://127.0.0.1:7400")]
    url: String,
    /// The room to play in.
    #[arg(long, default_value = "game:1")]
    room: String,
    /// What the others call you.
    #[arg(long, default_value = "player")]
    name: String,
    /// Trust the certificate with this SHA-256, in hex.
    #[arg(long)]
    fingerprint: Option<String>,
    /// Trust any certificate: for a server on this machine.
    #[arg(long)]
    insecure: bool,
    /// A token, where anonymous users are not let in.
    #[arg(long)]
    token: Option<String>,
    /// Leave after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
}

/// What is known of a player.
#[derive(Default)]
struct Player {
    name: Option<String>,
    position: [f32; 2],
    /// Ages of the states of this second.
    ages: Vec<Duration>,
    heard: Option<Instant>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let mut config = Config::new(args.url.as_str());
    config.client = Some("ringway-game".into());
    config.token = args.token.map(Into::into);
    config.trust = match &args.fingerprint {
        Some(text) => Some(Trust::fingerprint(text).ok_or("a fingerprint has 64 hex digits")?),
        None => args.insecure.then_some(Trust::Insecure),
    };
    let (session, mut events) = connect(config).await?;
    let room = session.join(&args.room, JoinOptions { presence: true, ..JoinOptions::default() }).await?;
    println!("{} is in {} with {} others", args.name, room.name(), room.joined().count.saturating_sub(1));
    room.put(Publish::text(args.name.as_str()).on(Lane::Latest).key("name"))?;

    let mut players = BTreeMap::new();
    let mut frames = tokio::time::interval(FRAME);
    // A frame that comes late is not made up for: the next state is newer anyway.
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let (mut frame, mut second) = (0, 0);
    while args.seconds.is_none_or(|most| second <= most) {
        tokio::select! {
            _ = frames.tick() => {
                frame += 1;
                play(&room, frame).await?;
            }
            _ = seconds.tick() => {
                second += 1;
                report(&session, &mut players);
            }
            event = events.next() => match event {
                Some(event) => hear(&session, &mut players, event),
                None => break,
            },
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    session.close().await;
    Ok(())
}

/// One frame: where this player is now, and perhaps a shot.
async fn play(room: &Room, frame: u64) -> Result<(), Box<dyn Error>> {
    let angle = frame as f32 / 60.0;
    let [x, y] = [angle.cos(), angle.sin()].map(|part| (part * 100.0).to_le_bytes());
    room.put(Publish::bytes([x, y].concat()).on(Lane::Unreliable).key("position").no_echo())?;
    if frame.is_multiple_of(SHOT_EVERY) {
        room.publish(Publish::json(format!("{{\"shot\":{frame}}}"))).await?;
    }
    Ok(())
}

fn hear(session: &Session, players: &mut BTreeMap<SessionId, Player>, event: Event) {
    match event {
        Event::Message(message) => hear_message(session.clock(), players, &message),
        Event::Presence { left, .. } => {
            for member in left {
                players.remove(&member.session);
            }
        }
        Event::Disconnected { ending, returns } => {
            println!("{ending}{}", if returns { "; coming back" } else { "" });
        }
        Event::Connected { resumed: true, .. } => println!("back again"),
        Event::Gap { from, to, .. } => println!("missed {from} to {to}"),
        Event::Refused(refusal) => println!("refused: {refusal}"),
        Event::Violation(violation) => println!("the server broke a promise: {}", violation.fault),
        _ => {}
    }
}

fn hear_message(clock: Option<Clock>, players: &mut BTreeMap<SessionId, Player>, message: &Message) {
    if message.kind == BodyKind::None {
        // A key that went with its session.
        return;
    }
    let now = Instant::now();
    let player = players.entry(message.session).or_default();
    player.heard = Some(now);
    match (message.lane, message.key.as_deref()) {
        (Lane::Unreliable, Some("position")) => {
            if let ([x, y], []) = message.body.as_chunks::<4>() {
                player.position = [*x, *y].map(f32::from_le_bytes);
            }
            player.ages.extend(clock.map(|clock| clock.age(message.time, now)));
        }
        (Lane::Latest, Some("name")) => player.name = message.text().map(str::to_owned),
        (Lane::Reliable, _) => {
            let name = player.name.as_deref().unwrap_or("somebody");
            println!("{name}: {}", message.text().unwrap_or("?"));
        }
        _ => {}
    }
}

/// Once a second: who is here, how old their states were, and what the connection can carry.
fn report(session: &Session, players: &mut BTreeMap<SessionId, Player>) {
    let now = Instant::now();
    let me = session.id();
    players.retain(|id, player| *id == me || player.heard.is_some_and(|heard| now - heard < FORGOTTEN_AFTER));
    for (id, player) in players.iter_mut().filter(|(id, _)| **id != me) {
        player.ages.sort_unstable();
        let median = player.ages.get(player.ages.len() / 2).copied().unwrap_or_default();
        let oldest = player.ages.last().copied().unwrap_or_default();
        let [x, y] = player.position;
        println!(
            "  {} ({id}) at {x:.0},{y:.0}: {} states, age {median:.1?}, at most {oldest:.1?}",
            player.name.as_deref().unwrap_or("?"),
            player.ages.len(),
        );
        player.ages.clear();
    }
    let budget = session.budget();
    if let Some(clock) = session.clock() {
        let rate = budget.bytes_per_second.map_or("?".to_owned(), |rate| format!("{} KiB/s", rate / 1024));
        println!(
            "  clock {:+} us ± {:.1?}, round trip {:.1?}, room for {rate}, {:?}",
            clock.offset_us,
            clock.uncertainty,
            budget.rtt.unwrap_or_default(),
            session.lost(),
        );
    }
}
