//! `--protocol mqtt` against a broker that keeps its promises and against ones that break one each.

mod support;

use ringway_load::report::Summary;
use support::broker::{Broken, broker, broker_for};
use support::{load_at, refusal, short};

fn fanout(broken: Broken, arguments: &str) -> Summary {
    load_at(&format!("mqtt://{}", broker(broken)), &short(&format!("fanout {arguments}")))
}

fn count(summary: &Summary, name: &str) -> u64 {
    summary.value(name).as_u64().unwrap_or_else(|| panic!("no count {name}"))
}

/// The counts of broken promises: lost, duplicated, reordered, corrupted, other.
fn broken(summary: &Summary) -> [u64; 5] {
    ["lost", "duplicated", "reordered", "corrupted", "other_violations"].map(|name| count(summary, name))
}

fn assert_evidence(summary: &Summary, words: &str) {
    assert!(summary.failures().iter().any(|line| line.contains(words)), "{:?}", summary.failures());
}

/// Why connections ended.
fn endings(summary: &Summary) -> String {
    summary.to_json()["warnings"].to_string()
}

#[test]
fn a_broker_that_keeps_its_promises_passes_with_both_qualities_of_service() {
    for arguments in
        ["", "--qos 1", "--qos 1 --rooms 3 --publishers 7 --threads 2", "--body-kind text --burst 8"]
    {
        let summary = fanout(Broken::Nothing, arguments);
        assert_eq!(summary.failures(), <[String; 0]>::default(), "{arguments}");
        assert!(summary.value("deliveries_per_s").as_f64().unwrap() > 0.0);
        assert_eq!(summary.value("transport"), "tcp");
    }
}

#[test]
fn packets_may_come_byte_by_byte() {
    let summary = fanout(Broken::Dribbles, "--qos 1 --subscribers 2 --rate 50");
    assert_eq!(summary.failures(), <[String; 0]>::default());
}

#[test]
fn bodies_of_several_reads_come_whole() {
    let summary = fanout(Broken::Nothing, "--body 600000 --rate 10 --subscribers 3 --qos 1");
    assert_eq!(summary.failures(), <[String; 0]>::default());
}

#[test]
fn users_are_let_in_by_the_url_or_by_a_token() {
    let login = Some(("me", "pass@word"));
    let address = broker_for(Broken::Nothing, login);
    let summary = load_at(&format!("mqtt://me:pass%40word@{address}"), &short("fanout"));
    assert_eq!(summary.failures(), <[String; 0]>::default());
    let summary = load_at(&format!("mqtt://me@{address}"), &short("fanout --token pass@word"));
    assert_eq!(summary.failures(), <[String; 0]>::default());
    let summary = load_at(&format!("mqtt://{address}"), &short("fanout"));
    assert_eq!(count(&summary, "connect_failures"), 13);
    assert!(endings(&summary).contains("CONNACK 4: bad user name or password"), "{}", endings(&summary));
}

#[test]
fn a_refused_connection_is_a_failure_in_words() {
    let summary = fanout(Broken::Refuses(5), "");
    assert_eq!(count(&summary, "connect_failures"), 13);
    assert!(endings(&summary).contains("CONNACK 5: not authorized"), "{}", endings(&summary));
    assert!(!summary.failures().is_empty());
}

#[test]
fn a_refused_subscription_is_a_failure_in_words() {
    let summary = fanout(Broken::RefusesSubscriptions, "");
    assert_eq!(count(&summary, "disconnects"), 12);
    assert!(endings(&summary).contains("refuses the subscription to load-0"), "{}", endings(&summary));
    assert!(!summary.failures().is_empty());
}

#[test]
fn a_lower_quality_of_service_than_asked_for_is_a_failure() {
    let summary = fanout(Broken::GrantsLess, "--qos 1");
    assert!(endings(&summary).contains("QoS 0 was granted, 1 asked for"), "{}", endings(&summary));
    assert!(!summary.failures().is_empty());
    assert_eq!(
        fanout(Broken::GrantsLess, "").failures(),
        <[String; 0]>::default(),
        "0 is what was asked for"
    );
}

#[test]
fn a_lost_message_is_noticed_by_every_subscriber() {
    for qos in ["--qos 0", "--qos 1"] {
        let summary = fanout(Broken::Loses, qos);
        assert_eq!(broken(&summary), [12, 0, 0, 0, 0], "{qos}");
        assert_evidence(&summary, "publications 10 to 10 of publisher 0 did not come");
    }
}

#[test]
fn a_missing_end_is_noticed_though_nothing_follows_it() {
    let summary = fanout(Broken::WithholdsTheEnd, "--qos 1 --settle 4s");
    assert!(count(&summary, "lost") >= 12, "{:?}", summary.failures());
    assert_evidence(&summary, "publications 10 to ");
}

