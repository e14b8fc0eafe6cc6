//! The database goes away and comes back.

use crate::posts::{empty_script, front_error, front_posts, message, signalwire_posts, text};
use sqlx::{Connection, Executor, PgConnection};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, eventually};

/// What vendors wait at most.
const VENDORS_WAIT: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_database_nothing_is_acknowledged_and_with_it_everything_goes_on() {
    let stack = Stack::with_own_database().await;
    assert_eq!(front_posts(&stack, &message("msg_1", &[CUSTOMER], "Before")).await.status, Some(200));
    stack.settle().await;
    // The channel is known for a moment, so that only the storing meets the outage.
    front_posts(&stack, &message("msg_1", &[CUSTOMER], "Before")).await;
    stack.database.kill();
    let order = message("msg_2", &[CUSTOMER], "Meanwhile");
    let fields = text(&stack, "sid-1", OTHER_CUSTOMER, SUPPORT, "Hello?");
    let inbound = stack.hook_url("inbound");
    let began = Instant::now();
    let (answer, script, healthz, statusz) = tokio::join!(
        front_posts(&stack, &order),
        signalwire_posts(&stack, &inbound, &fields),
        stack.get("/healthz"),
        stack.get("/statusz"),
    );
    assert!(began.elapsed() < VENDORS_WAIT, "after {:?}", began.elapsed());
    let words = front_error(&answer, 503);
    assert!(words.contains("try again"), "{words}");
    empty_script(&script, 503);
    assert_eq!(healthz.0, 200);
    assert_eq!((statusz.0, &statusz.1["database"]), (503, &"unreachable".into()));
    stack.database.restart().await;
    eventually("the status is well", || async { (stack.get("/statusz").await.0 == 200).then_some(()) }).await;
    assert_eq!(stack.rows().await.len(), 1, "what was not acknowledged is not there");
    assert_eq!(front_posts(&stack, &order).await.status, Some(200));
    empty_script(&signalwire_posts(&stack, &inbound, &fields).await, 200);
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Before", "Meanwhile"]);
    assert_eq!(stack.thread_texts(OTHER_CUSTOMER), ["Hello?"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_when_the_database_died_is_there_afterwards_and_sent_once() {
    // More than that at once and the number would send them slowly.
    const MESSAGES: usize = 40;
    // All of them together would be stored together.
    const AT_ONCE: usize = 12;
    let stack = Stack::with_own_database().await;
    let (mut posts, open) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    for n in 0..MESSAGES {
        let (post, open) = (post(&stack, n), open.clone());
        posts.spawn(async move {
            let _open = open.acquire().await.unwrap();
            (n, post.await)
        });
    }
    let (mut acknowledged, mut killed) = (Vec::new(), false);
    while let Some(posted) = posts.join_next().await {
        let (n, status) = posted.unwrap();
        match status {
            Some(200) => acknowledged.push(n),
            Some(503) => {}
            other => panic!("message {n} was answered {other:?}"),
        }
        if acknowledged.len() == MESSAGES / 10 && !std::mem::replace(&mut killed, true) {
            stack.database.kill();
        }
    }
    assert!(acknowledged.len() < MESSAGES, "the database died too late to tell anything");
    stack.database.restart().await;
    eventually("the status is well", || async { (stack.get("/statusz").await.0 == 200).then_some(()) }).await;
    stack.settle().await;
    let rows = stack.rows().await;
    for n in &acknowledged {
        let id = format!("msg_{n}-{}", customer(*n));
        assert!(rows.iter().any(|row| row.external_id == id), "message {n} is lost");
        assert_eq!(stack.texts_to(&customer(*n)), [format!("Message {n}")]);
    }
    assert!(stack.signalwire.duplicates().is_empty());
    // Agents try again what was not acknowledged.
    for n in 0..MESSAGES {
        assert_eq!(post(&stack, n).await, Some(200));
    }
    stack.settle().await;
    assert_eq!(stack.rows().await.len(), MESSAGES);
    assert_eq!(stack.signalwire.messages().len(), MESSAGES);
    assert!(stack.signalwire.duplicates().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_still_waits_for_a_lock_when_its_answer_says_no_is_not_stored_afterwards() {
    let stack = Stack::start().await;
    let mut holds = PgConnection::connect(&stack.database.url).await.unwrap();
    let lock = "begin; lock table webhook_log in share mode";
    // Held for a while only, and for so many that most of the server's connections have met it: a statement that a connection
    // has prepared before is sent whole, and the database would commit it by itself; a new one waits while it is read.
    holds.execute(lock).await.unwrap();
    let posts = tokio::spawn((0..12).map(|n| post(&stack, n)).collect::<JoinSet<_>>().join_all());
    eventually("most wait", || async { (waiting(&stack).await >= 8 || posts.is_finished()).then_some(()) })
        .await;
    holds.execute("rollback").await.unwrap();
    posts.await.unwrap();
    for n in 0..12 {
        // On a slow machine it may have come too late.
        assert_eq!(post(&stack, n).await, Some(200));
    }
    stack.settle().await;
    stack.signalwire.quiet().await;
    stack.settle().await;

    holds.execute(lock).await.unwrap();
    let late: JoinSet<_> = (12..20).map(|n| post(&stack, n)).collect();
    assert_eq!(late.join_all().await, [Some(503); 8]);
    holds.execute("rollback").await.unwrap();
    eventually("nobody waits", || async { (waiting(&stack).await == 0).then_some(()) }).await;
    stack.settle().await;
    assert_eq!(stack.rows().await.len(), 12);
    // The agent tries again.
    assert_eq!(post(&stack, 12).await, Some(200));
    stack.settle().await;
    assert_eq!(
        (stack.rows().await.len(), stack.texts_to(&customer(12))),
        (13, vec!["Message 12".to_owned()])
    );
}

/// Posts the `n`th message to the `n`th customer.
fn post(stack: &Stack, n: usize) -> impl Future<Output = Option<u16>> + Send + use<> {
    let order = message(&format!("msg_{n}"), &[&customer(n)], &format!("Message {n}")).to_string();
    let (request, front) = (crate::posts::signed(stack, "POST", &order), stack.front.clone());
    async move { front.post_raw(&request).await.status }
}

/// How many wait for what somebody holds.
async fn waiting(stack: &Stack) -> i64 {
    stack
        .count(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
                and query like 'with there%'",
        )
        .await
}

fn customer(n: usize) -> String {
    format!("+1202555{:04}", 1000 + n)
}
