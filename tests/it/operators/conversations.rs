//! A conversation as both sides have it, and who does not want to be texted.

use super::{both, elsewhere, refused};
use crate::PROGRAM;
use crate::why::{assert_fails, assert_says, once};
use serde_json::{Value, json};
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT};

fn numbers(page: &Value) -> Vec<i64> {
    page["messages"].as_array().unwrap().iter().map(|one| one["message"].as_i64().unwrap()).collect()
}

async fn thread(twinwire: &Installation, customer: &str) -> String {
    sqlx::query_scalar("select helpdesk_thread_id from conversations where external_conversation_id = $1")
        .bind(customer)
        .fetch_one(&twinwire.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_conversation_is_shown_as_both_sides_have_it_and_its_texts_only_where_they_are_asked_for() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "read").await;
    twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, "Where is my parcel?").await;
    twinwire.settle().await;
    twinwire.insist(&twinwire.order(&[CUSTOMER, OTHER_CUSTOMER], "On its way")).await;
    once(&twinwire, "provider_status = 'delivered'").await;
    twinwire.settle().await;
    let parked: i64 = refused(&twinwire).await.parse().unwrap();
    let channel = twinwire.channel();
    let show = ["conversations", "show", channel, CUSTOMER];
    let found = both(&twinwire, &there, &[&show[..], &["--json"]].concat()).await.json();
    assert_eq!((&found["channel"], &found["conversation"]), (&json!(channel), &json!(CUSTOMER)));
    assert_eq!((&found["opted_out_since"], &found["next"]), (&Value::Null, &Value::Null));
    let [last, answer, first] = &found["messages"].as_array().unwrap()[..] else { panic!("{found}") };
    for (one, direction, origin, state) in [
        (first, "inbound", "provider", "done"),
        (answer, "outbound", "helpdesk", "done"),
        (last, "outbound", "helpdesk", "parked"),
    ] {
        assert_eq!(
            (&one["direction"], &one["origin"], &one["state"], &one["body"]),
            (&json!(direction), &json!(origin), &json!(state), &Value::Null),
            "{one}"
        );
        assert!(one["helpdesk"]["id"].is_string() && one["helpdesk"]["at"].is_string(), "{one}");
    }
    assert!(first["helpdesk"]["at"].as_str() > first["occurred_at"].as_str(), "{first}");
    assert_eq!(answer["provider"]["status"], "delivered");
    assert!(answer["provider"]["id"].is_string() && answer["provider"]["at"].is_string(), "{answer}");
    assert_eq!((&last["message"], &last["parked"]), (&json!(parked), &json!("refused")));
    assert_eq!((&last["provider"]["id"], &last["provider"]["at"]), (&Value::Null, &Value::Null), "{last}");
    assert_eq!(last["helpdesk"]["status"], "failed");

    let shown = both(&twinwire, &there, &show).await;
    assert_says(
        &shown.stdout,
        &["Conversation with …47", "out", "failed", "parked: refused", "delivered", "in"],
    );
    assert!(!shown.stdout.contains("parcel") && !shown.stdout.contains(CUSTOMER), "{shown:?}");
    let with_texts = [&show[..], &["--body", "--full"]].concat();
    let refused = there.run(&with_texts).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("scope operate"), "{refused:?}");
    let there = elsewhere(&twinwire, "operate").await;
    let shown = both(&twinwire, &there, &with_texts).await.stdout;
    assert_says(&shown, &[CUSTOMER, "Refused", "On its way", "Where is my parcel?"]);
    let found = both(&twinwire, &there, &[&show[..], &["--body", "--json"]].concat()).await.json();
    assert_eq!(found["messages"][2]["body"], "Where is my parcel?");

    // By the helpdesk's id of it as well; and page by page, whatever comes meanwhile.
    let all = numbers(&found);
    let id = thread(&twinwire, CUSTOMER).await;
    let (mut seen, mut next) = (Vec::new(), None::<String>);
    loop {
        let mut command = vec!["conversations", "show", channel, &id, "--limit", "1", "--json"];
        command.extend(next.iter().flat_map(|cursor| ["--before", cursor]));
        let page = both(&twinwire, &there, &command).await.json();
        assert_eq!((&page["helpdesk_conversation_id"], numbers(&page).len()), (&json!(id), 1), "{page}");
        seen.extend(numbers(&page));
        twinwire.insist(&twinwire.order(&[CUSTOMER], &format!("Meanwhile {}", seen.len()))).await;
        let Some(cursor) = page["next"].as_str() else { break };
        next = Some(cursor.to_owned());
    }
    assert_eq!(seen, all);
    for (command, words) in [
        (["conversations", "show", channel, "+12025550199"], "There is no conversation +12025550199"),
        (["conversations", "show", "chn_nobody", CUSTOMER], "There is no channel chn_nobody"),
    ] {
        assert_fails(&both(&twinwire, &there, &command).await, 1, &[words, "twinwire"]);
    }
    let wrong = both(&twinwire, &there, &[&show[..], &["--before", "bTEuMQ"]].concat()).await;
    assert_fails(&wrong, 2, &["`before` is not what an earlier page"]);
}

