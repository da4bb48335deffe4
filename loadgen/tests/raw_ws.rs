//! `--protocol raw-ws` against a broadcaster that keeps its promises and against ones that break one each.

mod support;

use ringway_load::report::Summary;
use support::broadcast::{Flaw, broadcaster};
use support::{echo_server, load_at, refusal, short};

fn fanout(flaw: Flaw, arguments: &str) -> Summary {
    let url = format!("ws://{}/{{room}}", broadcaster(flaw));
    load_at(&url, &short(&format!("fanout --protocol raw-ws {arguments}")))
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

#[test]
fn a_broadcaster_that_keeps_its_promises_passes_with_every_kind_of_body() {
    for arguments in
        ["--rooms 3 --publishers 7", "--body-kind text --threads 2", "--body-kind json --burst 4"]
    {
        let summary = fanout(Flaw::Nothing, arguments);
        assert_eq!(summary.failures(), <[String; 0]>::default(), "{arguments}");
        assert!(summary.value("deliveries_per_s").as_f64().unwrap() > 0.0);
        assert_eq!(summary.value("transport"), "websocket");
    }
}

#[test]
fn what_publishers_hear_of_themselves_counts_for_nothing() {
    let summary = fanout(Flaw::Echoes, "--rooms 2 --publishers 2");
    assert_eq!(summary.failures(), <[String; 0]>::default());
}

#[test]
fn a_lost_message_is_noticed_by_every_subscriber_of_its_publisher() {
    let summary = fanout(Flaw::Loses, "--rooms 3 --publishers 3");
    assert_eq!(broken(&summary), [12, 0, 0, 0, 0]);
    assert_evidence(&summary, "publications 10 to 10 of publisher 0 did not come");
}

#[test]
fn a_missing_end_is_noticed_though_nothing_follows_it() {
    let summary = fanout(Flaw::WithholdsTheEnd, "--settle 4s");
    assert!(count(&summary, "lost") >= 12, "{:?}", summary.failures());
    assert_evidence(&summary, "publications 10 to ");
}

#[test]
fn a_duplicate_is_noticed() {
    let summary = fanout(Flaw::Duplicates, "");
    assert_eq!(broken(&summary), [0, 12, 0, 0, 0]);
    assert_evidence(&summary, "publication 10 of publisher 0 came again after 10");
}

#[test]
fn a_swap_is_reordering_and_not_loss() {
    let summary = fanout(Flaw::Swaps, "");
    assert_eq!(broken(&summary), [0, 0, 12, 0, 0]);
    assert_evidence(&summary, "publication 10 of publisher 0 came late, after 11");
}

#[test]
fn a_changed_body_is_noticed() {
    let summary = fanout(Flaw::Garbles, "");
    assert_eq!(count(&summary, "corrupted"), 12);
    assert_eq!(count(&summary, "lost"), 12, "nothing else told of the tenth");
}

#[test]
fn a_message_in_another_room_is_noticed_there_and_here() {
    let summary = fanout(Flaw::Strays, "--rooms 2 --publishers 1");
    assert_eq!(broken(&summary), [6, 0, 0, 0, 6]);
    assert_evidence(&summary, "did not publish in this room");
}

#[test]
fn subscribers_that_were_sent_away_are_no_members_at_the_end() {
    let summary = fanout(Flaw::Closes, "--settle 4s");
    assert_eq!(count(&summary, "disconnects"), 12);
    assert_evidence(&summary, "12 subscribers were no members at the end");
}

#[test]
fn connect_counts_to_the_upgrade() {
    let url = format!("ws://{}/a", broadcaster(Flaw::Nothing));
    let summary = load_at(&url, "connect --protocol raw-ws --connections 20 --hold 20ms --rounds 2");
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert_eq!(summary.value("connections"), 40);
}

#[test]
fn echo_takes_the_path_of_the_url() {
    let url = format!("ws://{}/any/path", echo_server(|_| {}));
    let summary = load_at(&url, "echo --protocol raw-ws --connections 3 --duration 1s --warmup 20ms");
    assert_eq!(summary.failures(), <[String; 0]>::default());
}

#[test]
fn what_it_cannot_do_is_refused_before_it_connects() {
    for (arguments, words) in [
        ("fanout --rooms 2", "{room}"),
        ("fanout --lane latest", "--lane"),
        ("fanout --format json", "--format"),
        ("fanout --namespace a", "--namespace"),
        ("fanout --token t", "--token"),
        ("fanout --qos 1", "--qos"),
        ("fanout --transport quic", "--transport"),
        ("connect --rooms 2", "{room}"),
        ("resume-storm", "resume"),
        ("slow-reader", "latest"),
        ("game", "game"),
    ] {
        let told = refusal("ws://127.0.0.1:1/", &format!("{arguments} --protocol raw-ws"));
        assert!(told.contains(words), "{arguments}: {told}");
    }
    let told = refusal("ws://127.0.0.1:1/{room}", "echo --protocol raw-ws");
    assert!(told.contains("{room}"), "{told}");
}
