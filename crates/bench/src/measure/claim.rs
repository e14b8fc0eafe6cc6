//! Finding work among ten thousand settled rows, and among ten million.

use crate::load::{histogram, micros, millis};
use crate::report::Report;
use crate::rows;
use crate::stage::Stage;
use chrono::Utc;
use sqlx::Row;
use std::path::Path;
use std::time::Instant;
use twinwire_core::model::Side;
use twinwire_store::work;

const SMALL: u64 = 10_000;
/// Rows that are due.
const DUE: u64 = 100;
/// How often the query is timed.
const TIMES: u32 = 500;

/// Measures it.
pub(crate) async fn run(program: &Path, rows: u64, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set(program).await?;
    let serving = stage.serve("api").await?;
    let channels = stage.channels(1).await?;
    let mut connection = crate::load::Connection::open(stage.address()).await?;
    for n in 0..DUE {
        connection.send(channels[0].message("due", n)?).await?;
    }
    serving.stop().await?;
    let mut medians = Vec::new();
    let mut from = 0;
    for to in [SMALL, rows] {
        rows::settled(&stage, from, to).await?;
        stage.sql("vacuum analyze messages; checkpoint".to_owned()).await?;
        from = to;
        let median = time(&stage).await?;
        report.state(&format!("finding 16 due rows among {to} settled, p50"), format!("{median:.3} ms"));
        medians.push(median);
    }
    report.at_most("finding work, large beside small", medians[1] / medians[0], "×", 1.3);
    report.note(&format!("How Postgres finds due rows among {rows}"), plan(&stage).await?);
    stage.strike().await
}

async fn time(stage: &Stage) -> anyhow::Result<f64> {
    let channel = stage.number("select min(id) from channels").await?;
    let mut times = histogram()?;
    for _ in 0..TIMES {
        let began = Instant::now();
        let due = work::due(&stage.pool, channel, Side::Helpdesk, Utc::now(), &[], &[], 16).await?;
        times.record(micros(began.elapsed()))?;
        anyhow::ensure!(due.len() == 16, "{} are due", due.len());
    }
    Ok(millis(times.value_at_quantile(0.5)))
}

/// What the query that the program sends does: `auto_explain` of this session.
async fn plan(stage: &Stage) -> anyhow::Result<String> {
    let rows = sqlx::query(
        "explain (analyze, buffers, costs off, timing off, summary off)
        select m.external_id from messages m where m.channel_id = (select min(id) from channels) and m.wake_at <= now()
            and m.origin = 'helpdesk' and not exists (
                select 1 from messages e
                where e.channel_id = m.channel_id and e.external_conversation_id = m.external_conversation_id
                    and e.origin = m.origin and e.parked is null
                    and ((e.origin = 'helpdesk' and e.provider_message_id is null)
                        or (e.origin = 'provider' and e.helpdesk_message_id is null))
                    and (e.occurred_at, e.seq) < (m.occurred_at, m.seq))
        order by m.wake_at, m.seq limit 16",
    )
    .fetch_all(&stage.pool)
    .await?;
    let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(lines?.join("\n"))
}
