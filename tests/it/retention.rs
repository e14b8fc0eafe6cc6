//! What is old goes, nothing that is still needed does, and nothing comes back.

use crate::posts::{front_posts, message};
use chrono::TimeDelta;
use std::collections::BTreeSet;
use twinwire_core::media::State;
use twinwire_core::model::Parked;
use twinwire_core::setting::Settings;
use twinwire_engine::jobs::retain;
use twinwire_engine::setup::session;
use twinwire_engine::{Keep, operator};
use twinwire_sandbox::{Fault, MediaFile, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_store::jobs::{self, Listed};
use twinwire_store::story;
use twinwire_store::tx;
use twinwire_store::unit::Unit;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Setting, Stack, eventually};

/// A stack that keeps some things for thirty days.
async fn keeping(keep: Keep) -> Stack {
    let stack = Stack::with(Setting { keep, ..Setting::default() }).await;
    // The run of this day: it would do what the test asks for, and let the test's own wait.
    eventually("the first run is over", || async {
        let done = "select count(*) from jobs where kind = 'retain' and state = 'done'";
        (stack.count(done).await == 1).then_some(())
    })
    .await;
    stack
}

fn bodies() -> Keep {
    Keep { bodies: Some(TimeDelta::days(30)), ..Keep::default() }
}

fn media() -> Keep {
    Keep { media: Some(TimeDelta::days(30)), ..Keep::default() }
}

/// Lets the rows be so many days old, in every table.
async fn age(stack: &Stack, so: &str, days: i32) {
    for sql in [
        format!(
            "update messages set created_at = created_at - make_interval(days => {days}),
                occurred_at = occurred_at - make_interval(days => {days}) where {so}"
        ),
        format!(
            "update provider_messages p set created_at = p.created_at - make_interval(days => {days}),
                date_created = p.date_created - make_interval(days => {days})
            from messages m where m.provider_message_id = p.provider_message_id and m.channel_id = p.channel_id
                and m.created_at < now() - interval '1 day'"
        ),
        format!(
            "update attempts a set at = a.at - make_interval(days => {days}) from messages m
            where m.channel_id = a.channel_id and m.external_id = a.external_id
                and m.created_at < now() - interval '1 day' and a.at > now() - interval '1 day'"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&stack.pool).await.unwrap();
    }
}

/// Runs retention to its end.
async fn retain(stack: &Stack) -> Listed {
    let mut tx = tx::begin(&stack.pool).await.unwrap();
    let id = retain::request(&mut tx, stack.engine(), "test").await.unwrap();
    tx.commit().await.unwrap();
    let done = ended(stack, id).await;
    assert_eq!(done.state, "done", "{done:?}");
    done
}

async fn ended(stack: &Stack, id: i64) -> Listed {
    eventually("the job ends", || async {
        jobs::listed(&stack.pool, id).await.unwrap().filter(|job| jobs::is_over(&job.state))
    })
    .await
}

fn cat() -> MediaFile {
    MediaFile::new("cat.png", "image/png", crate::media::noise(20, 20))
}

fn files_in(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_in(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn old_texts_are_emptied_and_neither_a_poll_nor_a_full_backfill_fills_them_again() {
    let stack = keeping(bodies()).await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "A secret of mine").await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "A secret of ours").await.unwrap();
    stack.settle().await;
    age(&stack, "true", 31).await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Of today").await;
    stack.settle().await;
    let before = stack.rows().await;
    retain(&stack).await;
    // Also by a late status callback: it shows a message that is long past.
    assert_eq!(stack.count("select count(*) from messages where emptied_at is not null").await, 2);
    let secrets = "select (select count(*) from messages where body ~ 'secret' or data::text ~ 'secret')
        + (select count(*) from provider_messages where body ~ 'secret' or data::text ~ 'secret')";
    assert_eq!(stack.count(secrets).await, 0);
    for kind in [Kind::Poll, Kind::Incremental, Kind::Full] {
        stack.backfill(kind).await;
    }
    assert_eq!(stack.count(secrets).await, 0, "it came back");
    let after = stack.rows().await;
    // The times are the provider's own: the test has moved some into the past, and the list says them anew.
    let kept = |rows: &[twinwire_core::model::Message]| -> BTreeSet<_> {
        rows.iter()
            .map(|row| {
                (
                    row.external_id.clone(),
                    row.provider_message_id.clone(),
                    format!("{:?}", row.provider_status),
                )
            })
            .collect()
    };
    assert_eq!(kept(&after), kept(&before), "ids and statuses stay");
    assert_eq!(after.iter().filter(|row| row.body == "Of today").count(), 1);
    assert_eq!(stack.texts_to(CUSTOMER), ["A secret of ours"], "nothing is sent again");
    assert_eq!(stack.thread_texts(CUSTOMER).len(), 3);
}

#[tokio::test]
async fn retention_that_has_nothing_to_do_writes_no_message_and_goes_on_behind_its_mark() {
    let stack = keeping(bodies()).await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Old").await;
    stack.settle().await;
    age(&stack, "true", 31).await;
    retain(&stack).await;
    let written = "select (extract(epoch from max(row_updated_at)) * 1000000)::bigint from messages";
    let before = stack.count(written).await;
    let again = retain(&stack).await;
    assert_eq!((stack.count(written).await, &again.counts["texts"]), (before, &serde_json::Value::Null));
    assert_eq!(stack.count("select seq from retention_marks where what = 'bodies'").await, 1);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Old later").await;
    stack.settle().await;
    age(&stack, "body = 'Old later'", 31).await;
    assert_eq!(retain(&stack).await.counts["texts"], 1);
}

#[tokio::test]
async fn a_text_that_has_still_to_be_delivered_is_kept_until_it_is() {
    let stack = keeping(bodies()).await;
    stack
        .front
        .faults()
        .add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::SyncInbound).times(10_000));
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Still to come").await;
    age(&stack, "true", 31).await;
    sqlx::query("update messages set occurred_at = created_at").execute(&stack.pool).await.unwrap();
    assert_eq!(retain(&stack).await.counts["texts"], 0);
    assert_eq!(stack.count("select count(*) from messages where body = 'Still to come'").await, 1);
    assert_eq!(stack.count("select count(*) from retention_left").await, 1);
    stack.front.faults().clear();
    sqlx::query("update messages set wake_at = now() where wake_at is not null")
        .execute(&stack.pool)
        .await
        .unwrap();
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["Still to come"]);
    assert_eq!(retain(&stack).await.counts["texts"], 1);
    assert_eq!(stack.count("select count(*) from messages where body <> ''").await, 0);
    assert_eq!(stack.count("select count(*) from retention_left").await, 0);
}