#[test]
fn a_duplicate_on_one_connection_is_noticed_with_and_without_dup() {
    for qos in ["--qos 0", "--qos 1"] {
        assert_eq!(broken(&fanout(Broken::Duplicates, qos)), [0, 12, 0, 0, 0], "{qos}");
    }
}

#[test]
fn a_swap_is_reordering_and_not_loss() {
    assert_eq!(broken(&fanout(Broken::Swaps, "--qos 1")), [0, 0, 12, 0, 0]);
}

#[test]
fn a_changed_body_is_noticed() {
    assert_eq!(count(&fanout(Broken::Garbles, ""), "corrupted"), 12);
}

#[test]
fn a_topic_that_nobody_subscribed_to_is_noticed() {
    let summary = fanout(Broken::Strays, "");
    assert_eq!(count(&summary, "other_violations"), 12);
    assert_evidence(&summary, "undecodable: a publication of a topic that was not subscribed to");
}

#[test]
fn a_malformed_packet_is_noticed_and_ends_the_connection() {
    let summary = fanout(Broken::Malforms, "--qos 1");
    assert_eq!(count(&summary, "other_violations"), 12);
    assert_eq!(count(&summary, "disconnects"), 12);
    assert_evidence(&summary, "undecodable: a remaining length of more than four bytes");
}

#[test]
fn a_session_that_nobody_asked_for_is_noticed() {
    let summary = fanout(Broken::RemembersSessions, "");
    assert_evidence(&summary, "undecodable: CONNACK tells of a session");
}

#[test]
fn missing_acknowledgements_are_noticed() {
    let summary = fanout(Broken::KeepsAcknowledgements, "--qos 1 --settle 4s");
    assert!(count(&summary, "other_violations") > 0);
    assert_eq!(count(&summary, "lost"), 0);
    assert_evidence(&summary, "publications were not acknowledged");
}

#[test]
fn what_a_subscriber_missed_while_it_was_away_is_lost() {
    let summary = fanout(Broken::Closes, "--qos 1 --duration 800ms");
    assert_eq!(count(&summary, "disconnects"), 12);
    assert_eq!(broken(&summary)[1..], [0, 0, 0, 0], "{:?}", summary.failures());
    assert!(count(&summary, "lost") >= 12, "they come back, but nobody kept the tenth for them");
    assert!(!summary.failures().iter().any(|line| line.contains("no members")), "{:?}", summary.failures());
}

#[test]
fn connect_counts_to_connack_and_to_suback() {
    let url = format!("mqtt://{}", broker(Broken::Nothing));
    for arguments in [
        "connect --connections 20 --hold 20ms --rounds 2 --qos 1",
        "connect --connections 40 --hold 0s --no-join",
    ] {
        let summary = load_at(&url, arguments);
        assert_eq!(summary.failures(), <[String; 0]>::default(), "{arguments}");
        assert_eq!(summary.value("connections"), 40);
        assert!(summary.value("p50_us").as_f64().unwrap() > 0.0);
    }
}

#[test]
fn each_client_gets_its_own_echo() {
    for qos in ["--qos 0", "--qos 1"] {
        let arguments = format!("echo --connections 7 --duration 1s --warmup 20ms --threads 2 {qos}");
        let summary = load_at(&format!("mqtt://{}", broker(Broken::Nothing)), &arguments);
        assert_eq!(summary.failures(), <[String; 0]>::default(), "{qos}");
        assert_eq!(summary.value("connections"), 7);
        assert!(summary.value("messages_per_s").as_f64().unwrap() > 0.0);
    }
    let arguments = "echo --connections 1 --duration 1s --warmup 0s";
    let summary = load_at(&format!("mqtt://{}", broker(Broken::Garbles)), arguments);
    assert_eq!(count(&summary, "corrupted"), 1);
}

#[test]
fn a_port_without_a_broker_is_a_failure_and_not_a_hang() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let summary = load_at(&format!("mqtt://{closed}"), &short("fanout --server-pid 1"));
    assert!(count(&summary, "connect_failures") >= 13);
    assert!(!summary.failures().is_empty());
}

#[test]
fn what_it_cannot_do_is_refused_before_it_connects() {
    for (arguments, words) in [
        ("fanout --lane latest", "--lane"),
        ("fanout --format json", "--format"),
        ("fanout --namespace a", "--namespace"),
        ("fanout --no-ack --qos 1", "--no-ack"),
        ("fanout --transport ws", "--transport"),
        ("fanout --protocol raw-ws", "--protocol"),
        ("fanout --body 2000000", "--body"),
        ("echo --size 2000000", "--size"),
        ("resume-storm", "resume"),
        ("slow-reader", "latest"),
        ("game", "game"),
    ] {
        let told = refusal("mqtt://127.0.0.1:1", arguments);
        assert!(told.contains(words), "{arguments}: {told}");
    }
}
