//! Waiting until everything is at rest.

use super::stage::Stage;
use crate::output;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use twinwire_engine::jobs::read_list;
use twinwire_store::backfills::{self, Backfill, Kind};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often somebody who waits is told for what.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// So long nothing may move before it is believed to be at rest: callbacks that a double had put off come within it.
const STILL: Duration = Duration::from_millis(1_500);
/// Rows with something to do, or of unknown outcome and not put aside for a person.
const OPEN: &str =
    "select count(*) from messages where wake_at is not null or (doubt is not null and parked is null)";

/// What is waited for, until when.
struct Wait<'a> {
    stage: &'a Stage,
    until: Instant,
    said: Instant,
}

/// Waits until nothing is due and every channel is well; then lets every account be read again, and waits once more. False when it does not come.
pub(super) async fn settled(stage: &Stage, patience: Duration) -> anyhow::Result<bool> {
    let mut wait = Wait { stage, until: Instant::now() + patience, said: Instant::now() };
    if !wait.rest().await {
        return Ok(false);
    }
    // All channels of an account are in one list.
    let accounts: BTreeSet<i64> = stage.lines.iter().map(|line| line.channel.provider_account).collect();
    let mut readings = Vec::new();
    for account in accounts {
        readings.push(read_list::request(&stage.engine, account, None, Kind::Incremental, "chaos").await?);
    }
    for id in readings {
        if !wait.read(id).await? {
            return Ok(false);
        }
    }
    Ok(wait.rest().await)
}

impl Wait<'_> {
    async fn rest(&mut self) -> bool {
        let mut since = None;
        while Instant::now() < self.until {
            let open: Result<i64, _> = sqlx::query_scalar(OPEN).fetch_one(self.stage.engine.pool()).await;
            match open {
                Ok(0) if self.stage.doubles.channels_are_ok() && !self.stage.doubles.are_fetching() => {
                    let since: &mut Instant = since.get_or_insert_with(Instant::now);
                    if since.elapsed() > STILL {
                        return true;
                    }
                }
                // An error is a connection of before the last crash of the database, perhaps.
                Ok(_) | Err(_) => since = None,
            }
            self.say(|| format!("{} messages are open", open.unwrap_or_default()));
            tokio::time::sleep(LOOK_EVERY).await;
        }
        false
    }

    async fn read(&mut self, id: i64) -> anyhow::Result<bool> {
        while Instant::now() < self.until {
            let reading = backfills::get(self.stage.engine.pool(), id).await?;
            if reading.as_ref().is_some_and(Backfill::is_over) {
                return Ok(true);
            }
            let state = reading.map(|reading| reading.state).unwrap_or_default();
            self.say(|| format!("the last reading of a provider's list is {state}"));
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(false)
    }

    fn say(&mut self, what: impl FnOnce() -> String) {
        if self.said.elapsed() > SAY_EVERY {
            self.said = Instant::now();
            output::complain(&format!("  settling: {}", what()));
        }
    }
}
