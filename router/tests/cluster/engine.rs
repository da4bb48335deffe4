//! The engine by itself: what a coordinator must give.

use ringway::cluster::etcd::{Etcd, EtcdOptions};
use ringway_cluster::NodeId;
use ringway_cluster::coordinator::{Compare, Event, Key, Prefix, Put, Request, Revision, Row, Transaction};

use super::servers::{Encrypted, Servers, free_ports};
use super::support::{Asker, until};

const NODE: Key = Key::Node(NodeId(7));
const BEAT: Key = Key::Beat(NodeId(7));

fn transact(compare: &[(Key, u64)], put: &[(Key, Option<&[u8]>)]) -> Request {
    Request::Transact(Transaction {
        compare: compare.iter().map(|(key, at)| Compare { key: *key, revision: Revision(*at) }).collect(),
        put: put.iter().map(|(key, value)| Put { key: *key, value: value.map(<[u8]>::to_vec) }).collect(),
    })
}

fn rows(event: Event) -> (Revision, Vec<Row>) {
    let (Event::Rows(at, rows) | Event::Changed(at, rows)) = event else { panic!("{event:?}") };
    (at, rows)
}

fn committed(event: Event) -> Revision {
    let Event::Committed(at) = event else { panic!("{event:?}") };
    at
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_an_absent_key_has_revision_0() {
    let Some(servers) = Servers::start(1).await else { return };
    let mut asker = Asker::new(servers.patient("a"));
    let first = committed(
        asker.ask(transact(&[(NODE, 0), (BEAT, 0)], &[(NODE, Some(b"n1")), (BEAT, Some(b"b1"))])).await,
    );
    // One comparison holds, one does not: nothing is written.
    let refused =
        asker.ask(transact(&[(NODE, first.0), (BEAT, 0)], &[(NODE, Some(b"n2")), (BEAT, None)])).await;
    assert!(matches!(refused, Event::Refused(at) if at >= first), "{refused:?}");
    let row = |key, value: &[u8], revision| Row { key, revision, value: Some(value.to_vec()) };
    assert_eq!(rows(asker.ask(Request::Read(Prefix::Cluster)).await).1, [row(NODE, b"n1", first)]);
    assert_eq!(rows(asker.ask(Request::Read(Prefix::Beats)).await).1, [row(BEAT, b"b1", first)]);
    // Both hold: one revision for both.
    let second = committed(
        asker.ask(transact(&[(NODE, first.0), (BEAT, first.0)], &[(NODE, Some(b"n2")), (BEAT, None)])).await,
    );
    assert!(second > first);
    assert_eq!(
        rows(asker.ask(Request::Read(Prefix::Cluster)).await),
        (second, vec![row(NODE, b"n2", second)])
    );
    assert_eq!(rows(asker.ask(Request::Read(Prefix::Beats)).await), (second, vec![]));
    // What went is absent again.
    committed(asker.ask(transact(&[(BEAT, 0)], &[(BEAT, Some(b"b2"))])).await);
}

#[tokio::test]
async fn the_largest_transaction_that_a_member_makes_is_taken() {
    let Some(servers) = Servers::start(1).await else { return };
    let mut asker = Asker::new(servers.patient("large"));
    let compare: Vec<(Key, u64)> = (0..128).map(|id| (Key::Node(NodeId(id)), 0)).collect();
    let put: Vec<(Key, Option<&[u8]>)> =
        compare.iter().map(|(key, _)| (*key, Some(&[7; 2_000][..]))).collect();
    committed(asker.ask(transact(&compare, &put)).await);
    assert_eq!(rows(asker.ask(Request::Read(Prefix::Cluster)).await).1.len(), 128);
}

#[tokio::test]
async fn installations_on_one_etcd_see_nothing_of_each_other_and_strange_keys_are_passed_over() {
    let Some(servers) = Servers::start(1).await else { return };
    let (mut one, mut other) = (Asker::new(servers.patient("one")), Asker::new(servers.patient("one-more/")));
    let at = committed(one.ask(transact(&[], &[(NODE, Some(b"one"))])).await);
    servers.client().await.put("one/cluster/of-a-later-build", "?", None).await.unwrap();
    assert_eq!(rows(other.ask(Request::Read(Prefix::Cluster)).await).1, []);
    committed(other.ask(transact(&[(NODE, 0)], &[(NODE, Some(b"other"))])).await);
    let (_, seen) = rows(one.ask(Request::Read(Prefix::Cluster)).await);
    assert_eq!(seen, [Row { key: NODE, revision: at, value: Some(b"one".to_vec()) }]);
}

#[tokio::test]
async fn a_read_knows_what_any_member_has_committed() {
    let Some(servers) = Servers::start(3).await else { return };
    let only =
        |index: usize| EtcdOptions { endpoints: vec![servers.urls()[index].clone()], ..servers.options("l") };
    let mut askers: Vec<Asker> = (0..3).map(|index| Asker::new(Etcd::new(only(index)))).collect();
    for round in 0..60 {
        let (writer, reader) = (round % 3, (round + 1) % 3);
        let value = round.to_string();
        let at = committed(askers[writer].ask(transact(&[], &[(NODE, Some(value.as_bytes()))])).await);
        let (seen, found) = rows(askers[reader].ask(Request::Read(Prefix::Cluster)).await);
        assert_eq!(found, [Row { key: NODE, revision: at, value: Some(value.into_bytes()) }]);
        assert!(seen >= at);
    }
}

/// Takes a watch's changes up to a value, watching again where it was whenever it breaks.
async fn follow(asker: &mut Asker, mut from: Revision, last: &[u8]) -> Vec<Row> {
    let mut seen: Vec<Row> = Vec::new();
    let mut watch = asker.submit(Request::Watch(Prefix::Cluster, from));
    loop {
        match asker.event(watch).await {
            Event::Changed(at, rows) => {
                assert!(
                    rows.iter().all(|row| row.revision >= from && row.revision <= at),
                    "{from:?} {at:?} {rows:?}"
                );
                from = Revision(at.0 + 1);
                seen.extend(rows);
                if seen.last().is_some_and(|row| row.value.as_deref() == Some(last)) {
                    asker.unwatch(watch);
                    return seen;
                }
            }
            Event::Broken => watch = asker.submit(Request::Watch(Prefix::Cluster, from)),
            event => panic!("{event:?}"),
        }
    }
}

#[tokio::test]
async fn a_watch_tells_every_change_in_order_from_its_revision_on() {
    let Some(servers) = Servers::start(1).await else { return };
    let mut asker = Asker::new(servers.patient("w"));
    let mut revisions = Vec::new();
    for count in 0..30_u8 {
        revisions.push(committed(
            asker.ask(transact(&[], &[(NODE, Some(&[count])), (BEAT, Some(&[count]))])).await,
        ));
    }
    committed(asker.ask(transact(&[], &[(NODE, None)])).await);
    committed(asker.ask(transact(&[], &[(Key::Control, Some(b"end"))])).await);
    let seen = follow(&mut asker, revisions[10], b"end").await;
    let values: Vec<(Revision, Option<Vec<u8>>)> =
        seen.into_iter().map(|row| (row.revision, row.value)).collect();
    let past = (10..30_u8).map(|count| (revisions[usize::from(count)], Some(vec![count])));
    let then = Revision(revisions[29].0 + 1);
    let after = [(then, None), (Revision(then.0 + 1), Some(b"end".to_vec()))];
    assert_eq!(values, past.chain(after).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_watch_that_has_ended_says_nothing_more() {
    let Some(servers) = Servers::start(1).await else { return };
    let mut asker = Asker::new(servers.patient("u"));
    let (ended, stays) = (
        asker.submit(Request::Watch(Prefix::Cluster, Revision(1))),
        asker.submit(Request::Watch(Prefix::Cluster, Revision(1))),
    );
    committed(asker.ask(transact(&[], &[(NODE, Some(b"1"))])).await);
    let (first, second) = (asker.event(ended).await, asker.event(stays).await);
    assert_eq!(rows(first).1, rows(second).1);
    asker.unwatch(ended);
    committed(asker.ask(transact(&[], &[(NODE, Some(b"2"))])).await);
    assert_eq!(rows(asker.event(stays).await).1[0].value.as_deref(), Some(&b"2"[..]));
    assert!(!asker.has_said(ended));
}

#[tokio::test]
async fn a_watch_misses_nothing_when_the_leader_is_killed() {
    let Some(mut servers) = Servers::start(3).await else { return };
    let leader = servers.leader().await;
    // The leader is asked first, so that both lose it.
    let mut options = servers.options("k");
    options.endpoints.rotate_left(leader);
    let (mut writer, mut reader) = (Asker::new(Etcd::new(options.clone())), Asker::new(Etcd::new(options)));
    let from = committed(writer.ask(transact(&[], &[(NODE, Some(b"first"))])).await);
    let written = async {
        let mut known = Vec::new();
        let mut count = 0_u32;
        until("half of it is written after the kill", async || {
            if known.len() == 60 {
                servers.kill(leader);
            }
            // Without an answer it may be there or not: the next value is another.
            count += 1;
            let value = count.to_be_bytes();
            if let Event::Committed(at) = writer.ask(transact(&[], &[(NODE, Some(&value))])).await {
                known.push((at, value.to_vec()));
            }
            known.len() == 120
        })
        .await;
        until("the last is written", async || {
            matches!(writer.ask(transact(&[], &[(NODE, Some(b"last"))])).await, Event::Committed(_))
        })
        .await;
        known
    };
    let (known, seen) = tokio::join!(written, follow(&mut reader, from, b"last"));
    assert!(seen.is_sorted_by_key(|row| row.revision));
    let seen: Vec<(Revision, Vec<u8>)> =
        seen.into_iter().map(|row| (row.revision, row.value.unwrap_or_default())).collect();
    for row in known {
        assert_eq!(seen.iter().filter(|seen| **seen == row).count(), 1, "{row:?}");
    }
}

#[tokio::test]
async fn a_compacted_watch_says_so() {
    let Some(servers) = Servers::start(1).await else { return };
    let mut asker = Asker::new(servers.engine("c"));
    let first = committed(asker.ask(transact(&[], &[(NODE, Some(b"1"))])).await);
    committed(asker.ask(transact(&[], &[(NODE, Some(b"2"))])).await);
    let last = committed(asker.ask(transact(&[], &[(NODE, Some(b"3"))])).await);
    servers.client().await.compact(i64::try_from(last.0).unwrap(), None).await.unwrap();
    assert_eq!(asker.ask(Request::Watch(Prefix::Cluster, first)).await, Event::Compacted);
    let (_, told) = rows(asker.ask(Request::Watch(Prefix::Cluster, last)).await);
    assert_eq!(told[0].value.as_deref(), Some(&b"3"[..]));
}

#[tokio::test]
async fn where_nobody_answers_everything_is_unknown_and_later_it_works() {
    let Some(mut servers) = Servers::start(3).await else { return };
    let mut asker = Asker::new(servers.engine("d"));
    committed(asker.ask(transact(&[], &[(NODE, Some(b"1"))])).await);
    let watch = asker.submit(Request::Watch(Prefix::Cluster, Revision(1)));
    rows(asker.event(watch).await);
    servers.kill_all();
    assert_eq!(asker.event(watch).await, Event::Broken);
    for _ in 0..2 * 3 {
        assert_eq!(asker.ask(transact(&[], &[(NODE, Some(b"2"))])).await, Event::Unknown);
        assert_eq!(asker.ask(Request::Read(Prefix::Cluster)).await, Event::Unknown);
        assert_eq!(asker.ask(Request::Watch(Prefix::Cluster, Revision(1))).await, Event::Broken);
    }
    (0..3).for_each(|index| servers.revive(index));
    until("it answers again", async || {
        matches!(asker.ask(Request::Read(Prefix::Cluster)).await, Event::Rows(..))
    })
    .await;
}

#[tokio::test]
async fn an_engine_begins_before_etcd_does() {
    let closed = format!("http://127.0.0.1:{}", free_ports(1)[0]);
    let options = EtcdOptions {
        endpoints: vec![closed],
        prefix: "n".into(),
        tls: None,
        login: None,
        timeouts: ringway::cluster::etcd::Timeouts::of(&ringway_cluster::lease::Timing::DEFAULT),
    };
    let mut asker = Asker::new(Etcd::new(options));
    assert_eq!(asker.ask(Request::Read(Prefix::Cluster)).await, Event::Unknown);
    assert_eq!(asker.ask(Request::Watch(Prefix::Cluster, Revision(1))).await, Event::Broken);
}

#[tokio::test]
async fn a_silent_endpoint_is_left_for_one_that_answers() {
    let Some(servers) = Servers::start(1).await else { return };
    // Takes connections and says nothing, as a host that hangs does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = servers.options("s");
    options.endpoints.insert(0, format!("http://{}", silent.local_addr().unwrap()));
    let mut asker = Asker::new(Etcd::new(options));
    let watch = asker.submit(Request::Watch(Prefix::Cluster, Revision(1)));
    assert_eq!(asker.ask(Request::Read(Prefix::Cluster)).await, Event::Unknown);
    assert_eq!(asker.event(watch).await, Event::Broken);
    for _ in 0..20 {
        rows(asker.ask(Request::Read(Prefix::Cluster)).await);
    }
}

#[tokio::test]
async fn a_user_with_a_password_comes_in_and_one_without_does_not() {
    let Some(servers) = Servers::start(1).await else { return };
    let mut client = servers.client().await;
    client.user_add("root", "secret", None).await.unwrap();
    client.user_grant_role("root", "root").await.unwrap();
    client.auth_enable().await.unwrap();
    let mut known = Asker::new(servers.engine_of("p", "root", "secret"));
    committed(known.ask(transact(&[(NODE, 0)], &[(NODE, Some(b"1"))])).await);
    let (_, told) = rows(known.ask(Request::Watch(Prefix::Cluster, Revision(1))).await);
    assert_eq!(told.len(), 1);
    for mut other in [Asker::new(servers.engine("p")), Asker::new(servers.engine_of("p", "root", "wrong"))] {
        assert_eq!(other.ask(transact(&[], &[(NODE, Some(b"2"))])).await, Event::Unknown);
        assert_eq!(other.ask(Request::Read(Prefix::Cluster)).await, Event::Unknown);
    }
}

#[tokio::test]
async fn tls_with_certificates_on_both_sides() {
    let authority = {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap()
    };
    let issue = |names: &[&str]| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params =
            rcgen::CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        params.extended_key_usages =
            vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        (params.signed_by(&key, &authority).unwrap().pem(), key.serialize_pem())
    };
    let (certificate, key) = issue(&["127.0.0.1"]);
    let encrypted = Encrypted { authority: authority.pem(), certificate, key, client: issue(&["client"]) };
    let Some(servers) = Servers::start_with(1, Some(encrypted)).await else { return };
    let mut asker = Asker::new(servers.patient("t"));
    committed(asker.ask(transact(&[(NODE, 0)], &[(NODE, Some(b"1"))])).await);
    let mut options = servers.options("t");
    options.tls.as_mut().unwrap().identity = None;
    assert_eq!(Asker::new(Etcd::new(options)).ask(Request::Read(Prefix::Cluster)).await, Event::Unknown);
}
