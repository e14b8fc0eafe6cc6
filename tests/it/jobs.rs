//! Long work is seen, and ends when an operator says so.

use crate::PROGRAM;
use crate::why::assert_says;
use std::time::{Duration, Instant};
use twinwire_engine::jobs::read_list;
use twinwire_engine::jobs::replay::{self, Span};
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_store::jobs::{self, Listed};
use twinwire_store::tx;
use twinwire_tests::installation::Installation;
use twinwire_tests::{Stack, eventually};

/// A number of the account that no channel has.
const UNUSED: &str = "+12015550199";

async fn cancel(stack: &Stack, id: i64) -> Option<String> {
    let mut conn = stack.pool.acquire().await.unwrap();
    jobs::cancel(&mut conn, id, "ann", chrono::Utc::now()).await.unwrap()
}

async fn job(stack: &Stack, id: i64) -> Listed {
    jobs::listed(&stack.pool, id).await.unwrap().unwrap()
}

async fn backfill(stack: &Stack) -> i64 {
    let account = stack.count("select id from accounts where connector = 'signalwire'").await;
    let channel = stack.channel_key().await;
    read_list::request(stack.engine(), account, Some(channel), Kind::Full, "api").await.unwrap()
}

#[tokio::test]
async fn a_backfill_that_is_cancelled_stops_at_the_next_page_and_says_who_wanted_that() {
    let stack = Stack::start().await;
    stack.signalwire.add_number(UNUSED);
    for n in 0..1_600 {
        stack.signalwire.foreign_send(UNUSED, "+12025550198", &format!("News {n}"));
    }
    let slow = Fault::Slow(Duration::from_millis(700));
    stack.signalwire.faults().add(Rule::new(slow).on(Operation::ListMessages).times(100));
    let id = backfill(&stack).await;
    let running = eventually("a page is read", || async {
        let job = job(&stack, id).await;
        (job.counts["pages"].as_i64() > Some(0)).then_some(job)
    })
    .await;
    assert_eq!((running.state.as_str(), running.requested_by.as_str()), ("running", "api"));
    assert_eq!(
        running.doing,
        Some(format!("reading page {}", running.counts["pages"].as_i64().unwrap() + 1))
    );
    assert_eq!(running.channel.as_deref(), Some(stack.installed.channel.id.as_str()));
    assert_eq!(cancel(&stack, id).await.as_deref(), Some("running"));
    let over = eventually("it ends", || async {
        let job = job(&stack, id).await;
        jobs::is_over(&job.state).then_some(job)
    })
    .await;
    assert_eq!((over.state.as_str(), over.cancelled_by.as_deref()), ("cancelled", Some("ann")));
    assert!(over.counts["seen"].as_i64() < Some(1_600), "{over:?}");
    assert_eq!(cancel(&stack, id).await.as_deref(), Some("cancelled"), "what is over stays as it is");
    assert_eq!(cancel(&stack, 999_999).await, None);
}