#[tokio::test]
async fn messages_that_were_written_at_once_are_told_apart_by_their_numbers() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "read").await;
    for text in ["A", "B", "C"] {
        twinwire.insist(&twinwire.order(&[CUSTOMER], text)).await;
    }
    twinwire.settle().await;
    sqlx::query("update messages set occurred_at = '2026-01-01 10:00:00.123456Z'")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    let (mut seen, mut next) = (Vec::new(), None::<String>);
    loop {
        let mut command =
            vec!["conversations", "show", twinwire.channel(), CUSTOMER, "--limit", "1", "--json"];
        command.extend(next.iter().flat_map(|cursor| ["--before", cursor]));
        let page = both(&twinwire, &there, &command).await.json();
        seen.extend(numbers(&page));
        let Some(cursor) = page["next"].as_str() else { break };
        next = Some(cursor.to_owned());
    }
    assert!(seen.len() == 3 && seen.is_sorted_by(|one, next| one > next), "{seen:?}");
}

#[tokio::test]
async fn who_has_opted_out_is_listed_until_they_want_to_be_texted_again() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "read").await;
    let third = "+12025550149";
    let channel = twinwire.channel();
    let none = both(&twinwire, &there, &["opt-outs"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), "Nobody has opted out.\n"));
    for (customer, texts) in [
        (CUSTOMER, &["STOP", "stop"][..]),
        (OTHER_CUSTOMER, &["STOP", "START"]),
        (third, &["START", "STOP", "HELP"]),
    ] {
        for text in texts {
            twinwire.signalwire.customer_texts(customer, SUPPORT, text).await;
            twinwire.settle().await;
        }
    }
    let found = both(&twinwire, &there, &["opt-outs", "list", "--json"]).await.json();
    let listed: Vec<_> = found["opt_outs"].as_array().unwrap().iter().collect();
    let [last, first] = listed[..] else { panic!("{found}") };
    assert_eq!((&last["address"], &first["address"]), (&json!(third), &json!(CUSTOMER)));
    for one in [last, first] {
        assert_eq!((&one["channel"], &one["source"]), (&json!(channel), &json!("customer")), "{one}");
    }
    // Since the first time that they said so.
    let since: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select min(at) from consents where external_conversation_id = $1")
            .bind(CUSTOMER)
            .fetch_one(&twinwire.pool)
            .await
            .unwrap();
    let told = |value: &Value| value.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(told(&first["since"]), since);
    let shown = both(&twinwire, &there, &["conversations", "show", channel, CUSTOMER, "--json"]).await.json();
    assert_eq!(told(&shown["opted_out_since"]), since);
    let shown =
        both(&twinwire, &there, &["conversations", "show", channel, OTHER_CUSTOMER, "--json"]).await.json();
    assert_eq!(shown["opted_out_since"], Value::Null);

    let page = both(&twinwire, &there, &["opt-outs", "list", "--limit", "1", "--channel", channel, "--json"])
        .await
        .json();
    assert_eq!(page["opt_outs"][0]["address"], third);
    let next = page["next"].as_str().unwrap();
    let page = both(&twinwire, &there, &["opt-outs", "list", "--limit", "1", "--before", next, "--json"])
        .await
        .json();
    assert_eq!((&page["opt_outs"][0]["address"], &page["next"]), (&json!(CUSTOMER), &Value::Null));
    let shown = both(&twinwire, &there, &["opt-outs"]).await.stdout;
    assert_says(&shown, &["…49", channel, "the customer", "…47"]);
    assert!(!shown.contains(CUSTOMER) && shown.lines().count() == 3, "{shown}");
    assert_says(&both(&twinwire, &there, &["opt-outs", "--full"]).await.stdout, &[third, CUSTOMER]);
    // Who was erased goes on to have opted out, and nobody can tell who it is.
    let erased = twinwire.program.run(&["erase", CUSTOMER, "--yes", "--wait"]).await;
    assert_eq!(erased.code, Some(0), "{erased:?}");
    let found = both(&twinwire, &there, &["opt-outs", "--json"]).await;
    assert!(found.stdout.contains("erased-") && !found.stdout.contains(CUSTOMER), "{found:?}");
    assert_fails(
        &both(&twinwire, &there, &["opt-outs", "list", "--channel", "chn_nobody"]).await,
        1,
        &["no channel"],
    );
    let provider = "insert into consents (channel_id, external_conversation_id, at, word, source, text)
        select id, '+12025550150', now(), 'stop', 'provider', '' from channels";
    sqlx::query(provider).execute(&twinwire.pool).await.unwrap();
    let found = both(&twinwire, &there, &["opt-outs", "--json"]).await.json();
    assert_eq!(found["opt_outs"][0]["source"], "provider", "{found}");
}
