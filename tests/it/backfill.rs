//! A backfill brings in what webhooks missed, and nothing else.

use chrono::{TimeDelta, Utc};
use std::time::Duration;
use twinwire_core::model::Parked;
use twinwire_engine::jobs::queue::{self, Queue};
use twinwire_engine::jobs::{read_list, retain};
use twinwire_sandbox::{Fault, LoggedRequest, Operation, Rule};
use twinwire_store::backfills::{self, Backfill, Kind};
use twinwire_store::tx;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, eventually};

/// Messages that the engine asks for in one page of the list.
const PAGE: usize = 500;
/// A number of the account that no channel has.
const UNUSED: &str = "+12015550199";

fn lose_webhooks(stack: &Stack) {
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook).times(100_000));
}

/// Every row with the transaction that wrote it: equal before and after means that nothing was written.
async fn written(stack: &Stack) -> Vec<String> {
    sqlx::query_scalar(
        "select 'm ' || external_id || ' ' || xmin from messages
        union all select 'p ' || provider_message_id || ' ' || xmin from provider_messages
        union all select 'a ' || id || ' ' || xmin from attempts
        union all select 'c ' || external_conversation_id || ' ' || xmin from conversations order by 1",
    )
    .fetch_all(&stack.pool)
    .await
    .unwrap()
}

fn lists(stack: &Stack) -> Vec<LoggedRequest> {
    let requests = stack.signalwire.requests();
    let lists = |request: &LoggedRequest| {
        // The set-up checks the credentials with a page of one.
        request.operation == Some(Operation::ListMessages) && !request.path.ends_with("PageSize=1")
    };
    requests.into_iter().filter(lists).collect()
}

async fn account(stack: &Stack) -> i64 {
    stack.count("select id from accounts where connector = 'signalwire'").await
}

async fn ended(stack: &Stack, id: i64) -> Backfill {
    eventually("the reading ends", || async {
        backfills::get(&stack.pool, id).await.unwrap().filter(Backfill::is_over)
    })
    .await
}

#[tokio::test]
async fn a_text_whose_webhook_was_lost_is_not_lost() {
    let stack = Stack::start().await;
    lose_webhooks(&stack);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Nobody heard me").await;
    assert!(stack.rows().await.is_empty());
    let done = stack.backfill(Kind::Incremental).await;
    assert_eq!((done.state.as_str(), done.seen, done.inserted), ("done", 1, 1));
    assert_eq!(stack.thread_texts(CUSTOMER), ["Nobody heard me"]);
}

#[tokio::test]
async fn a_second_backfill_writes_no_row() {
    let stack = Stack::start().await;
    lose_webhooks(&stack);
    for n in 0..4 {
        stack.front.agent_writes(&stack.channel, &[OTHER_CUSTOMER], &format!("Out {n}")).await.unwrap();
        stack.signalwire.customer_texts(CUSTOMER, SUPPORT, &format!("In {n}")).await;
    }
    stack.signalwire.foreign_send(SUPPORT, CUSTOMER, "From another application");
    stack.signalwire.add_number(UNUSED);
    stack.signalwire.customer_texts(CUSTOMER, UNUSED, "To a number without a channel").await;
    stack.settle().await;
    eventually("all is delivered", || async {
        let open = |message: &twinwire_sandbox::signalwire::SmsMessage| message.status == "delivered";
        stack.signalwire.outbound_to(OTHER_CUSTOMER).iter().all(open).then_some(())
    })
    .await;
    stack.backfill(Kind::Full).await;
    assert_eq!(stack.rows().await.len(), 9);
    eventually("all import notices came", || async { (stack.front.deliveries().len() == 5).then_some(()) })
        .await;
    let before = written(&stack).await;
    for kind in [Kind::Full, Kind::Incremental, Kind::Poll] {
        let again = stack.backfill(kind).await;
        assert_eq!((again.seen, again.inserted, again.updated), (10, 0, 0), "{kind:?}");
    }
    assert_eq!(written(&stack).await, before);
}

