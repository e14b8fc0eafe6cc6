//! Webhooks a second, each answered only after its commit: beside handlers that do little else, and beside what Postgres
//! does with the same row.

use crate::load::{self, Loaded, Make, Until};
use crate::plain::{Keeps, Plain};
use crate::report::Report;
use crate::stage::{Channel, Stage};
use crate::{front, pgbench};
use anyhow::Context;
use clap::ValueEnum;
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

    // Before pgbench fills the table.
    let mut plain = Vec::new();
    for keeps in Keeps::value_variants() {
        plain.push(Compared::measure(&stage, *keeps, until).await?);
    }
    let (_, commit) = pgbench::run(&stage, 1, 1, seconds).await?;
    let mut batches = 0_f64;
    for clients in [1, 2, 4] {
        batches = batches.max(pgbench::run(&stage, clients, 100, seconds).await?.0);
    }
    stage.strike().await?;
    let express = beside(&Plain::express().await?, "express", CONNECTIONS, until).await?;

    report.state("ingest: webhooks a second at 64 connections", per_second(&many));
    report.state("the same, p50 / p99", quantiles(&many));
    report.state("Express, stores nothing: webhooks a second", per_second(&express));
    for Compared { keeps, many, .. } in &plain {
        report.state(&format!("axum, stores {}: webhooks a second", keeps.title()), per_second(many));
        report.state("… beside Express", format!("{:.2} ×", many.rate() / express.rate()));
        report.state("… beside pgbench in batches", format!("{:.2} ×", many.rate() / batches));
    }
    report.state(
        "pgbench: rows a second in batches of 100, the best of 1, 2 and 4 clients",
        format!("{batches:.0}"),
    );
    report.at_least("ingest beside Express", many.rate() / express.rate(), "×", 4.0);
    report.at_least("ingest beside pgbench in batches", many.rate() / batches, "×", 0.5);
    report.state("one connection: p50 / p99", quantiles(&one));
    for Compared { keeps, one, .. } in &plain {
        report.state(&format!("axum, stores {}, one connection: p50 / p99", keeps.title()), quantiles(one));
        report.state("… beside one commit, of means", format!("{:.2} ×", mean(one) / commit));
    }
    report.state("pgbench: one commit of the same row", format!("{commit:.2} ms"));
    report.at_most("one connection beside one commit, of means", mean(&one) / commit, "×", 1.3);
    Ok(())
}

fn messages(channels: &Arc<Vec<Channel>>, run: &'static str) -> Make {
    let channels = Arc::clone(channels);
    Arc::new(move |n| {
        let nth = usize::try_from(n)? % channels.len();
        channels[nth].message(run, n)
    })
}

/// A plain handler in axum.
struct Compared {
    /// What it stores.
    keeps: Keeps,
    /// At many connections, the best of so many transactions at a time.
    many: Loaded,
    /// At one connection.
    one: Loaded,
}

impl Compared {
    async fn measure(stage: &Stage, keeps: Keeps, until: Until) -> anyhow::Result<Self> {
        let one = beside(&Plain::axum(stage, keeps, 1).await?, "one", 1, until).await?;
        let mut best: Option<Loaded> = None;
        for at_once in keeps.at_once() {
            let handler = Plain::axum(stage, keeps, *at_once).await?;
            let many = beside(&handler, &format!("at{at_once}x"), CONNECTIONS, until).await?;
            if best.as_ref().is_none_or(|best| many.rate() > best.rate()) {
                best = Some(many);
            }
        }
        Ok(Self { keeps, many: best.context("nothing was tried")?, one })
    }
}

async fn beside(handler: &Plain, run: &str, connections: usize, until: Until) -> anyhow::Result<Loaded> {
    // Other messages than those of the server.
    let make = |run: String| -> Make {
        Arc::new(move |n| front::signed("/message", "none", front::message(&run, n)))
    };
    load::run(handler.address, connections, Until::Sent(5000), &make(format!("plain_{run}_warm"))).await?;
    load::run(handler.address, connections, until, &make(format!("plain_{run}"))).await
}

fn per_second(loaded: &Loaded) -> String {
    format!("{:.0}", loaded.rate())
}

fn quantiles(loaded: &Loaded) -> String {
    format!("{:.2} / {:.2} ms", loaded.quantile_ms(0.5), loaded.quantile_ms(0.99))
}

fn mean(loaded: &Loaded) -> f64 {
    loaded.latencies.mean() / 1000.0
}
