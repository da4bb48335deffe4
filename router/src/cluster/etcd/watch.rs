//! One watch: every change from a revision on, in order, until it can't be told.

use etcd_client::{WatchOptions, WatchResponse};
use ringway_cluster::coordinator::{Event, Prefix, Revision, Row, Token};

use super::task::One;
use super::{Outbound, translate};

/// Runs until the watch is over, and says why.
pub(super) async fn run(one: &One, prefix: Prefix, from: Revision, token: Token, outbound: &Outbound) {
    let event = tokio::select! {
        event = follow(one, prefix, from, token, outbound) => event,
        () = one.endpoints.left(&one.endpoint) => Event::Broken,
    };
    outbound.send(token, event).await;
}

async fn follow(one: &One, prefix: Prefix, from: Revision, token: Token, outbound: &Outbound) -> Event {
    let options = WatchOptions::new().with_prefix().with_start_revision(translate::number(from));
    let below = translate::below(&one.options, prefix);
    let begun = async { one.endpoint.client().await?.watch(below, Some(options)).await };
    let Some(mut stream) = one.within(one.options.timeouts.read, begun).await else { return Event::Broken };
    loop {
        match stream.message().await {
            Ok(Some(told)) if told.canceled() => {
                return if told.compact_revision() > 0 { Event::Compacted } else { Event::Broken };
            }
            Ok(Some(told)) => {
                if let Some((last, rows)) = rows(one, &told)
                    && !outbound.send(token, Event::Changed(last, rows)).await
                {
                    return Event::Broken;
                }
            }
            Ok(None) => return Event::Broken,
            Err(error) => {
                one.endpoints.handle_failure(&one.endpoint, &error.to_string());
                return Event::Broken;
            }
        }
    }
}

/// What was told, and up to where. etcd never cuts a revision in two unless it is asked to.
fn rows(one: &One, told: &WatchResponse) -> Option<(Revision, Vec<Row>)> {
    let changes = told.events();
    let last =
        changes.iter().filter_map(|change| change.kv()).map(etcd_client::KeyValue::mod_revision).max()?;
    let rows = changes.iter().filter_map(|change| translate::change(&one.options, change)).collect();
    Some((translate::revision(last), rows))
}