#[tokio::test]
async fn history_that_is_older_than_texts_are_kept_comes_in_without_them_and_a_stop_in_it_counts() {
    let stack = keeping(bodies()).await;
    let at = chrono::Utc::now() - TimeDelta::days(40);
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook).times(10));
    stack.signalwire.customer_texts_at(CUSTOMER, SUPPORT, "Long ago", at).await;
    stack.signalwire.customer_texts_at(CUSTOMER, SUPPORT, "STOP", at + TimeDelta::minutes(1)).await;
    stack.backfill(Kind::Full).await;
    let rows = stack.rows().await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.body.is_empty() && row.emptied_at.is_some()), "{rows:?}");
    assert_eq!(stack.count("select count(*) from provider_messages where body is not null").await, 0);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Are you there?").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.row("body = 'Are you there?'").await.unwrap().parked, Some(Parked::OptedOut));
}

#[tokio::test]
async fn an_emptied_message_is_not_retried_and_its_repeated_webhook_sends_nothing() {
    let stack = keeping(bodies()).await;
    let refused = Fault::Refuse { status: 422, code: 21211, message: "Not a number".to_owned() };
    stack.signalwire.faults().add(Rule::new(refused).on(Operation::SendMessage));
    let order = message("msg_refused", &[CUSTOMER], "Refused");
    assert_eq!(front_posts(&stack, &order).await.status, Some(200));
    stack.settle().await;
    age(&stack, "true", 31).await;
    retain(&stack).await;
    let row = stack.rows().await.remove(0);
    assert!(row.emptied_at.is_some(), "{row:?}");
    let found = story::find(&stack.pool, &row.external_id, 1).await.unwrap().remove(0);
    let refused = operator::retry(stack.engine(), &found, false).await.unwrap_err();
    assert!(format!("{refused}").contains("Emptied"), "{refused}");
    assert_eq!(front_posts(&stack, &order).await.status, Some(200));
    stack.settle().await;
    assert_eq!(stack.rows().await, [row]);
    assert!(stack.texts_to(CUSTOMER).is_empty());
}

#[tokio::test]
async fn old_files_go_with_what_was_made_of_them_and_the_row_says_what_they_were() {
    let stack = keeping(media()).await;
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Old", vec![cat()]).await;
    stack.settle().await;
    let key = stack.rows().await[0].media[0].key().unwrap().to_owned();
    stack.engine().media().put(&format!("{key}-900"), vec![1]).await.unwrap();
    age(&stack, "true", 31).await;
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "New", vec![cat()]).await;
    stack.settle().await;
    let folder = stack.setting.media.path().to_owned();
    assert_eq!(files_in(&folder), 3);
    assert_eq!(retain(&stack).await.counts["files"], 1);
    assert_eq!(files_in(&folder), 1, "the new one stays");
    let old = stack.row("body = 'Old'").await.unwrap();
    assert_eq!(old.media[0].file.content_type.as_deref(), Some("image/png"));
    assert_eq!(old.media[0].state, State::Missing { why: "files are kept for 30 days".to_owned() });
    stack.backfill(Kind::Full).await;
    stack.settle().await;
    assert_eq!(stack.row("body = 'Old'").await.unwrap().media, old.media, "it is not fetched again");
    assert_eq!(stack.thread_texts(CUSTOMER), ["Old", "New"]);
}

