//! A person who is erased is gone, stays gone, and is not texted again if they did not want to be.

use crate::PROGRAM;
use crate::posts::{front_posts, message};
use sqlx::{Connection, Executor, PgConnection};
use std::time::Duration;
use twinwire_core::model::Parked;
use twinwire_engine::jobs::erase::{self, Refused};
use twinwire_engine::person;
use twinwire_sandbox::{Fault, MediaFile, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_store::jobs::{self, Listed};
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, eventually, never_within};

/// Everywhere in the database where a text stands: in which tables it does.
async fn tables_with(stack: &Stack, text: &str) -> Vec<String> {
    let tables: Vec<String> =
        sqlx::query_scalar("select format('%I.%I', schemaname, relname) from pg_stat_user_tables order by 1")
            .fetch_all(&stack.pool)
            .await
            .unwrap();
    let mut found = Vec::new();
    for table in tables {
        // A bytea is shown in hex: its text is looked for as that, too.
        let sql = format!(
            "select count(*) from {table} t where position('{text}' in t::text) > 0
                or position('{}' in t::text) > 0",
            hex(text)
        );
        if stack.count(&sql).await > 0 {
            found.push(table);
        }
    }
    found
}

fn hex(text: &str) -> String {
    text.bytes()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| char::from_digit(half.into(), 16))
        .collect()
}

async fn erase(stack: &Stack, address: &str) -> Listed {
    let id = erase::request(stack.engine(), address, false, "test").await.unwrap();
    ended(stack, id).await
}

async fn ended(stack: &Stack, id: i64) -> Listed {
    let done = eventually("the job ends", || async {
        jobs::listed(&stack.pool, id).await.unwrap().filter(|job| jobs::is_over(&job.state))
    })
    .await;
    assert_eq!(done.state, "done", "{done:?}");
    done
}

/// The last digits of a customer's number, as they stand in every spelling.
fn digits(customer: &str) -> &str {
    &customer[2..]
}

/// A conversation both ways, with a picture and a text to another one as well.
async fn talk(stack: &Stack) {
    let cat = MediaFile::new("my-face.png", "image/png", crate::media::noise(20, 20));
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "My secret", vec![cat]).await;
    stack.settle().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER, OTHER_CUSTOMER], "Our secret").await.unwrap();
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "Not theirs").await;
    stack.settle().await;
    eventually("all import notices came", || async {
        (stack.count("select count(*) from webhook_log where event = 'message_imported'").await == 2)
            .then_some(())
    })
    .await;
    eventually("all is delivered", || async {
        let sql =
            "select count(*) from provider_messages where direction = 'outbound' and status = 'delivered'";
        (stack.count(sql).await == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn somebody_who_is_erased_is_nowhere_in_the_database_and_in_no_file() {
    let stack = Stack::start().await;
    // Events for other programs name their message, and an agent's message is named by its recipient.
    sqlx::query(
        "insert into endpoints (public_id, url, sealed_secret, state)
        values ('ep_waits', 'https://example.com', '', 'paused')",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    talk(&stack).await;
    // What retention has yet to do names its messages as well.
    for sql in [
        "insert into retention_left select 'attempts', channel_id, external_id from messages",
        "insert into media_let_go select channel_id, external_id, 'gone/' || seq from messages",
    ] {
        sqlx::query(sql).execute(&stack.pool).await.unwrap();
    }
    let tables = tables_with(&stack, digits(CUSTOMER)).await;
    for table in ["public.deliveries", "public.retention_left", "public.media_let_go"] {
        assert!(tables.contains(&table.to_owned()), "{table}: {tables:?}");
    }
    let found = erase::found(stack.engine(), CUSTOMER).await.unwrap();
    assert_eq!((found.messages, found.pending, found.files), (2, 0, 1), "{found:?}");
    assert!(!tables_with(&stack, digits(CUSTOMER)).await.is_empty(), "looking changes nothing");
    let done = erase(&stack, "+1 202 555 0147").await;
    assert_eq!((&done.counts["messages"], &done.counts["files"]), (&2.into(), &1.into()), "{done:?}");
    for text in [digits(CUSTOMER), "My secret", "my-face"] {
        assert_eq!(tables_with(&stack, text).await, Vec::<String>::new(), "{text}");
    }
    let folder = stack.setting.media.path();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    let rows = stack.rows().await;
    assert_eq!(rows.len(), 4, "counts stay");
    let token = person::token(stack.engine().key(), CUSTOMER);
    let theirs: Vec<_> = rows.iter().filter(|row| row.conversation == token).collect();
    assert_eq!(theirs.len(), 2);
    assert!(theirs.iter().all(|row| row.provider_message_id.is_some() && row.helpdesk_message_id.is_some()));
    let others = rows.iter().filter(|row| row.conversation == OTHER_CUSTOMER);
    assert_eq!(others.filter(|row| !row.body.is_empty()).count(), 2, "nobody else loses a text");
}

#[tokio::test]
async fn neither_a_full_backfill_nor_a_repeated_webhook_brings_them_back_and_nothing_is_sent_again() {
    let stack = Stack::start().await;
    talk(&stack).await;
    // A message that is known to the provider alone, and is found only now.
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Never seen").await;
    let sent = stack.texts_to(CUSTOMER).len();
    let order = message("msg_again", &[CUSTOMER], "Once");
    assert_eq!(front_posts(&stack, &order).await.status, Some(200));
    stack.settle().await;
    erase(&stack, CUSTOMER).await;
    assert_eq!(front_posts(&stack, &order).await.status, Some(200));
    stack.settle().await;
    for kind in [Kind::Full, Kind::Incremental] {
        stack.backfill(kind).await;
    }
    let messages = "select count(*) from messages where external_conversation_id = '+12025550147'";
    assert_eq!(stack.count(messages).await, 0);
    // What they repeat is logged as received, until they are erased again or its time is over.
    let tables = tables_with(&stack, digits(CUSTOMER)).await;
    assert!(tables.iter().all(|table| table.starts_with("public.webhook_log")), "{tables:?}");
    assert_eq!(tables_with(&stack, "Never seen").await, Vec::<String>::new());
    assert_eq!(stack.rows().await.len(), 5);
    assert_eq!(stack.texts_to(CUSTOMER).len(), sent + 1);
    let again = erase(&stack, CUSTOMER).await;
    assert_eq!(again.counts["messages"].as_u64().unwrap_or(0), 0, "a second time finds nobody: {again:?}");
}

#[tokio::test]
async fn a_stop_holds_after_its_person_was_erased_and_a_start_ends_it() {
    let stack = Stack::start().await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "STOP").await;
    stack.settle().await;
    erase(&stack, CUSTOMER).await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "One more thing").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.row("body = 'One more thing'").await.unwrap().parked, Some(Parked::OptedOut));
    assert!(stack.texts_to(CUSTOMER).is_empty());
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "START").await;
    stack.settle().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Welcome back").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Welcome back"]);
}