#[tokio::test]
async fn messages_that_come_while_the_pages_are_turned_are_neither_lost_nor_doubled() {
    let stack = Stack::start().await;
    lose_webhooks(&stack);
    stack.signalwire.add_number(UNUSED);
    let start = Utc::now() - TimeDelta::minutes(40);
    for n in 0..(3 * PAGE + 40) {
        let to = if n % 50 == 0 { SUPPORT } else { UNUSED };
        let at = start + TimeDelta::seconds(i64::try_from(n).unwrap());
        stack.signalwire.customer_texts_at(CUSTOMER, to, &format!("Text {n}"), at).await;
    }
    stack.signalwire.faults().add(Rule::new(Fault::InsertWhilePaging).on(Operation::ListMessages).times(3));
    let first = stack.backfill(Kind::Full).await;
    assert_eq!((first.state.as_str(), first.pages), ("done", 4));
    assert_eq!(first.seen, i64::try_from(3 * PAGE + 40).unwrap());
    stack.backfill(Kind::Poll).await;
    let ours = stack.signalwire.messages().into_iter().filter(|message| message.to == SUPPORT).count();
    assert_eq!(ours, 31 + 3);
    assert_eq!(stack.rows().await.len(), ours);
    assert_eq!(stack.front.all_messages(&stack.channel).len(), ours);
    assert_eq!(stack.count("select count(*) from provider_messages").await, 3 * 500 + 40 + 3);
    assert!(stack.front.duplicates(&stack.channel).is_empty());
}

#[tokio::test]
async fn a_message_without_a_date_of_sending_is_found() {
    let stack = Stack::start().await;
    lose_webhooks(&stack);
    stack.signalwire.faults().add(Rule::new(Fault::NullDateSent).on(Operation::InboundWebhook));
    stack.signalwire.faults().add(Rule::new(Fault::NullDateSent).on(Operation::SendMessage));
    stack.signalwire.faults().add(Rule::new(Fault::ServerErrorAfter(500)).on(Operation::SendMessage));
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(10));
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "No date").await;
    stack.front.agent_writes(&stack.channel, &[OTHER_CUSTOMER], "No date either").await.unwrap();
    stack.settle().await;
    stack.backfill(Kind::Incremental).await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["No date"]);
    assert_eq!(stack.texts_to(OTHER_CUSTOMER), ["No date either"]);
    assert_eq!(stack.thread_texts(OTHER_CUSTOMER), ["No date either"]);
}

#[tokio::test]
async fn history_is_stored_by_a_full_backfill_alone_and_floods_no_inbox() {
    let stack = Stack::start().await;
    lose_webhooks(&stack);
    stack.signalwire.add_number(UNUSED);
    let ago = |days| Utc::now() - TimeDelta::days(days);
    for n in 0..5 {
        stack.signalwire.customer_texts_at(CUSTOMER, SUPPORT, &format!("Old {n}"), ago(10)).await;
    }
    for n in 0..PAGE {
        stack.signalwire.customer_texts_at(CUSTOMER, UNUSED, &format!("Other {n}"), ago(3)).await;
    }
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "New").await;
    let recent = stack.backfill(Kind::Incremental).await;
    assert_eq!(recent.pages, 1, "it does not turn to pages from before its time");
    assert_eq!(stack.rows().await.len(), 1);
    let full = stack.backfill(Kind::Full).await;
    assert_eq!((full.pages, full.inserted), (2, 5));
    assert_eq!(stack.thread_texts(CUSTOMER), ["New"]);
    let rows = stack.rows().await;
    assert_eq!(rows.len(), 6);
    assert!(rows[..5].iter().all(|row| row.parked == Some(Parked::TooOld)));
}

#[tokio::test]
async fn a_backfill_whose_process_died_goes_on_where_it_was() {
    let mut stack = Stack::start().await;
    lose_webhooks(&stack);
    stack.signalwire.add_number(UNUSED);
    for n in 0..PAGE {
        let to = if n < 3 { SUPPORT } else { UNUSED };
        stack.signalwire.customer_texts(CUSTOMER, to, &format!("Text {n}")).await;
    }
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "The newest").await;
    // As a killed process leaves it: begun, one page done, and a job that is handed out again.
    stack.stop_server().await;
    let account = account(&stack).await;
    let messages = stack.signalwire.messages();
    let last_read = &messages[1].sid;
    let project = &stack.signalwire.options().project;
    let next = format!(
        "/api/laml/2010-04-01/Accounts/{project}/Messages?Page=1&PageSize={PAGE}&PageToken=PA{last_read}"
    );
    let id: i64 = sqlx::query_scalar(
        "insert into backfills (account_id, kind, state, requested_by, next_page, pages, seen, started_at)
        values ($1, 'full', 'running', 'test', $2, 1, 500, now()) returning id",
    )
    .bind(account)
    .bind(&next)
    .fetch_one(&stack.pool)
    .await
    .unwrap();
    let mut conn = stack.pool.acquire().await.unwrap();
    let job = queue::Job { kind: read_list::KIND.to_owned(), id };
    // Twice: whoever hands it out again may be mistaken.
    queue::push(&mut conn, Queue::Long, &job).await.unwrap();
    queue::push(&mut conn, Queue::Long, &job).await.unwrap();
    drop(conn);
    stack.start_server().await;
    let done = ended(&stack, id).await;
    stack.settle().await;
    assert_eq!((done.state.as_str(), done.pages, done.seen), ("done", 2, 501));
    let lists = lists(&stack);
    assert_eq!(lists.len(), 1, "the pages that were done are not read again");
    assert!(lists[0].path.contains(last_read));
    assert_eq!(stack.thread_texts(CUSTOMER), ["Text 0"]);
}

