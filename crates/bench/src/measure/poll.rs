//! Reading a provider's list of messages that are all known.

use crate::report::Report;
use crate::stage::Stage;
use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::Path;
use std::time::Instant;

const MESSAGES: u64 = 100_000;

/// Measures it.
pub(crate) async fn run(program: &Path, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set(program).await?;
    let serving = stage.serve("all").await?;
    let channels = stage.channels(1).await?;
    let channel = channels.first().context("no channel")?;
    stage.vendors.list(MESSAGES);
    read(&stage, &channel.id).await?;
    let count = stage.number("select count(*) from messages").await?;
    ensure!(count == i64::try_from(MESSAGES)?, "{count} rows of {MESSAGES} messages");
    stage.sql("vacuum analyze".to_owned()).await?;
    let before = written(&stage).await?;
    let began = Instant::now();
    read(&stage, &channel.id).await?;
    let took = began.elapsed().as_secs_f64();
    let rewritten = written(&stage).await? - before;
    serving.stop().await?;
    stage.strike().await?;
    let rate = f64::from(u32::try_from(MESSAGES)?) / took;
    report.at_least("reading a list of 100,000 known messages: rows a second", rate, "", 20_000.0);
    report.at_most("rows written by that", i32::try_from(rewritten).map_or(f64::NAN, f64::from), "", 0.0);
    Ok(())
}

/// Reads the whole list, as an operator asks for it.
async fn read(stage: &Stage, channel: &str) -> anyhow::Result<()> {
    let asked: Value = serde_json::from_str(&stage.run(&["backfill", channel, "--full", "--json"]).await?)?;
    let id = asked["backfill"].as_i64().context("no backfill")?;
    loop {
        let state: Option<String> = sqlx::query_scalar(
            "select case when error is not null then 'failed' when finished_at is not null then 'done' end
            from backfills where id = $1",
        )
        .bind(id)
        .fetch_one(&stage.pool)
        .await?;
        match state.as_deref() {
            Some("done") => return Ok(()),
            Some(_) => anyhow::bail!("the backfill failed"),
            None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
}

/// Rows of messages that were written so far.
async fn written(stage: &Stage) -> anyhow::Result<i64> {
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    stage
        .number(
            "select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_user_tables
            where relname in ('messages', 'provider_messages')",
        )
        .await
}
