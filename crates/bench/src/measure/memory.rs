//! Memory of the server: under the load of webhooks, and idle with ten thousand channels.

use crate::load::{self, Make, Until};
use crate::machine;
use crate::report::Report;
use crate::stage::Stage;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const CHANNELS: u32 = 10_000;

/// Measures it.
pub(crate) async fn run(program: &Path, seconds: u64, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set(program).await?;
    let serving = stage.serve("all").await?;
    let channels = Arc::new(stage.channels(8).await?);
    let make: Make = Arc::new(move |n| channels[usize::try_from(n)? % channels.len()].message("memory", n));
    load::run(stage.address(), 64, Until::Passed(Duration::from_secs(seconds)), &make).await?;
    report.at_most("memory of serve under load, at its most", machine::peak_mib(serving.pid)?, "MiB", 100.0);
    serving.stop().await?;
    stage.strike().await?;

    let stage = Stage::set(program).await?;
    let serving = stage.serve("all").await?;
    stage.channels(1).await?;
    serving.stop().await?;
    stage
        .sql(format!(
            "insert into channels (public_id, pair, helpdesk_account_id, provider_account_id, address, helpdesk_channel_id,
                api_key_hash, sealed_api_key, state)
            select 'chn_bench' || n, pair, helpdesk_account_id, provider_account_id, '+1202' || (5000000 + n), 'cha_b' || n,
                sha256(('key' || n)::bytea), sealed_api_key, state
            from channels, generate_series(2, {CHANNELS}) n"
        ))
        .await?;
    let serving = stage.serve("all").await?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    report.at_most(
        "memory of serve, idle with 10,000 channels",
        machine::resident_mib(serving.pid)?,
        "MiB",
        60.0,
    );
    serving.stop().await?;
    stage.strike().await
}
