//! Logged requests that are taken again change what was missed, and nothing twice.

use crate::posts::{front_posts, message};
use chrono::{TimeDelta, Utc};
use twinwire_core::model::Parked;
use twinwire_engine::jobs::replay::{self, Span};
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::jobs::{self, Listed};
use twinwire_tests::{CUSTOMER, SUPPORT, Stack, eventually};

async fn replay(stack: &Stack) -> Listed {
    let span = Span { from: Utc::now() - TimeDelta::hours(1), to: Utc::now(), channel: None };
    let id = replay::request(stack.engine(), span, "test").await.unwrap();
    let done = eventually("the job ends", || async {
        jobs::listed(&stack.pool, id).await.unwrap().filter(|job| jobs::is_over(&job.state))
    })
    .await;
    assert_eq!(done.state, "done", "{done:?}");
    stack.settle().await;
    done
}

async fn talk(stack: &Stack) {
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "In").await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Out").await.unwrap();
    stack.settle().await;
    eventually("it is delivered and all notices came", || async {
        let sql = "select (select count(*) from messages where provider_status = 'delivered')
            + (select count(*) from webhook_log where event = 'message_imported')";
        (stack.count(sql).await == 2).then_some(())
    })
    .await;
}

/// Every row with the transaction that wrote it.
async fn written(stack: &Stack) -> Vec<String> {
    sqlx::query_scalar(
        "select 'm ' || external_id || ' ' || xmin from messages
        union all select 'p ' || provider_message_id || ' ' || xmin from provider_messages
        union all select 'a ' || id || ' ' || xmin from attempts
        union all select 'w ' || id || ' ' || xmin from webhook_log order by 1",
    )
    .fetch_all(&stack.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn taking_everything_again_writes_nothing_and_sends_nothing() {
    let stack = Stack::start().await;
    talk(&stack).await;
    let (before, thread) = (written(&stack).await, stack.thread_texts(CUSTOMER));
    let logged = stack.count("select count(*) from webhook_log").await;
    for _ in 0..2 {
        let done = replay(&stack).await;
        assert_eq!(
            (&done.counts["requests"], &done.counts["changed"]),
            (&logged.into(), &0.into()),
            "{done:?}"
        );
    }
    assert_eq!(written(&stack).await, before);
    assert_eq!(stack.texts_to(CUSTOMER), ["Out"]);
    assert_eq!(stack.thread_texts(CUSTOMER), thread);
    assert_eq!(stack.count("select count(*) from channels where state = 'active'").await, 1);
}

#[tokio::test]
async fn what_was_lost_from_the_tables_comes_back_from_the_log() {
    let stack = Stack::start().await;
    let down = Rule::new(Fault::ServerErrorBefore(503)).on(Operation::SyncInbound).times(10_000);
    stack.front.faults().add(down);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Lost by a bug").await;
    for table in ["attempts", "messages", "provider_messages"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("delete from {table}"))).execute(&stack.pool).await.unwrap();
    }
    stack.front.faults().clear();
    let done = replay(&stack).await;
    assert!(done.counts["changed"].as_u64() >= Some(1), "{done:?}");
    assert_eq!(stack.rows().await[0].body, "Lost by a bug");
    assert_eq!(stack.thread_texts(CUSTOMER), ["Lost by a bug"]);
}

#[tokio::test]
async fn what_was_taken_unverified_is_left_out_once_that_is_enforced_again() {
    let stack = Stack::start().await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Genuine?").await;
    stack.settle().await;
    sqlx::query("update webhook_log set unverified = 'missing signature' where connector = 'signalwire'")
        .execute(&stack.pool)
        .await
        .unwrap();
    for (verification, skipped) in [("enforce", 1), ("log_only", 0)] {
        sqlx::query("update accounts set verification = $1 where connector = 'signalwire'")
            .bind(verification)
            .execute(&stack.pool)
            .await
            .unwrap();
        let done = replay(&stack).await;
        assert_eq!(done.counts["skipped_unverified"].as_u64().unwrap_or(0), skipped, "{done:?}");
    }
}

#[tokio::test]
async fn an_order_without_a_time_of_its_own_is_as_old_as_its_request() {
    let stack = Stack::start().await;
    let mut body = message("msg_undated", &[CUSTOMER], "From last month");
    body["payload"].as_object_mut().unwrap().remove("created_at");
    let answer = front_posts(&stack, &body).await;
    assert_eq!(answer.status, Some(200), "{answer:?}");
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["From last month"]);
    for sql in [
        "update webhook_log set received_at = received_at - interval '50 minutes'",
        "delete from attempts",
        "delete from messages",
        "delete from provider_messages",
    ] {
        sqlx::query(sql).execute(&stack.pool).await.unwrap();
    }
    replay(&stack).await;
    let row = stack.row("helpdesk_message_id = 'msg_undated'").await.unwrap();
    assert!(Utc::now() - row.occurred_at > TimeDelta::minutes(45), "{row:?}");
}

#[tokio::test]
async fn an_old_start_that_is_taken_again_does_not_end_a_stop_that_came_after_it() {
    let stack = Stack::start().await;
    for word in ["START", "STOP"] {
        stack.signalwire.customer_texts(CUSTOMER, SUPPORT, word).await;
        stack.settle().await;
    }
    // The first was lost. Its request, which says no time, came long before the second.
    for sql in [
        "update webhook_log set received_at = received_at - interval '50 minutes'
            where convert_from(body, 'UTF8') like '%Body=START%'",
        "delete from consents where text = 'START'",
        "delete from attempts a using messages m where m.channel_id = a.channel_id
            and m.external_id = a.external_id and m.body = 'START'",
        "delete from provider_messages where body = 'START'",
        "delete from messages where body = 'START'",
    ] {
        let done = sqlx::query(sql).execute(&stack.pool).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
    }
    replay(&stack).await;
    let row = stack.row("body = 'START'").await.unwrap();
    assert!(Utc::now() - row.occurred_at > TimeDelta::minutes(45), "{row:?}");
    assert_eq!(stack.count("select count(*) from consents").await, 2);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "One more thing").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.row("body = 'One more thing'").await.unwrap().parked, Some(Parked::OptedOut));
    assert!(stack.texts_to(CUSTOMER).is_empty());
}