#[tokio::test]
async fn a_server_that_is_stopped_while_it_reads_loses_nothing() {
    let mut stack = Stack::start().await;
    lose_webhooks(&stack);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Wait for me").await;
    let hang = Fault::TimeoutBefore(Duration::from_secs(1));
    stack.signalwire.faults().add(Rule::new(hang).on(Operation::ListMessages));
    let account = account(&stack).await;
    let id = read_list::request(stack.engine(), account, None, Kind::Poll, "test").await.unwrap();
    eventually("it reads", || async { (!lists(&stack).is_empty()).then_some(()) }).await;
    stack.stop_server().await;
    stack.start_server().await;
    ended(&stack, id).await;
    stack.backfill(Kind::Poll).await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["Wait for me"]);
}

#[tokio::test]
async fn those_who_ask_while_a_reading_waits_get_that_one() {
    let mut stack = Stack::start().await;
    let engine = stack.engine().clone();
    let account = account(&stack).await;
    stack.stop_server().await;
    let ask = || read_list::request(&engine, account, None, Kind::Full, "test");
    let ids = tokio::join!(ask(), ask(), ask(), ask());
    let ids = [ids.0.unwrap(), ids.1.unwrap(), ids.2.unwrap(), ids.3.unwrap()];
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    stack.start_server().await;
    ended(&stack, ids[0]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(lists(&stack).len(), 1);
}

#[tokio::test]
async fn who_asks_while_a_reading_runs_gets_another_one_after_it() {
    let stack = Stack::start().await;
    let hang = Fault::TimeoutBefore(Duration::from_secs(2));
    stack.signalwire.faults().add(Rule::new(hang).on(Operation::ListMessages));
    let account = account(&stack).await;
    let ask = || read_list::request(stack.engine(), account, None, Kind::Full, "test");
    let first = ask().await.unwrap();
    eventually("it reads", || async { (!lists(&stack).is_empty()).then_some(()) }).await;
    let second = ask().await.unwrap();
    assert_ne!(first, second);
    assert_eq!(ask().await.unwrap(), second);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(lists(&stack).len(), 1, "never two of one kind at once");
    assert_eq!(ended(&stack, first).await.state, "done");
    assert_eq!(ended(&stack, second).await.state, "done");
}

#[tokio::test]
async fn a_reading_that_is_interrupted_goes_on_by_itself() {
    let stack = Stack::start().await;
    lose_webhooks(&stack);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Later then").await;
    stack.signalwire.faults().add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::ListMessages));
    let account = account(&stack).await;
    let id = read_list::request(stack.engine(), account, None, Kind::Incremental, "test").await.unwrap();
    let interrupted = eventually("it fails once", || async {
        backfills::get(&stack.pool, id).await.unwrap().filter(|reading| reading.failures > 0)
    })
    .await;
    assert_eq!((interrupted.state.as_str(), interrupted.failures), ("running", 1));
    assert!(interrupted.error.is_some());
    let polled = "select count(*) from accounts where polled_until is not null";
    assert_eq!(stack.count(polled).await, 0, "nothing counts as read");
    let done = ended(&stack, id).await;
    assert_eq!((done.state.as_str(), done.inserted, done.failures, done.error), ("done", 1, 0, None));
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["Later then"]);
}

