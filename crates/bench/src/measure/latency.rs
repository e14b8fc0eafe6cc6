//! From a webhook to the provider's call, at a steady rate.

use crate::front;
use crate::load::{Connection, histogram, micros, millis};
use crate::report::Report;
use crate::stage::Stage;
use anyhow::{Context, ensure};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

const PER_SECOND: u64 = 100;
const CHANNELS: u16 = 4;
/// Seconds that are not counted: connections are opened and statements planned.
const WARM_UP: u64 = 2;
/// Connections that take turns: more than are ever busy at that rate.
const CONNECTIONS: usize = 32;

/// Measures it.
pub(crate) async fn run(program: &Path, seconds: u64, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set(program).await?;
    let serving = stage.serve("all").await?;
    let channels = stage.channels(CHANNELS).await?;
    let (give_back, mut free) = mpsc::channel(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        give_back.send(Connection::open(stage.address()).await?).await?;
    }
    let mut tick = interval(Duration::from_secs(1) / u32::try_from(PER_SECOND)?);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (began, mut sent) = (stage.vendors.taken(), Vec::new());
    stage.vendors.note();
    for n in 0..PER_SECOND * (WARM_UP + seconds) {
        tick.tick().await;
        let mut connection = free.recv().await.context("no connection")?;
        let request = channels[usize::try_from(n)? % channels.len()].message("steady", n)?;
        let (give_back, at) = (give_back.clone(), Instant::now());
        sent.push(tokio::spawn(async move {
            let answer = connection.send(request).await;
            give_back.send(connection).await.ok();
            anyhow::Ok((front::external_id(&answer?).context("an answer without an id")?, at))
        }));
    }
    let count = u64::try_from(sent.len())?;
    stage.vendors.until_taken(began + count, Duration::from_secs(60)).await?;
    let (noted, mut times) = (stage.vendors.noted(), histogram()?);
    let mut worst_of_start = Duration::ZERO;
    for (n, one) in (0..).zip(sent) {
        let (id, at) = one.await??;
        let called = noted.get(&id).with_context(|| format!("{id} was not called for"))?;
        let took = called.duration_since(at);
        if n < PER_SECOND * WARM_UP {
            worst_of_start = worst_of_start.max(took);
        } else {
            times.record(micros(took))?;
        }
    }
    ensure!(times.len() == PER_SECOND * seconds, "{} of {count} were timed", times.len());
    serving.stop().await?;
    stage.strike().await?;
    report.at_most(
        "webhook → provider called at 100 a second, p50",
        millis(times.value_at_quantile(0.5)),
        "ms",
        15.0,
    );
    report.at_most("the same, p99", millis(times.value_at_quantile(0.99)), "ms", 60.0);
    report.state(
        "the longest of the first two seconds after the start, which are not counted",
        format!("{:.0} ms", worst_of_start.as_secs_f64() * 1000.0),
    );
    Ok(())
}
