//! Finding work among ten thousand settled rows, and among ten million.

use crate::load::{histogram, micros, millis};
use crate::report::Report;
use crate::rows;
use crate::stage::Stage;
use anyhow::Context;
use chrono::Utc;
use sqlx::Executor;
use std::path::Path;
use std::time::Instant;
use twinwire_core::model::Side;
use twinwire_store::work::{self, Ask};

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
        stage.sql("vacuum analyze messages".to_owned()).await?;
        stage.sql("checkpoint".to_owned()).await?;
        from = to;
        let median = time(&stage).await?;
        report.state(&format!("finding 16 due rows among {to} settled, p50"), format!("{median:.3} ms"));
        medians.push(median);
    }
    report.at_most("finding work, large beside small", medians[1] / medians[0], "×", 1.3);
    report.note(&format!("How Postgres finds due rows among {rows}"), plan(&stage).await?);
    stage.strike().await
}

/// What a worker asks for.
fn asks() -> [Ask; 2] {
    [Side::Provider, Side::Helpdesk].map(|origin| Ask {
        origin,
        files: false,
        most: 16,
        delivering: Vec::new(),
    })
}

async fn time(stage: &Stage) -> anyhow::Result<f64> {
    let channel = stage.number("select min(id) from channels").await?;
    let mut times = histogram()?;
    for _ in 0..TIMES {
        let began = Instant::now();
        let due = work::due(&stage.pool, channel, Utc::now(), &[], &asks()).await?;
        times.record(micros(began.elapsed()))?;
        anyhow::ensure!(due.len() == 16, "{} are due", due.len());
    }
    Ok(millis(times.value_at_quantile(0.5)))
}

/// How Postgres does what the program asks for: it writes the plan of the query into its log.
async fn plan(stage: &Stage) -> anyhow::Result<String> {
    let channel = stage.number("select min(id) from channels").await?;
    let mut conn = stage.pool.acquire().await?;
    conn.execute(
        "load 'auto_explain';
        set auto_explain.log_analyze = on;
        set auto_explain.log_buffers = on;
        set auto_explain.log_timing = off;
        set auto_explain.log_min_duration = 0",
    )
    .await?;
    work::due(&mut *conn, channel, Utc::now(), &[], &asks()).await?;
    conn.close().await?;
    let log = stage.postgres_log()?;
    let (_, last) = log.rsplit_once("plan:").context("Postgres has logged no plan")?;
    let plan = last.lines().map(|line| line.trim_start_matches('\t'));
    let plan: Vec<&str> = plan.skip_while(|line| !line.starts_with("Nested Loop")).collect();
    let plan = plan.into_iter().take_while(|line| !line.starts_with(|first: char| first.is_ascii_digit()));
    Ok(plan.collect::<Vec<_>>().join("\n"))
}
