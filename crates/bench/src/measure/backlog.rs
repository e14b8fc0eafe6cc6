//! A backlog: messages that were taken while nothing converged, then brought to a provider that answers at once. With it
//! what that costs the tables.

use crate::load::{self, Make, Until};
use crate::report::Report;
use crate::stage::Stage;
use anyhow::ensure;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Messages that wait.
const MESSAGES: u64 = 20_000;
const CHANNELS: u16 = 8;

/// Measures it.
pub(crate) async fn run(program: &Path, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set(program).await?;
    let serving = stage.serve("api").await?;
    let channels = Arc::new(stage.channels(CHANNELS).await?);
    let make: Make = Arc::new(move |n| channels[usize::try_from(n)? % channels.len()].message("backlog", n));
    load::run(stage.address(), 64, Until::Sent(MESSAGES), &make).await?;
    serving.stop().await?;
    stage.sql("vacuum analyze".to_owned()).await?;
    let before = Churn::of(&stage).await?;

    let began = Instant::now();
    let serving = stage.serve("worker").await?;
    stage.vendors.until_taken(1, Duration::from_secs(60)).await?;
    let first = Instant::now();
    let last = stage.vendors.until_taken(MESSAGES, Duration::from_secs(600)).await?;
    let open = "select count(*) from messages where wake_at is not null or in_flight is not null";
    while stage.number(open).await? > 0 {
        ensure!(began.elapsed() < Duration::from_secs(600), "the backlog is not settled");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    serving.stop().await?;
    let took = last.duration_since(first).as_secs_f64();
    report.at_least(
        "a backlog: rows a second to a provider that answers at once",
        f64::from(u32::try_from(MESSAGES)?) / took,
        "",
        2000.0,
    );
    let order = "select count(*) from (select provider_message_id < lag(provider_message_id) over (
        partition by channel_id, external_conversation_id order by occurred_at, seq) as wrong from messages) o where wrong";
    ensure!(stage.number(order).await? == 0, "messages of a conversation came out of order");
    Churn::of(&stage).await?.since(&before, report);
    stage.strike().await
}

/// What has been written so far.
struct Churn {
    updates: i64,
    hot: i64,
    dead: i64,
    heap: i64,
    indexes: i64,
    wal: i64,
    journal: i64,
}

impl Churn {
    async fn of(stage: &Stage) -> anyhow::Result<Self> {
        // What a connection has counted is told a second later.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let table = "from pg_stat_user_tables where relname = 'messages'";
        let of = async |what: &str| {
            let sql = sqlx::AssertSqlSafe(format!("select ({what})::bigint {table}"));
            anyhow::Ok(sqlx::query_scalar::<_, i64>(sql).fetch_one(&stage.pool).await?)
        };
        Ok(Self {
            updates: of("n_tup_upd").await?,
            hot: of("n_tup_hot_upd").await?,
            // Those that were vacuumed meanwhile count, too.
            dead: of("n_tup_upd + n_tup_del").await?,
            heap: of("pg_relation_size(relid)").await?,
            indexes: of("pg_indexes_size(relid)").await?,
            wal: stage.number("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").await?,
            journal: stage.number("select count(*) from attempts").await?,
        })
    }

    fn since(&self, before: &Self, report: &mut Report) {
        let each = |now: i64, then: i64| {
            let per = i32::try_from(now - then).map_or(f64::NAN, f64::from);
            per / f64::from(u32::try_from(MESSAGES).unwrap_or(u32::MAX))
        };
        let per = |what: &str, value: f64| (format!("per message delivered: {what}"), format!("{value:.2}"));
        for (what, value) in [
            per("writes of its row, which is dead tuples", each(self.dead, before.dead)),
            per("of those HOT (no index written)", each(self.hot, before.hot)),
            per("bytes of the table's growth", each(self.heap, before.heap)),
            per("bytes of its indexes' growth", each(self.indexes, before.indexes)),
            per("bytes of WAL", each(self.wal, before.wal)),
            per("lines of the journal", each(self.journal, before.journal)),
            per("updates", each(self.updates, before.updates)),
        ] {
            report.state(&what, value);
        }
    }
}
