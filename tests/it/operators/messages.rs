//! Messages are listed page by page, found by how they stand, and counted no further than is worth it.

use super::{both, elsewhere, refused};
use crate::PROGRAM;
use crate::why::{assert_says, number, once};
use serde_json::{Value, json};
use twinwire_sandbox::signalwire::Fate;
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER};

fn numbers(page: &Value) -> Vec<i64> {
    page["messages"].as_array().unwrap().iter().map(|one| one["message"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn pages_of_messages_follow_each_other_without_a_gap_whatever_comes_meanwhile() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "read").await;
    for (customer, text) in
        [(CUSTOMER, "A"), (OTHER_CUSTOMER, "B"), (CUSTOMER, "C"), (CUSTOMER, "D"), (CUSTOMER, "E")]
    {
        twinwire.insist(&twinwire.order(&[customer], text)).await;
    }
    twinwire.settle().await;
    let all = numbers(&twinwire.program.run(&["messages", "list", "--json"]).await.json());
    assert!(all.is_sorted_by(|one, next| one > next) && all.len() == 5, "{all:?}");
    let (mut seen, mut next) = (Vec::new(), None::<String>);
    loop {
        let mut command = vec!["messages", "list", "--limit", "2", "--json"];
        command.extend(next.iter().flat_map(|cursor| ["--before", cursor]));
        let page = both(&twinwire, &there, &command).await.json();
        let found = numbers(&page);
        assert!((1..=2).contains(&found.len()), "{page}");
        seen.extend(found);
        twinwire.insist(&twinwire.order(&[CUSTOMER], &format!("Meanwhile {}", seen.len()))).await;
        match page["next"].as_str() {
            Some(cursor) => next = Some(cursor.to_owned()),
            None => break,
        }
    }
    assert_eq!(seen, all);
    let page = there.run(&["messages", "list", "--limit", "2"]).await;
    assert!(page.stderr.contains("--before ") && page.stdout.lines().count() == 3, "{page:?}");
    // A conversation by the customer's number, and by the helpdesk's id.
    twinwire.settle().await;
    let thread: String = sqlx::query_scalar(
        "select helpdesk_thread_id from conversations where external_conversation_id = $1",
    )
    .bind(OTHER_CUSTOMER)
    .fetch_one(&twinwire.pool)
    .await
    .unwrap();
    for id in [OTHER_CUSTOMER, &thread] {
        let found =
            both(&twinwire, &there, &["messages", "list", "--conversation", id, "--json"]).await.json();
        assert_eq!(found["messages"][0]["conversation"], OTHER_CUSTOMER, "{id}");
        assert_eq!(numbers(&found).len(), 1, "{id}");
    }
}

#[tokio::test]
async fn messages_are_found_by_how_they_stand() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "read").await;
    let parked = refused(&twinwire).await;
    let later =
        Fate::FailLater { code: 30003, message: "Unreachable".to_owned(), status: "failed".to_owned() };
    twinwire.signalwire.script(OTHER_CUSTOMER, later);
    twinwire.insist(&twinwire.order(&[OTHER_CUSTOMER], "Fails later")).await;
    once(&twinwire, "provider_status = 'failed' and helpdesk_status = 'failed'").await;
    twinwire.settle().await;
    let failed = number(&twinwire, OTHER_CUSTOMER).await;
    twinwire.insist(&twinwire.order(&["+12025550149"], "Goes out")).await;
    twinwire.settle().await;
    twinwire.program.run(&["channels", "pause", twinwire.channel(), "--json"]).await.json();
    twinwire.insist(&twinwire.order(&["+12025550150"], "Waits")).await;
    let pending = number(&twinwire, "+12025550150").await;
    for (filter, number, words) in [
        ("--parked", &parked, "parked: refused"),
        ("--failed", &failed, "failed: failed, error 30003"),
        ("--pending", &pending, "pending"),
    ] {
        let found = both(&twinwire, &there, &["messages", "list", filter, "--json"]).await.json();
        assert_eq!(numbers(&found), [number.parse::<i64>().unwrap()], "{filter}");
        assert_says(&both(&twinwire, &there, &["messages", "list", filter]).await.stdout, &[number, words]);
    }
    let none = both(&twinwire, &there, &["messages", "list", "--failed", "--conversation", CUSTOMER]).await;
    assert_eq!(none.code, Some(0));
    assert_says(&none.stdout, &["not delivered in this conversation", "twinwire messages list"]);
}

#[tokio::test]
async fn of_years_of_old_history_it_is_said_that_there_is_much_and_not_counted_how_much() {
    let twinwire = Installation::connected(PROGRAM).await;
    sqlx::raw_sql(
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
            body, data, occurred_at, parked)
        select c.id, 'old' || n, 'provider', 'inbound', '+1', '+1', '+2', '', '{}', now(),
            case when n > 3 then 'too_old' else 'refused' end
        from channels c, generate_series(1, 1503) n",
    )
    .execute(&twinwire.pool)
    .await
    .unwrap();
    let channel = &twinwire.program.run(&["channels", "--json"]).await.json()[0];
    assert_eq!((&channel["parked"], &channel["too_old"]), (&json!(3), &json!(1001)));
    let shown = twinwire.program.run(&["channels", "show", twinwire.channel()]).await;
    assert_says(&shown.stdout, &["3, and more than 1000 that were too old"]);
    sqlx::query("update messages set parked = 'refused'").execute(&twinwire.pool).await.unwrap();
    assert_says(&twinwire.program.run(&["channels"]).await.stdout, &[">1000", "active"]);
}