#[tokio::test]
async fn a_file_of_a_message_that_has_still_to_be_delivered_is_never_lost() {
    let stack = keeping(media()).await;
    stack
        .front
        .faults()
        .add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::SyncInbound).times(10_000));
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "With a cat", vec![cat()]).await;
    eventually("the file is kept", || async { stack.rows().await[0].media[0].key().map(|_| ()) }).await;
    age(&stack, "true", 31).await;
    sqlx::query("update messages set occurred_at = created_at").execute(&stack.pool).await.unwrap();
    retain(&stack).await;
    stack.front.faults().clear();
    sqlx::query("update messages set wake_at = now() where wake_at is not null")
        .execute(&stack.pool)
        .await
        .unwrap();
    stack.settle().await;
    assert_eq!(stack.thread(CUSTOMER)[0].attachments.len(), 1);
    assert_eq!(retain(&stack).await.counts["files"], 1);
    assert_eq!(files_in(stack.setting.media.path()), 0);
}

#[tokio::test]
async fn a_file_whose_deletion_a_crash_has_cut_off_is_deleted_by_the_next_run() {
    let stack = keeping(media()).await;
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Old", vec![cat()]).await;
    stack.settle().await;
    let row = stack.rows().await.remove(0);
    let channel = stack.channel_key().await;
    let mut unit = Unit::new(&stack.pool);
    let key = row.media[0].key().unwrap();
    let conn = unit.conn().await.unwrap();
    twinwire_store::media_let_go::add(conn, channel, &row.external_id, key).await.unwrap();
    let mut without = unit.lock(channel, &row.external_id).await.unwrap().unwrap();
    without.media[0].state = State::Missing { why: "old".to_owned() };
    without.parked = Some(Parked::Refused);
    unit.update(channel, &row, &without);
    unit.commit().await.unwrap();
    let found = story::find(&stack.pool, &row.external_id, 1).await.unwrap().remove(0);
    let refused = operator::retry(stack.engine(), &found, false).await.unwrap_err().to_string();
    assert!(refused.contains("being let go"), "{refused}");
    retain(&stack).await;
    assert_eq!(files_in(stack.setting.media.path()), 0);
    assert_eq!(stack.count("select count(*) from media_let_go").await, 0);
}

#[tokio::test]
async fn stories_go_line_by_line_and_messages_stay() {
    let stack = keeping(Keep { attempts: Some(TimeDelta::days(30)), ..Keep::default() }).await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Old").await;
    stack.settle().await;
    age(&stack, "true", 31).await;
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "New").await;
    stack.settle().await;
    // The provider has the old one twice; nothing but its story says so.
    sqlx::query(
        "insert into attempts (channel_id, external_id, at, step, outcome, detail)
        select channel_id, external_id, now() - interval '40 days', 'note', 'copy_at_provider', 'copy-1' from messages
        where body = 'Old'",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    let lines = "select count(*) from attempts where at < now() - interval '30 days'";
    assert!(stack.count(lines).await > 1);
    retain(&stack).await;
    assert_eq!(stack.count(&format!("{lines} and outcome is distinct from 'copy_at_provider'")).await, 0);
    assert_eq!(stack.count(lines).await, 1, "the copy's text has to go with the message's");
    // A late notice may have added a line; what has none but that of the copy is done.
    let left = "select count(*) from retention_left r where not exists (select from attempts a
        where a.channel_id = r.channel_id and a.external_id = r.external_id
            and a.outcome is distinct from 'copy_at_provider')";
    assert_eq!(stack.count(left).await, 0, "the message is done all the same");
    assert!(stack.count("select count(*) from attempts").await > 0);
    assert_eq!(stack.rows().await.len(), 2);
}

#[tokio::test]
async fn a_set_up_that_nobody_goes_on_with_is_forgotten_with_its_answers() {
    let stack = Stack::start().await;
    for _ in 0..2 {
        session::begin(stack.engine(), "front_signalwire", &Settings::default(), None).await.unwrap();
    }
    let one = "update setups set expires_at = now() where public_id = (select min(public_id) from setups)";
    sqlx::query(one).execute(&stack.pool).await.unwrap();
    assert_eq!(stack.count("select count(*) from setups").await, 2);
    retain(&stack).await;
    assert_eq!(stack.count("select count(*) from setups where expires_at > now()").await, 1);
    assert_eq!(stack.count("select count(*) from setups").await, 1);
}
