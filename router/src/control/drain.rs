//! Orderly emptying: `/readyz` says 503 and everybody is still let in for a while, then the listeners close, sessions
//! are told to go elsewhere, spread over time, and what waits for them is flushed. A second SIGINT ends it at once.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{info, warn};

use super::{Asked, Control, Ending};
use crate::cluster::Handle;

/// Between two looks at how far the cluster has come.
const LOOK: Duration = Duration::from_millis(50);
/// How long the coordinator may take to hear that the node leaves; the others would find out by its silence.
const LEAVE_MAX: Duration = Duration::from_secs(2);

/// Empties the node. Returns when nobody is connected any more, when time is up, or when told to hurry.
pub(super) async fn drain(control: &Control) -> Ending {
    let settings = control.hot().drain.clone();
    let mut asked = control.0.drain.subscribe();
    info!(
        delay_ms = settings.delay.as_ms(),
        spread_ms = settings.spread.as_ms(),
        "draining: /readyz says 503"
    );
    let emptied = async {
        tokio::time::sleep(settings.delay.duration()).await;
        // A busy shard takes the order a moment later.
        while control.node().stop_listening().is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        info!("no more connections are accepted; sessions are told to go elsewhere");
        let gone = control.node().drain(settings.spread.duration());
        let patience = settings.spread.duration() + settings.flush.duration();
        let handed_over = async {
            if let Some(cluster) = control.cluster() {
                hand_over(cluster, settings.handover.duration()).await;
            }
        };
        match tokio::join!(tokio::time::timeout(patience, gone), handed_over).0 {
            Ok(_) => info!("drained: nobody is connected"),
            Err(_) => {
                warn!("drained: time is up and some are still connected; raise drain.flush if that is wrong")
            }
        }
        Ending::Drained
    };
    tokio::select! {
        ending = emptied => ending,
        () = until(&mut asked, Asked::Stop) => Ending::Stopped,
    }
}

/// Gives all slots to other nodes, if there are any, in so much time.
async fn hand_over(cluster: &Handle, patience: Duration) {
    let until = Instant::now() + patience;
    if cluster.drain().is_err() {
        warn!("slots are not handed over: the cluster's driver takes nothing");
        return;
    }
    let mut slots = 0;
    while let Ok(look) = cluster.look().await {
        let status = look.status;
        slots = status.slots_owned;
        if matches!(status.state.as_str(), "left" | "refused") {
            info!("all slots are handed over");
            return;
        }
        // This node counts no more once it drains.
        if status.nodes_up == 0 || slots == 0 && status.state != "draining" && status.state != "up" {
            break;
        }
        if Instant::now() >= until {
            warn!(
                slots,
                "time is up and not all slots are handed over: they are taken over; raise drain.handover if that is wrong"
            );
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    info!(slots, "no other node is there to take slots");
}

/// Tells the cluster that the node goes; what it still owns is taken over at once.
pub(super) async fn leave(cluster: &Handle) {
    let gone = async {
        let _ = cluster.leave();
        while let Ok(look) = cluster.look().await
            && (look.status.requests_pending > 0 || !matches!(look.status.state.as_str(), "left" | "refused"))
        {
            tokio::time::sleep(LOOK).await;
        }
    };
    if tokio::time::timeout(LEAVE_MAX, gone).await.is_err() {
        warn!("the coordinator did not hear that this node leaves: the others will find out by its silence");
    }
}

/// Waits until somebody asked for as much.
pub(super) async fn until(asked: &mut watch::Receiver<Asked>, least: Asked) {
    // The sender lives as long as the control thread.
    if asked.wait_for(|now| *now >= least).await.is_err() {
        std::future::pending::<()>().await;
    }
}
