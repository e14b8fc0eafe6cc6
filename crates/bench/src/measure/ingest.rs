//! Webhooks a second, each answered only after its commit: beside a handler that stores nothing, and beside what Postgres
//! does with the same row.

use crate::load::{self, Loaded, Make, Until};
use crate::plain::Plain;
use crate::report::Report;
use crate::stage::{Channel, Stage};
use crate::{front, pgbench};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const CONNECTIONS: usize = 64;
/// Channels that the messages come for.
const CHANNELS: u16 = 8;

/// Measures it.
pub(crate) async fn run(program: &Path, seconds: u64, report: &mut Report) -> anyhow::Result<()> {
    let until = Until::Passed(Duration::from_secs(seconds));
    let stage = Stage::set(program).await?;
    let serving = stage.serve("api").await?;
    let channels = Arc::new(stage.channels(CHANNELS).await?);
    load::run(stage.address(), CONNECTIONS, Until::Sent(2000), &messages(&channels, "warm")).await?;
    pgbench::take_sample(&stage).await?;
    // What was just filled for the first time has been looked at by Postgres then.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let many = load::run(stage.address(), CONNECTIONS, until, &messages(&channels, "many")).await?;
    let one = load::run(stage.address(), 1, until, &messages(&channels, "one")).await?;
    serving.stop().await?;
    let committed = stage.number("select count(*) from messages").await?;
    let answered = i64::try_from(2000 + many.requests + one.requests)?;
    anyhow::ensure!(committed >= answered, "{answered} were answered and {committed} are there");

    let (_, commit) = pgbench::run(&stage, 1, 1, seconds).await?;
    let mut batches = 0_f64;
    for clients in [1, 2, 4] {
        batches = batches.max(pgbench::run(&stage, clients, 100, seconds).await?.0);
    }
    stage.strike().await?;
    let express = beside(&Plain::express().await?, CONNECTIONS, until).await?;
    let handler = Plain::axum().await?;
    let axum = beside(&handler, CONNECTIONS, until).await?;
    let axum_one = beside(&handler, 1, until).await?;

    report.state("ingest: webhooks a second at 64 connections", per_second(&many));
    report.state("the same, p50 / p99", quantiles(&many));
    report.state("Express, stores nothing: webhooks a second", per_second(&express));
    report.state("axum, stores nothing: webhooks a second", per_second(&axum));
    report.state("… beside Express", format!("{:.2} ×", axum.rate() / express.rate()));
    report.state(
        "pgbench: rows a second in batches of 100, the best of 1, 2 and 4 clients",
        format!("{batches:.0}"),
    );
    report.at_least("ingest beside Express", many.rate() / express.rate(), "×", 4.0);
    report.at_least("ingest beside pgbench in batches", many.rate() / batches, "×", 0.5);
    report.state("one connection: p50 / p99", quantiles(&one));
    report.state("axum, stores nothing, one connection: p50 / p99", quantiles(&axum_one));
    report.state("pgbench: one commit of the same row", format!("{commit:.2} ms"));
    let mean = one.latencies.mean() / 1000.0;
    report.at_most("one connection beside one commit, of means", mean / commit, "×", 1.3);
    Ok(())
}

fn messages(channels: &Arc<Vec<Channel>>, run: &'static str) -> Make {
    let channels = Arc::clone(channels);
    Arc::new(move |n| {
        let nth = usize::try_from(n)? % channels.len();
        channels[nth].message(run, n)
    })
}

async fn beside(handler: &Plain, connections: usize, until: Until) -> anyhow::Result<Loaded> {
    let make: Make = Arc::new(|n| front::signed("/message", "none", front::message("plain", n)));
    load::run(handler.address, connections, Until::Sent(5000), &make).await?;
    load::run(handler.address, connections, until, &make).await
}

fn per_second(loaded: &Loaded) -> String {
    format!("{:.0}", loaded.rate())
}

fn quantiles(loaded: &Loaded) -> String {
    format!("{:.2} / {:.2} ms", loaded.quantile_ms(0.5), loaded.quantile_ms(0.99))
}