#[tokio::test]
async fn a_reading_that_gets_no_further_is_over_some_time() {
    let stack = Stack::start().await;
    stack.signalwire.faults().add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::ListMessages));
    let account = account(&stack).await;
    let id: i64 = sqlx::query_scalar(
        "insert into backfills (account_id, kind, state, requested_by, pages, failures, started_at)
        values ($1, 'full', 'running', 'test', 1, 9, now()) returning id",
    )
    .bind(account)
    .fetch_one(&stack.pool)
    .await
    .unwrap();
    let mut conn = stack.pool.acquire().await.unwrap();
    let job = queue::Job { kind: read_list::KIND.to_owned(), id };
    queue::push(&mut conn, Queue::Long, &job).await.unwrap();
    drop(conn);
    let failed = ended(&stack, id).await;
    assert_eq!(failed.state, "failed");
    assert!(failed.error.is_some());
    assert_eq!(stack.backfill(Kind::Full).await.state, "done");
}

#[tokio::test]
async fn a_reading_that_the_provider_refuses_says_so_at_once_and_the_next_one_works() {
    let stack = Stack::start().await;
    lose_webhooks(&stack);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Later then").await;
    stack.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::ListMessages));
    let failed = stack.backfill(Kind::Incremental).await;
    assert_eq!(failed.state, "failed");
    assert!(failed.error.unwrap().contains("the provider refused"));
    let polled = "select count(*) from accounts where polled_until is not null";
    assert_eq!(stack.count(polled).await, 0, "nothing counts as read");
    sqlx::query("update accounts set paused_until = now()").execute(&stack.pool).await.unwrap();
    assert_eq!(stack.backfill(Kind::Incremental).await.inserted, 1);
    assert_eq!(stack.thread_texts(CUSTOMER), ["Later then"]);
}

#[tokio::test]
async fn an_account_that_rests_is_not_read_until_its_rest_is_over() {
    let stack = Stack::start().await;
    let rest = "update accounts set paused_until = now() + interval '3 seconds', pause_reason = 'throttled', pauses = 1
        where connector = 'signalwire'";
    sqlx::query(rest).execute(&stack.pool).await.unwrap();
    let poll = stack.backfill(Kind::Poll).await;
    assert_eq!((poll.state.as_str(), poll.pages, poll.error), ("done", 0, None));
    assert!(lists(&stack).is_empty());
    assert_eq!(stack.count("select count(*) from accounts where pauses > 0").await, 1, "it still rests");
    sqlx::query(rest).execute(&stack.pool).await.unwrap();
    let account = account(&stack).await;
    let id = read_list::request(stack.engine(), account, None, Kind::Incremental, "test").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(lists(&stack).is_empty());
    assert_eq!(backfills::get(&stack.pool, id).await.unwrap().unwrap().state, "queued");
    assert_eq!(ended(&stack, id).await.state, "done");
}

#[tokio::test]
async fn old_requests_go_and_neither_a_reader_nor_stray_rows_stop_what_comes() {
    let stack = Stack::start().await;
    let days = "select count(*) from pg_inherits where inhparent = 'webhook_log'::regclass";
    // Yesterday, today and two weeks; and the default partition.
    eventually("the first days are made", || async {
        let done = "select count(*) from jobs where kind = 'retain' and state = 'done'";
        (stack.count(days).await == 17 && stack.count(done).await == 1).then_some(())
    })
    .await;
    sqlx::query(
        "do $$ begin for n in 3..14 loop
            execute format('drop table webhook_log_%s', to_char(now() at time zone 'UTC' + n * interval '1 day', 'YYYYMMDD'));
        end loop; end $$",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    for (at, body) in [("40 days", "old"), ("-5 days", "early")] {
        sqlx::query(
            "insert into webhook_log (received_at, connector, hook, method, url, body, status)
            values (now() - $1::interval, 'front', 'channel', 'POST', 'https://example.com', $2, 200)",
        )
        .bind(at)
        .bind(body.as_bytes())
        .execute(&stack.pool)
        .await
        .unwrap();
    }
    let mut reader = tx::begin(&stack.pool).await.unwrap();
    sqlx::query("select count(*) from webhook_log").execute(&mut *reader).await.unwrap();
    let mut tx = tx::begin(&stack.pool).await.unwrap();
    retain::request(&mut tx, stack.engine(), "test").await.unwrap();
    tx.commit().await.unwrap();
    let left = "select count(*) from webhook_log_default";
    eventually("the old request goes", || async { (stack.count(left).await == 1).then_some(()) }).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Not held up").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Not held up"]);
    assert_eq!(stack.count(days).await, 5);
    reader.rollback().await.unwrap();
    // All but the one of which the default partition has a row.
    eventually("the days are made", || async { (stack.count(days).await == 16).then_some(()) }).await;
}
