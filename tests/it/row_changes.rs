//! Changes of rows as Postgres notifications, for those who LISTEN.

use crate::PROGRAM;
use serde_json::Value;
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio::time::timeout;
use twinwire_store::events;
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, Stack};

async fn listen(stack: &Stack) -> PgListener {
    let mut listener = PgListener::connect_with(&stack.pool).await.unwrap();
    listener.listen("twinwire_rows").await.unwrap();
    listener
}

/// What is heard until nothing comes for a while.
async fn heard(listener: &mut PgListener) -> Vec<Value> {
    let mut heard = Vec::new();
    while let Ok(told) = timeout(Duration::from_secs(2), listener.recv()).await {
        heard.push(serde_json::from_str(told.unwrap().payload()).unwrap());
    }
    heard
}

#[tokio::test]
async fn listeners_hear_each_transition_by_ids_alone_once_it_is_switched_on() {
    let stack = Stack::start().await;
    let mut listener = listen(&stack).await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    stack.settle().await;
    assert!(heard(&mut listener).await.is_empty(), "it is off unless it is asked for");
    events::set_notify(&mut stack.pool.acquire().await.unwrap(), true).await.unwrap();
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Again").await.unwrap();
    stack.settle().await;
    let heard = heard(&mut listener).await;
    let what: Vec<&str> = heard.iter().map(|told| told["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["created", "sent", "delivered"]);
    let number = stack.count("select seq from messages where body = 'Again'").await;
    for told in &heard {
        assert_eq!((&told["table"], &told["message"]), (&"messages".into(), &number.into()));
        assert_eq!(told["channel"], Value::from(stack.installed.channel.id.clone()));
        assert!(told["row_updated_at"].is_string());
        let told = told.to_string();
        assert!(!told.contains(&CUSTOMER[2..]) && !told.contains("Again"), "{told}");
    }
}

#[tokio::test]
async fn the_setting_of_the_server_switches_it() {
    let mut twinwire = Installation::new(PROGRAM).await;
    let on = "select count(*) from installation where name = 'notify_rows' and value = 'yes'";
    let program = twinwire.program.clone();
    for (setting, expected) in [(None, 0), (Some("yes"), 1), (Some("no"), 0)] {
        twinwire.program =
            setting.map_or(program.clone(), |value| program.clone().with("TWINWIRE_NOTIFY", value));
        twinwire.start().await;
        assert_eq!(twinwire.count(on).await, expected, "{setting:?}");
        twinwire.stop().await;
    }
    let wrong = program.with("TWINWIRE_NOTIFY", "perhaps").run(&["channels"]).await;
    assert_eq!((wrong.code, wrong.stderr.contains("notify")), (Some(2), true), "{wrong:?}");
}
