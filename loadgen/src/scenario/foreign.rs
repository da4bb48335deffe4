//! What can't be asked of other servers is refused before anything is connected. Process view.

use ringway_protocol::Lane;

use super::RunFault;
use crate::args::{Common, FormatMix, Protocol, PublishArgs, Scenario, SessionArgs};

/// Bytes of the largest body for MQTT: packets are taken up to 1 MiB, with a topic and an identifier in them.
const MQTT_BODY_BYTES_MAX: usize = 1024 * 1024 - 512;
/// Bytes of the longest password that MQTT can tell.
const MQTT_TOKEN_BYTES_MAX: usize = u16::MAX as usize;

/// Refuses what the protocol asked for can't do.
pub(super) fn check(scenario: &Scenario) -> Result<(), RunFault> {
    let common = scenario.common();
    let protocol = common.protocol();
    if common.qos > 0 && protocol != Protocol::Mqtt {
        return refuse("--qos: only MQTT has a quality of service");
    }
    if protocol == Protocol::Ringway {
        return Ok(());
    }
    match scenario {
        Scenario::Echo(_) if protocol == Protocol::RawWs && common.url.contains("{room}") => {
            refuse("echo: it has no rooms, so the URL can't hold {room}")
        }
        Scenario::Echo(args) => body(protocol, "--size", args.size as usize),
        Scenario::Fanout(args) => {
            session(common, &args.session)?;
            publish(common, &args.publish)
        }
        Scenario::Connect(args) if args.no_join => {
            session(common, &SessionArgs { rooms: 1, ..args.session.clone() })
        }
        Scenario::Connect(args) => session(common, &args.session),
        Scenario::ResumeStorm(_) => {
            refuse("resume-storm: only Ringway resumes what a lost connection missed")
        }
        Scenario::Failover(_) => refuse("failover: only Ringway numbers what it acknowledges"),
        Scenario::PresenceStorm(_) => refuse("presence-storm: only Ringway tells who is in a room"),
        Scenario::SlowReader(_) => refuse("slow-reader: it watches the latest lane, which only Ringway has"),
        Scenario::Game(_) => refuse("game: its players are members of Ringway's rooms"),
    }
}

fn session(common: &Common, args: &SessionArgs) -> Result<(), RunFault> {
    if args.format != FormatMix::Binary {
        return refuse(
            "--format: frames in JSON are Ringway's; --body-kind text or json says what is in a body",
        );
    }
    if args.namespace.is_some() {
        return refuse("--namespace: only Ringway has namespaces");
    }
    if common.protocol() == Protocol::RawWs {
        if args.token.is_some() || args.token_key.is_some() {
            return refuse(
                "--token, --token-key: a raw WebSocket server is told none; put what it wants into the URL",
            );
        }
        if args.rooms > 1 && !common.url.contains("{room}") {
            return refuse("--rooms: a room is a path here, so for more than one the URL must hold {room}");
        }
    }
    if args.token.as_ref().is_some_and(|token| token.len() > MQTT_TOKEN_BYTES_MAX) {
        return refuse("--token: an MQTT password has at most 65,535 bytes");
    }
    Ok(())
}

fn publish(common: &Common, args: &PublishArgs) -> Result<(), RunFault> {
    if args.lane != Lane::Reliable {
        return refuse("--lane: only Ringway has lanes beside the reliable one");
    }
    if args.no_ack && common.qos > 0 {
        return refuse("--no-ack: MQTT acknowledges with --qos 1; take --qos 0");
    }
    body(common.protocol(), "--body", args.body.max(args.body_max))
}

fn body(protocol: Protocol, flag: &str, bytes: usize) -> Result<(), RunFault> {
    if protocol == Protocol::Mqtt && bytes > MQTT_BODY_BYTES_MAX {
        return refuse(&format!("{flag}: over MQTT at most {MQTT_BODY_BYTES_MAX} bytes"));
    }
    Ok(())
}

fn refuse(text: &str) -> Result<(), RunFault> {
    Err(RunFault::Asked(text.to_owned()))
}
