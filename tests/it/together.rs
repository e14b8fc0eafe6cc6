//! Webhooks that come at the same time are stored together, and no one of them is the worse for another.

use crate::ingest::at_once;
use crate::posts::{empty_script, signalwire_posts, text};
use std::pin::pin;
use std::time::Duration;
use tokio::task::JoinSet;
use twinwire_core::model::Message;
use twinwire_store::pool::{self, Place, Webhooks};
use twinwire_store::tx;
use twinwire_store::unit::Unit;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_somebody_holds_keeps_its_own_webhook_waiting_and_no_other() {
    let stack = Stack::start().await;
    let inbound = stack.hook_url("inbound");
    let mut fields = text(&stack, "SMheld", CUSTOMER, SUPPORT, "Hello");
    fields.push(("FromCity".to_owned(), "Aberdeen".to_owned()));
    empty_script(&signalwire_posts(&stack, &inbound, &fields).await, 200);
    stack.settle().await;
    let mut held = tx::begin(&stack.pool).await.unwrap();
    sqlx::query("select from provider_messages for update").execute(&mut *held).await.unwrap();

    // News of that message, and among many others: they are stored together.
    // Of two payloads without a time the greater one stays.
    fields.pop();
    fields.push(("FromCity".to_owned(), "Zion".to_owned()));
    let request = stack.signalwire.signed_form(&inbound, &fields);
    let (signalwire, began) = (stack.signalwire.clone(), std::time::Instant::now());
    let waiting = tokio::spawn(async move { signalwire.post_raw(&request).await });
    let mut others = JoinSet::new();
    for n in 0..20 {
        let order =
            stack.front.message_request(&stack.channel, None, &[OTHER_CUSTOMER], &format!("{n}")).unwrap();
        let front = stack.front.clone();
        others.spawn(async move { front.post_raw(&order.request).await });
    }
    for answer in others.join_all().await {
        assert_eq!(answer.status, Some(200), "{answer:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(!waiting.is_finished(), "it was not held up");
    held.rollback().await.unwrap();
    empty_script(&waiting.await.unwrap(), 200);
    let told = "select count(*) from provider_messages where data ->> 'FromCity' = 'Zion'";
    assert_eq!(stack.count(told).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_order_many_times_at_once_is_taken_each_time() {
    let stack = Stack::start().await;
    for n in 0..60 {
        let order = stack.front.message_request(&stack.channel, None, &[CUSTOMER], &format!("{n}")).unwrap();
        for answer in at_once(&stack, &order.request, 12).await {
            assert_eq!(answer.status, Some(200), "{n}: {answer:?}");
        }
    }
    assert_eq!(stack.rows().await.len(), 60);
}

/// Its connection; on a busy machine it takes more than one try to make it.
async fn pid(place: &Place<'_>) -> i32 {
    loop {
        match sqlx::query_scalar("select pg_backend_pid()").fetch_one(&**place).await {
            Ok(pid) => return pid,
            Err(sqlx::Error::PoolTimedOut) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn webhooks_one_after_the_other_have_one_connection_and_those_at_the_same_time_have_others() {
    let stack = Stack::start().await;
    let webhooks = Webhooks::beside(&stack.pool);
    let (first, second) = (webhooks.place(true), webhooks.place(true));
    let (at_first, at_second) = (pid(&first).await, pid(&second).await);
    assert_ne!(at_first, at_second);
    drop((first, second));
    // Where the machine is so busy that it does not come back within a moment, there is another one: that is no turn of all.
    let again = async {
        let mut in_a_row = 0;
        while in_a_row < 6 {
            in_a_row = if pid(&webhooks.place(true)).await == at_first { in_a_row + 1 } else { 0 };
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.expect("they are given out in turn");
}

#[tokio::test]
async fn a_connection_that_does_not_come_back_keeps_no_webhook_waiting() {
    let stack = Stack::start().await;
    let webhooks = Webhooks::beside(&stack.pool);
    let (first, second) = (webhooks.place(true), webhooks.place(true));
    pid(&first).await;
    drop(second);
    // As if it never answered the question whether it is well.
    let held = first.acquire().await.unwrap();
    drop(first);
    for alone in [false, true] {
        let place = webhooks.place(alone);
        tokio::time::timeout(Duration::from_secs(10), pid(&place)).await.expect("it waits for the first");
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    drop(held);
}

#[tokio::test]
async fn what_changes_a_row_past_its_unit_is_seen_by_the_unit() {
    let stack = Stack::start().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Before").await.unwrap();
    stack.settle().await;
    let (channel, id) = (stack.channel_key().await, stack.rows().await[0].external_id.clone());
    let mut unit = Unit::new(&stack.pool);
    let row = unit.lock(channel, &id).await.unwrap().unwrap();
    let noted = Message { last_error: Some("Kept".to_owned()), ..row.clone() };
    unit.update(channel, &row, &noted);
    let emptied = sqlx::query("update messages set body = '' where last_error = 'Kept'");
    let done = emptied.execute(unit.past().await.unwrap()).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "what the unit kept was written before");
    let row = unit.lock(channel, &id).await.unwrap().unwrap();
    assert_eq!((row.body.as_str(), row.last_error.as_deref()), ("", Some("Kept")));
}

#[tokio::test]
async fn a_unit_that_presumes_too_much_writes_nothing_and_says_so() {
    let stack = Stack::start().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "There").await.unwrap();
    stack.settle().await;
    let (channel, row) = (stack.channel_key().await, stack.rows().await.remove(0));
    let suggested =
        || stack.count("select count(*) from conversations where helpdesk_thread_id = 'cnv_of_it'");

    let new = Message {
        external_id: "new".to_owned(),
        helpdesk_message_id: None,
        provider_message_id: None,
        ..row.clone()
    };
    let mut unit = Unit::new(&stack.pool).presuming();
    assert!(unit.insert(channel, &new).await.unwrap());
    assert_eq!(
        unit.get(channel, &row.external_id).await.unwrap(),
        None,
        "it is there, and was not looked for"
    );
    unit.suggest_thread(channel, "+12025550199", "cnv_of_it");
    let wrong = unit.commit().await.unwrap_err();
    assert!(wrong.is_conflict(), "{wrong}");
    assert_eq!((stack.rows().await.len(), suggested().await), (1, 0));

    let mut unit = Unit::new(&stack.pool).presuming();
    assert!(unit.insert(channel, &new).await.unwrap());
    unit.suggest_thread(channel, "+12025550199", "cnv_of_it");
    unit.commit().await.unwrap();
    assert_eq!((stack.rows().await.len(), suggested().await), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_given_up_while_it_begins_leaves_nobody_inside_of_it() {
    let stack = Stack::start().await;
    let pool = pool::connect(&stack.database.url, 1).await.unwrap();
    // At each of the moments at which it waits for the database.
    for moments in 1..=20 {
        {
            let mut begun = pin!(tx::begin(&pool));
            for _ in 0..moments {
                if futures_util::poll!(begun.as_mut()).is_ready() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let times = "select now()::text";
        let mut conn = pool.acquire().await.unwrap();
        let first: String = sqlx::query_scalar(times).fetch_one(&mut *conn).await.unwrap();
        let second: String = sqlx::query_scalar(times).fetch_one(&mut *conn).await.unwrap();
        assert_ne!(first, second, "after {moments}: the clock of a transaction stands still");
    }
}
