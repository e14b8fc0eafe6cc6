//! The job that counts the traffic of the last hours. Whoever looks at it only reads what is counted: what looking costs does
//! not depend on how much there is, nor on how many look.

use super::queue::{self, Job, JobFailed, Queue};
use crate::overview::shown;
use crate::{Engine, Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use twinwire_store::{hours, tx};

/// The job's name in the queue, and in the schedule.
pub(super) const KIND: &str = "count_hours";
/// An hour that is over is counted anew after this part of its age: what becomes of its messages, it becomes mostly at once.
const RARER: i32 = 10;

/// Puts it into its queue, unless it is there still.
pub(super) async fn push(conn: &mut PgConnection) -> Result<()> {
    let job = Job { kind: KIND.to_owned(), id: 0 };
    let failed = |error: queue::Error| Error::Jobs(error.to_string());
    if !queue::holds(conn, Queue::Short, &job).await.map_err(failed)? {
        queue::push(conn, Queue::Short, &job).await.map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn perform(engine: &Engine) -> std::result::Result<(), JobFailed> {
    count(engine).await.map_err(|error| JobFailed::new(error.to_string()))
}

/// Counts the hours whose count is old, the latest first.
async fn count(engine: &Engine) -> Result<()> {
    let now = engine.now();
    let shown = shown(now);
    let Some(first) = shown.first() else { return Ok(()) };
    let counted: BTreeMap<_, _> = hours::since(engine.pool(), *first)
        .await?
        .into_iter()
        .map(|hour| (hour.hour, hour.counted_at))
        .collect();
    for hour in shown.into_iter().rev() {
        if is_due(hour, counted.get(&hour).copied(), now) {
            let mut tx = tx::begin(engine.pool()).await?;
            hours::count(&mut tx, hour, now).await?;
            tx.commit().await?;
        }
    }
    let mut tx = tx::begin(engine.pool()).await?;
    hours::note_activity(&mut tx, now).await?;
    Ok(tx.commit().await?)
}

/// Whether an hour is to be counted: the one that goes on each time, the others the more rarely the older they are.
fn is_due(hour: DateTime<Utc>, counted_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let Some(counted_at) = counted_at else { return true };
    let age = now - hour;
    age < TimeDelta::hours(1) || now - counted_at >= age / RARER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_counted_the_more_rarely_the_older_it_is() {
        let hour: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
        let minutes = |minutes| hour + TimeDelta::minutes(minutes);
        for (counted, now, due) in [
            (None, 0, true),
            (None, 1_400, true),
            (Some(30), 31, true),
            (Some(59), 61, false),
            (Some(59), 66, true),
            (Some(1_200), 1_300, false),
            (Some(1_200), 1_340, true),
        ] {
            assert_eq!(is_due(hour, counted.map(minutes), minutes(now)), due, "{counted:?} {now}");
        }
    }
}