#[tokio::test]
async fn somebody_with_a_message_on_its_way_is_not_erased_unless_that_is_said() {
    let stack = Stack::start().await;
    stack
        .front
        .faults()
        .add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::SyncInbound).times(10_000));
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "On its way").await;
    let refused = erase::request(stack.engine(), CUSTOMER, false, "test").await.unwrap_err();
    assert!(matches!(refused, Refused::Pending(1)), "{refused}");
    assert_eq!(stack.count("select count(*) from erasures").await, 0);
    let id = erase::request(stack.engine(), CUSTOMER, true, "test").await.unwrap();
    ended(&stack, id).await;
    stack.front.faults().clear();
    stack.settle().await;
    assert!(stack.thread(CUSTOMER).is_empty(), "it is not delivered any more");
    assert_eq!(tables_with(&stack, digits(CUSTOMER)).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_address_is_refused_in_words() {
    let stack = Stack::start().await;
    for wrong in ["", "Bob", "0147", "+", "555-0147"] {
        let refused = erase::found(stack.engine(), wrong).await;
        // Four digits may be a short code.
        if wrong != "0147" {
            assert!(refused.unwrap_err().to_string().contains("country code"), "{wrong}");
        }
    }
}

#[tokio::test]
async fn somebody_who_writes_again_is_there_again_from_then_on() {
    let stack = Stack::start().await;
    talk(&stack).await;
    erase(&stack, CUSTOMER).await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Me again").await;
    stack.settle().await;
    assert!(stack.thread_texts(CUSTOMER).contains(&"Me again".to_owned()));
    eventually("the import notice came", || async {
        (stack.count("select count(*) from webhook_log where event = 'message_imported'").await == 3)
            .then_some(())
    })
    .await;
    stack.backfill(Kind::Full).await;
    assert_eq!(stack.rows().await.len(), 5);
    assert_eq!(erase(&stack, CUSTOMER).await.counts["messages"], 1);
    assert_eq!(tables_with(&stack, digits(CUSTOMER)).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_erasure_whose_server_is_killed_comes_to_its_end_after_the_restart() {
    let mut twinwire = Installation::connected(PROGRAM).await;
    for text in ["One", "Two", "Three"] {
        twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, text).await;
    }
    twinwire.settle().await;
    twinwire.stop().await;
    twinwire.start_to_die_at("erase_after_message:2").await;
    let asked = twinwire.program.run(&["erase", CUSTOMER, "--yes", "--json"]).await.json();
    assert_eq!(asked["messages"], 3, "{asked}");
    twinwire.take_server().dies().await;
    assert_eq!(
        twinwire.count("select count(*) from messages where body <> ''").await,
        1,
        "it died in between"
    );
    twinwire.start().await;
    let done = format!("select count(*) from jobs where id = {} and state = 'done'", asked["job"]);
    eventually("the erasure ends", || async { (twinwire.count(&done).await == 1).then_some(()) }).await;
    assert_eq!(twinwire.count("select count(*) from messages where body <> ''").await, 0);
    let found = twinwire.program.run(&["erase", CUSTOMER, "--json"]).await.json();
    assert_eq!((&found["messages"], &found["webhooks"]), (&0.into(), &0.into()), "{found}");
}

#[tokio::test]
async fn the_command_only_says_what_would_go_until_it_is_told_to_do_it() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello").await;
    twinwire.settle().await;
    let dry = twinwire.program.run(&["erase", CUSTOMER]).await;
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert!(dry.stdout.contains("would go") && dry.stdout.contains("--yes"), "{dry:?}");
    assert_eq!(twinwire.count("select count(*) from messages where body = 'Hello'").await, 1);
    let wrong = twinwire.program.run(&["erase", "Bob"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    let done = twinwire.program.run(&["erase", CUSTOMER, "--yes", "--wait"]).await;
    assert!(done.stdout.starts_with("Erased: ") && done.stdout.contains("1 messages"), "{done:?}");
    for arguments in
        [&["jobs"][..], &["jobs", "list", "--all"], &["webhooks", "list"], &["jobs", "show", "1"]]
    {
        let ran = twinwire.program.run(arguments).await;
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{ran:?}");
        assert!(!ran.stdout.contains("2025550147"), "{ran:?}");
    }
    let jobs = twinwire.program.run(&["jobs", "--json"]).await.json();
    let erase = jobs["jobs"].as_array().unwrap().iter().find(|job| job["kind"] == "erase").unwrap();
    assert_eq!((&erase["state"], &erase["requested_by"]), (&"done".into(), &"command".into()));
    let over = twinwire.program.run(&["jobs", "cancel", &erase["job"].to_string()]).await;
    assert_eq!(over.code, Some(1), "{over:?}");
    let erased = twinwire.program.run(&["webhooks", "list", "--json"]).await.json();
    let erased =
        erased["webhooks"].as_array().unwrap().iter().find(|webhook| webhook["erased"] == true).unwrap();
    let raw =
        twinwire.program.run(&["webhooks", "show", &erased["webhook"].to_string(), "--raw", "--json"]).await;
    assert_eq!(raw.json()["body"], "");
    let again =
        twinwire.program.run(&["webhooks", "replay", "--from", "1h", "--wait", "--json"]).await.json();
    assert_eq!((&again["state"], &again["counts"]["changed"]), (&"done".into(), &0.into()), "{again}");
}

#[tokio::test]
async fn what_was_being_taken_in_when_somebody_was_erased_goes_as_well() {
    let stack = Stack::start().await;
    // A page of the provider's list is being folded: it has looked who is erased, and has written nothing yet.
    let mut page = PgConnection::connect(&stack.database.url).await.unwrap();
    page.execute("begin").await.unwrap();
    page.execute("select person from erasures where person = any('{x}')").await.unwrap();
    let id = erase::request(stack.engine(), CUSTOMER, false, "test").await.unwrap();
    let done = "select count(*) from jobs where state = 'done' and kind = 'erase'";
    never_within(Duration::from_secs(2), "the job passes what is on its way", || async {
        stack.count(done).await > 0
    })
    .await;
    page.execute(
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
            body, data, occurred_at, helpdesk_message_id, provider_message_id)
        select id, 'late', 'provider', 'inbound', '+12025550147', '+12025550147', address, 'From before', '{}',
            now() - interval '1 day', 'h1', 'p1' from channels",
    )
    .await
    .unwrap();
    page.execute("commit").await.unwrap();
    ended(&stack, id).await;
    for text in [digits(CUSTOMER), "From before"] {
        assert_eq!(tables_with(&stack, text).await, Vec::<String>::new(), "{text}");
    }
}

#[tokio::test]
async fn an_erasure_that_is_cancelled_before_it_begins_has_never_been() {
    let stack = Stack::start().await;
    // Another erasure goes on, so that this one waits.
    let mut guard = PgConnection::connect(&stack.database.url).await.unwrap();
    let hold = "select pg_advisory_lock(hashtextextended('job erase', 0))";
    guard.execute(hold).await.unwrap();
    let known = "select count(*) from erasures";
    let id = erase::request(stack.engine(), CUSTOMER, false, "test").await.unwrap();
    assert_eq!(stack.count(known).await, 2, "as a number, and on WhatsApp");
    let cancelled = twinwire_engine::jobs::cancel(stack.engine(), id, "ann").await.unwrap();
    assert_eq!(cancelled.as_deref(), Some("cancelled"));
    assert_eq!(stack.count(known).await, 0, "what is from before is taken in as ever");
    guard.execute("select pg_advisory_unlock_all()").await.unwrap();
    // One that was done before counts again.
    erase(&stack, CUSTOMER).await;
    let first = "select (extract(epoch from max(erased_at)) * 1000000)::bigint from erasures where times = 1";
    let at = stack.count(first).await;
    guard.execute(hold).await.unwrap();
    let id = erase::request(stack.engine(), CUSTOMER, false, "test").await.unwrap();
    assert_eq!(stack.count("select count(*) from erasures where times = 2").await, 2);
    twinwire_engine::jobs::cancel(stack.engine(), id, "ann").await.unwrap();
    assert_eq!(stack.count(first).await, at);
}