#[tokio::test]
async fn what_waits_is_cancelled_at_once_and_never_begins() {
    let mut stack = Stack::start().await;
    stack.stop_server().await;
    let other = stack.second_server().await;
    let span = Span { from: chrono::Utc::now(), to: chrono::Utc::now(), channel: None };
    let mut tx = tx::begin(&stack.pool).await.unwrap();
    let asked = jobs::Asked { kind: "replay", by: "ann", what: &serde_json::json!(span) };
    let (id, new) = jobs::request(&mut tx, asked, chrono::Utc::now()).await.unwrap();
    assert!(new);
    tx.commit().await.unwrap();
    assert_eq!(cancel(&stack, id).await.as_deref(), Some("cancelled"));
    let done = replay::request(&other.engine, span, "ann").await.unwrap();
    eventually("another one is done", || async { (job(&stack, done).await.state == "done").then_some(()) })
        .await;
    assert_eq!(job(&stack, id).await.started_at, None);
    let listed = jobs::list(&stack.pool, false, None, 10).await.unwrap();
    assert!(listed.iter().all(|job| job.kind != "poll"));
    assert_eq!(listed.iter().filter(|job| job.kind == "replay").count(), 2);
    other.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_leaves_a_long_reading_to_the_next_one_which_goes_on_with_it() {
    let mut stack = Stack::start().await;
    stack.signalwire.add_number(UNUSED);
    for n in 0..1_600 {
        stack.signalwire.foreign_send(UNUSED, "+12025550198", &format!("News {n}"));
    }
    let slow = Fault::Slow(Duration::from_millis(1_000));
    stack.signalwire.faults().add(Rule::new(slow).on(Operation::ListMessages).times(1_000));
    let id = backfill(&stack).await;
    let pages = async || job(&stack, id).await.counts["pages"].as_i64().unwrap();
    eventually("a page is read", || async { (pages().await > 0).then_some(()) }).await;
    let began = Instant::now();
    stack.stop_server().await;
    assert!(began.elapsed() < Duration::from_secs(8), "the reading was waited for: {:?}", began.elapsed());
    let left = job(&stack, id).await;
    assert_eq!((left.state.as_str(), left.failures), ("running", 0), "{left:?}");
    stack.signalwire.faults().clear();
    stack.start_server().await;
    let over = eventually("it ends", || async {
        let job = job(&stack, id).await;
        jobs::is_over(&job.state).then_some(job)
    })
    .await;
    assert_eq!(over.state, "done", "{over:?}");
    assert_eq!(over.counts["seen"].as_i64(), Some(1_600), "it went on where it was");
}

#[tokio::test]
async fn the_database_lets_go_of_what_a_vanished_machine_held_within_half_a_minute() {
    let stack = Stack::start().await;
    for (limit, value) in [
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "25000"),
    ] {
        let show = sqlx::AssertSqlSafe(format!("show {limit}"));
        let set: String = sqlx::query_scalar(show).fetch_one(stack.engine().pool()).await.unwrap();
        assert_eq!(set, value, "{limit}");
    }
}

#[tokio::test]
async fn a_server_one_of_whose_parts_ends_says_so_instead_of_looking_well() {
    let mut stack = Stack::start().await;
    let well = tokio::time::timeout(Duration::from_secs(2), stack.server().broke()).await;
    assert!(well.is_err(), "nothing is wrong yet");
    stack.stop_server().await;
    sqlx::query("alter table apalis.jobs rename to elsewhere").execute(&stack.pool).await.unwrap();
    let server = stack.second_server().await;
    tokio::time::timeout(Duration::from_secs(20), server.broke())
        .await
        .expect("jobs cannot run, and it is not noticed");
    server.stop().await;
}

#[tokio::test]
async fn a_job_whose_step_fails_each_time_says_so_while_it_is_tried_and_is_over_at_last() {
    let twinwire = Installation::connected(PROGRAM).await;
    let broken = "create or replace function create_webhook_log_partition(day date) returns boolean language sql as 'select false'";
    sqlx::query(broken).execute(&twinwire.pool).await.unwrap();
    sqlx::query("delete from apalis.twinwire_ticks where name = 'retain'")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    let retain = async || {
        let jobs = twinwire.program.run(&["jobs", "--json"]).await.json();
        jobs["jobs"]
            .as_array()
            .unwrap()
            .iter()
            .find(|job| job["kind"] == "retain" && job["failures"] != 0)
            .cloned()
    };
    let job = eventually("retention fails", &retain).await;
    assert_eq!(job["state"], "running", "{job}");
    let (id, number) = (job["job"].to_string(), job["job"].as_i64().unwrap());
    let shown = twinwire.program.run(&["jobs"]).await.stdout;
    assert_says(&shown, &[&id, "retain failing", "no partition"]);
    let shown = twinwire.program.run(&["jobs", "show", &id]).await.stdout;
    assert_says(
        &shown,
        &["state", "running, failing", "in a row", "after 10 it is over", "error", "no partition"],
    );
    let status = twinwire.program.run(&["status", "--json"]).await.json();
    assert_eq!(status["attention"][0]["kind"], "job_failing", "{status}");
    // It does its other steps each time; that does not make it start to count anew.
    sqlx::query("update jobs set failures = 8 where id = $1")
        .bind(number)
        .execute(&twinwire.pool)
        .await
        .unwrap();
    eventually("it is over", || async {
        sqlx::query("update apalis.jobs set run_at = now() where status in ('Pending', 'Failed')")
            .execute(&twinwire.pool)
            .await
            .unwrap();
        let job = twinwire.program.run(&["jobs", "show", &id, "--json"]).await.json();
        (job["state"] == "failed").then_some(())
    })
    .await;
    let status = twinwire.program.run(&["status", "--json"]).await.json();
    assert_eq!(status["attention"][0]["kind"], "job_failed", "{status}");
}
