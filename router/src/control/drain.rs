//! Orderly emptying: `/readyz` says 503 and everybody is still let in for a while, then the listeners close, sessions
//! are told to go elsewhere, spread over time, and what waits for them is flushed. A second SIGINT ends it at once.

use tokio::sync::watch;
use tracing::{info, warn};

use super::{Asked, Control, Ending};

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
        match tokio::time::timeout(patience, gone).await {
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

/// Waits until somebody asked for as much.
pub(super) async fn until(asked: &mut watch::Receiver<Asked>, least: Asked) {
    // The sender lives as long as the control thread.
    if asked.wait_for(|now| *now >= least).await.is_err() {
        std::future::pending::<()>().await;
    }
}
