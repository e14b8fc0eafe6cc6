//! What goes wrong around the workers: vendors that are away as a whole, and a database that crashes.

use super::plan::{Away, DatabaseCrash, Outage};
use super::stage::Stage;
use super::tally::Tally;
use crate::scratch::Scratch;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use twinwire_sandbox::Fault;

/// How often it is looked how much has been put in.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);

/// Lets the vendors be away as planned, until `over`.
pub(super) async fn outages(
    planned: Vec<Outage>,
    stage: Arc<Stage>,
    tally: Arc<Tally>,
    over: CancellationToken,
) {
    let began = Instant::now();
    for outage in planned {
        tokio::select! {
            () = over.cancelled() => return,
            () = sleep_until(began + outage.at) => {}
        }
        let faults = stage.doubles.faults(outage.vendor);
        faults.outage(Some(match outage.how {
            Away::Down => Fault::ServerErrorBefore(503),
            // For connections that stand.
            Away::Shut => Fault::ResetBefore,
            Away::Refusing => Fault::Unauthorized,
        }));
        stage.doubles.shut(outage.vendor, outage.how == Away::Shut);
        sleep(outage.lasts).await;
        stage.doubles.shut(outage.vendor, false);
        faults.outage(None);
        tally.count(|counts| counts.outages += 1);
    }
}

/// Lets the database crash as planned, until `over`. Not to be dropped: the server would stay behind.
pub(super) async fn crashes(
    planned: Vec<DatabaseCrash>,
    scratch: Arc<Mutex<Option<Scratch>>>,
    tally: Arc<Tally>,
    messages: u32,
    over: CancellationToken,
) -> anyhow::Result<()> {
    for crash in planned {
        while tally.put_in_share(messages) < crash.at {
            tokio::select! {
                () = over.cancelled() => return Ok(()),
                () = sleep(LOOK_EVERY) => {}
            }
        }
        if let Some(scratch) = scratch.lock().await.as_mut() {
            scratch.cut(crash.how, crash.down).await?;
        }
        tally.count(|counts| counts.database_restarts += 1);
    }
    Ok(())
}
