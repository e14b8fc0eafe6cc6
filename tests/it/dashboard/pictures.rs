//! The pictures of the docs. They are made anew by:
//!
//! `TWINWIRE_PICTURES=docs/images cargo test -p twinwire-tests --test it dashboard::pictures -- --ignored`

use super::browser::sign_in;
use super::*;
use std::path::PathBuf;
use twinwire_engine::setup;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::browser::Browser;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, answers};

/// A shop's morning, with all that a morning can bring.
async fn morning(stack: &Stack) {
    for (phone, state) in [("+12015550199", "paused"), ("+12015550142", "new")] {
        stack.signalwire.add_number(phone);
        let made = setup::install(stack.engine(), "front_signalwire", &answers(phone)).await.unwrap();
        sqlx::query("update channels set state = $2 where public_id = $1")
            .bind(&made.channel.id)
            .bind(state)
            .execute(&stack.pool)
            .await
            .unwrap();
    }
    for (inbound, text) in [
        (true, "Hi, my order 4471 came with only one of the two lamps"),
        (false, "Oh no! I am sorry. Let me look at what left the warehouse."),
        (false, "The second lamp was packed apart and is with the carrier: it comes tomorrow before noon."),
        (true, "Great, thank you! Can you leave it with the neighbour?"),
    ] {
        if inbound {
            stack.signalwire.customer_texts(CUSTOMER, SUPPORT, text).await;
        } else {
            stack.front.agent_writes(&stack.channel, &[CUSTOMER], text).await.unwrap();
        }
        stack.settle().await;
        // The provider's clock shows seconds.
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    }
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "STOP").await;
    stack.settle().await;
    let landline =
        Fault::Refuse { status: 400, code: 21614, message: "'To' is not a mobile number".to_owned() };
    stack.signalwire.faults().add(Rule::new(landline).on(Operation::SendMessage).times(1));
    stack
        .front
        .agent_writes(&stack.channel, &[CUSTOMER], "Of course, I have told the carrier.")
        .await
        .unwrap();
    stack.settle().await;
    stack.backfill(twinwire_store::backfills::Kind::Full).await;
    // The hours before, as the job would have counted them.
    sqlx::query(
        "insert into message_hours (hour, after_seq, upto_seq, inbound, outbound, failed, p50_ms, p95_ms, counted_at)
        select date_trunc('hour', now()) - i * interval '1 hour', 0, 0, n, n * 5 / 4,
            case when i in (7, 15) then 2 else 0 end,
            case when n > 2 then 410 + (i * 37) % 190 end, case when n > 2 then 1250 + (i * 331) % 1900 end, now()
        from (
            select i, greatest(0, round(38 * exp(-power((i - 9) / 4.5, 2)) + 22 * exp(-power((i - 2) / 2.5, 2)) - 1))::bigint
                as n
            from generate_series(1, 23) i
        ) hours
        on conflict (hour) do update set inbound = excluded.inbound, outbound = excluded.outbound,
            failed = excluded.failed, p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
}

#[tokio::test]
#[ignore = "makes the pictures of the docs"]
async fn the_pictures_of_the_docs() {
    let folder = PathBuf::from(std::env::var_os("TWINWIRE_PICTURES").unwrap());
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let browser = Browser::start().await.unwrap();
    let stack = Stack::start().await;
    morning(&stack).await;
    sign_in(&browser, &stack, &token(&stack, "operate").await).await;
    let parked = stack.count("select max(seq) from messages where parked is not null").await;
    let channel = &stack.installed.channel.id;
    let talk = format!("/conversations/{channel}/%2B{}?text=yes", &CUSTOMER[1..]);
    for (name, path, width, height, dark) in [
        ("dashboard", "/".to_owned(), 1280, 900, false),
        ("dashboard-dark", "/".to_owned(), 1280, 900, true),
        ("dashboard-narrow", "/".to_owned(), 400, 1500, false),
        ("conversation", talk.clone(), 1280, 840, false),
        ("conversation-narrow", talk, 400, 1400, true),
        ("why", format!("/messages/{parked}"), 1280, 1000, false),
        ("why-narrow", format!("/messages/{parked}"), 400, 1500, false),
        ("messages", "/messages".to_owned(), 1280, 700, false),
        ("messages-narrow", "/messages".to_owned(), 400, 1200, true),
        ("channel", format!("/channels/{channel}"), 1280, 900, false),
        ("jobs", "/jobs".to_owned(), 1280, 500, true),
        ("webhooks", "/webhooks".to_owned(), 1280, 900, false),
        ("opt-outs", "/opt-outs".to_owned(), 1280, 420, false),
    ] {
        browser.look(width, height, dark).await;
        browser.open(&format!("{}{path}", stack.url())).await;
        browser.until("document.getElementById('live-state').textContent === 'Live.'").await;
        browser.picture(&root.join(&folder).join(format!("{name}.png"))).await;
    }
    sqlx::query("delete from dashboard_sessions").execute(&stack.pool).await.unwrap();
    browser.look(1280, 620, false).await;
    browser.open(&format!("{}/", stack.url())).await;
    browser.picture(&root.join(&folder).join("sign-in.png")).await;
}
