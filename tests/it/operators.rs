//! Every verb of an operator, on the machine itself and from elsewhere: the same words, the same values, the same exits.

mod conversations;
mod elsewhere;
mod messages;

use crate::PROGRAM;
use crate::why::{assert_fails, assert_says, number, once, refuse};
use serde_json::json;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::installation::Installation;
use twinwire_tests::process::{Program, Ran};
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, eventually};

/// The program as somebody elsewhere has it: an address and a token, and nothing of the machine.
pub(crate) async fn elsewhere(twinwire: &Installation, scope: &str) -> Program {
    let made = twinwire.program.run(&["tokens", "create", scope, "--scope", scope]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let address = twinwire.server.as_ref().unwrap().address;
    Program::new(PROGRAM, twinwire.folder.path())
        .with("TWINWIRE_URL", format!("http://{address}"))
        .with("TWINWIRE_TOKEN", made.stdout.trim())
}

/// Runs a command on the machine and elsewhere. Both say the same, and print it in 80 columns and without colours.
pub(crate) async fn both(twinwire: &Installation, there: &Program, command: &[&str]) -> Ran {
    let (here, there) = (twinwire.program.run(command).await, there.run(command).await);
    assert_eq!(
        (here.code, &here.stdout, &here.stderr),
        (there.code, &there.stdout, &there.stderr),
        "{command:?}"
    );
    // Webhooks are printed as they were received.
    if !command.contains(&"--json") && !command.contains(&"--raw") {
        let wide: Vec<_> = here.stdout.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{command:?}: {wide:#?}");
    }
    assert!(!here.stdout.contains('\u{1b}') && !here.stderr.contains('\u{1b}'), "{here:?}");
    here
}

/// A message that SignalWire has refused.
pub(crate) async fn refused(twinwire: &Installation) -> String {
    twinwire.signalwire.script(CUSTOMER, refuse());
    twinwire.insist(&twinwire.order(&[CUSTOMER], "Refused")).await;
    once(twinwire, "parked = 'refused' and helpdesk_status = 'failed' and in_flight is null").await;
    number(twinwire, CUSTOMER).await
}

#[tokio::test]
async fn what_is_asked_here_and_elsewhere_is_answered_alike() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "admin").await;
    let number = refused(&twinwire).await;
    twinwire.insist(&twinwire.order(&[OTHER_CUSTOMER], "Hello")).await;
    once(&twinwire, "provider_status = 'delivered'").await;
    twinwire.settle().await;
    let account: String = sqlx::query_scalar("select public_id from accounts where connector = 'signalwire'")
        .fetch_one(&twinwire.pool)
        .await
        .unwrap();
    let channel = twinwire.channel();
    for (command, words) in [
        (&["channels"][..], &[channel, "front_signalwire", SUPPORT, "1 active"][..]),
        (&["channels", "list"], &[channel]),
        (&["accounts"], &["channels state", "signalwire 1 works"]),
        (&["accounts", "list"], &[&account]),
        (&["accounts", "show", &account], &["at signalwire", "0 in a row", channel, "enforce"]),
        (&["messages"], &["customer", "out …48", "delivered", &number, "parked: refused, (21614)"]),
        (&["messages", "list", "--full", "--parked"], &[CUSTOMER, "parked"]),
        (&["messages", "show", &number], &["from …23 to …47", "put aside as refused", "twinwire retry"]),
        (&["messages", "show", &number, "--full"], &[CUSTOMER]),
        (&["why", &number], &["What happened", "tried to send it", "What happens next"]),
        (&["why", &number, "--body", "--raw", "--full"], &["Refused", "Webhook"]),
    ] {
        let ran = both(&twinwire, &there, command).await;
        assert_eq!(ran.code, Some(0), "{command:?}: {ran:?}");
        assert_says(&ran.stdout, words);
        if command[0] != "why" {
            let ran = both(&twinwire, &there, &[command, &["--json"]].concat()).await;
            assert!(!ran.json().is_null(), "{ran:?}");
        }
    }
    for program in [&twinwire.program, &there] {
        let shown = program.run(&["channels", "show", channel]).await.stdout;
        assert_says(
            &shown,
            &["state active", "front works", "shows that it works", "signalwire works", "/inbound"],
        );
        let shown = program.run(&["channels", "show", channel, "--json"]).await.json();
        assert_eq!(shown["provider"]["account"], json!(account));
        assert_says(&program.run(&["tokens"]).await.stdout, &["admin", "in use"]);
    }
    let listed = both(&twinwire, &there, &["messages", "list", "--json"]).await;
    assert!(!listed.stdout.contains("Hello") && listed.stdout.contains(CUSTOMER), "{listed:?}");
}

#[tokio::test]
async fn what_is_not_there_is_said_with_the_next_command_and_what_was_asked_wrongly_exits_with_2() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "admin").await;
    for (command, words) in [
        (
            &["channels", "show", "chn_nobody"][..],
            &["There is no channel chn_nobody", "`twinwire channels`"][..],
        ),
        (&["channels", "pause", "../tokens"], &["There is no channel ../tokens"]),
        (&["channels", "delete", "chn_nobody", "--yes"], &["There is no channel"]),
        (&["accounts", "resume", "acc_nobody"], &["There is no account", "`twinwire accounts`"]),
        (&["messages", "show", "msg_nobody"], &["no message is named msg_nobody", "twinwire sql"]),
        (&["messages", "list", "--channel", "chn_nobody"], &["There is no channel"]),
        (&["why", "a/b?c#d"], &["no message is named a/b?c#d"]),
        (&["retry", "4711"], &["no message is named 4711"]),
        (&["tokens", "revoke", "nobody"], &["No token named nobody", "`twinwire tokens`"]),
    ] {
        let ran = both(&twinwire, &there, command).await;
        assert_fails(&ran, 1, words);
        assert_eq!(ran.stdout, "", "{ran:?}");
    }
    for wrong in [
        &["channels", "show"][..],
        &["channels", "show", ""],
        &["channels", "show", ".."],
        &["channels", "fly"],
        &["channels", "delete", twinwire.channel()],
        &["messages", "--parked"],
        &["messages", "list", "--limit", "0"],
        &["messages", "list", "--limit", "501"],
        &["messages", "list", "--before", "nonsense"],
        &["messages", "list", "--parked", "--failed"],
        &["tokens", "create", "x"],
        &["tokens", "create", "x", "--scope", "all"],
        &["tokens", "create", "a b", "--scope", "read"],
    ] {
        let ran = both(&twinwire, &there, wrong).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{wrong:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{wrong:?}: {ran:?}");
    }
    assert_eq!(twinwire.count("select count(*) from channels where state = 'active'").await, 1);
}

#[tokio::test]
async fn a_paused_channel_takes_everything_and_delivers_nothing_until_it_is_resumed() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "operate").await;
    let channel = twinwire.channel();
    let paused = there.run(&["channels", "pause", channel]).await;
    assert_eq!(paused.code, Some(0), "{paused:?}");
    assert_says(&paused.stdout, &["is paused", &format!("twinwire channels resume {channel}")]);
    let again = twinwire.program.run(&["channels", "pause", channel, "--json"]).await.json();
    assert_eq!((&again["changed"], &again["state"]), (&json!(false), &json!("paused")));
    for text in ["One", "Two"] {
        twinwire.insist(&twinwire.order(&[CUSTOMER], text)).await;
    }
    twinwire.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "Are you there?").await;
    let waiting = "select count(*) from messages where wake_at is not null";
    eventually("all of it is stored", || async { (twinwire.count(waiting).await == 3).then_some(()) }).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(twinwire.texts_to(CUSTOMER).is_empty() && twinwire.texts_from(OTHER_CUSTOMER).is_empty());
    let first = twinwire.count("select min(seq) from messages").await.to_string();
    assert_says(&there.run(&["why", &first]).await.stdout, &["It waits for its channel: it is paused"]);
    let shown = both(&twinwire, &there, &["channels"]).await.stdout;
    assert_says(&shown, &["3 0 paused"]);
    let resumed = there.run(&["channels", "resume", channel]).await;
    assert_says(&resumed.stdout, &["goes on", "3 messages"]);
    twinwire.settle().await;
    assert_eq!(twinwire.texts_to(CUSTOMER), ["One", "Two"]);
    assert_eq!(
        twinwire.count("select count(*) from messages where helpdesk_message_id is not null").await,
        3
    );
    assert_says(&both(&twinwire, &there, &["channels", "resume", channel]).await.stdout, &["was not paused"]);
}

#[tokio::test]
async fn a_pause_outlasts_its_users_and_a_channel_that_nobody_has_connected_is_new_again_after_it() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.start().await;
    twinwire.installed = twinwire.setup().await.json();
    let switch = async |verb: &str, state: &str| {
        let ran = twinwire.program.run(&["channels", verb, twinwire.channel(), "--json"]).await.json();
        assert_eq!((&ran["state"], &ran["changed"]), (&json!(state), &json!(true)));
    };
    switch("pause", "paused").await;
    switch("resume", "new").await;
    switch("pause", "paused").await;
    twinwire.front.connect(twinwire.installed["api_key"].as_str().unwrap()).await.unwrap();
    assert_eq!(twinwire.count("select count(*) from channels where state = 'paused'").await, 1);
    switch("resume", "active").await;
}

#[tokio::test]
async fn a_channel_is_removed_only_when_somebody_has_said_so_and_its_history_stays() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "admin").await;
    twinwire.insist(&twinwire.order(&[CUSTOMER], "Hello")).await;
    twinwire.settle().await;
    let channel = twinwire.channel();
    let unasked = both(&twinwire, &there, &["channels", "delete", channel]).await;
    assert_fails(&unasked, 2, &["Remove channel", "--yes"]);
    assert_eq!(twinwire.count("select count(*) from channels where state = 'active'").await, 1);
    let removed = there.run(&["channels", "delete", channel, "--yes"]).await;
    assert_says(&removed.stdout, &["is removed", "history stays"]);
    assert_eq!(twinwire.count("select count(*) from channels where state = 'deleted'").await, 1);
    let sent = twinwire.front.post(&twinwire.order(&[CUSTOMER], "Too late")).await.unwrap();
    assert!(!sent.answer.is_success(), "{sent:?}");
    assert_eq!(twinwire.count("select count(*) from messages").await, 1);
    let listed = both(&twinwire, &there, &["messages", "list", "--channel", channel, "--json"]).await.json();
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1);
    for verb in ["pause", "resume"] {
        assert_fails(
            &both(&twinwire, &there, &["channels", verb, channel]).await,
            1,
            &["was removed", "setup"],
        );
    }
    let again = both(&twinwire, &there, &["channels", "delete", channel, "--yes", "--json"]).await.json();
    assert_eq!(again["changed"], json!(false));
}

#[tokio::test]
async fn an_account_rests_no_longer_once_an_operator_says_so() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "operate").await;
    let wrong = Rule::new(Fault::Unauthorized).on(Operation::SendMessage).times(1000);
    twinwire.signalwire.faults().add(wrong);
    twinwire.insist(&twinwire.order(&[CUSTOMER], "Waits")).await;
    let rests = "select count(*) from accounts where paused_until > now()";
    eventually("the account rests", || async { (twinwire.count(rests).await == 1).then_some(()) }).await;
    sqlx::query(
        "update accounts set paused_until = now() + interval '1 hour' where paused_until is not null",
    )
    .execute(&twinwire.pool)
    .await
    .unwrap();
    let listed = both(&twinwire, &there, &["accounts", "--json"]).await.json();
    let resting = listed.as_array().unwrap().iter().find(|one| !one["rests_until"].is_null()).unwrap();
    let account = resting["account"].as_str().unwrap();
    assert_eq!(resting["reason"], "credentials refused");
    let shown = both(&twinwire, &there, &["accounts", "show", account]).await.stdout;
    assert_says(
        &shown,
        &["rests until", "credentials refused", &format!("twinwire accounts resume {account}")],
    );
    twinwire.signalwire.faults().clear();
    let resumed = there.run(&["accounts", "resume", account]).await;
    assert_says(&resumed.stdout, &["does not rest any more (credentials refused)"]);
    twinwire.settle().await;
    assert_eq!(twinwire.texts_to(CUSTOMER), ["Waits"]);
    assert_says(&both(&twinwire, &there, &["accounts", "resume", account]).await.stdout, &["did not rest"]);
}

#[tokio::test]
async fn retries_settles_and_backfills_are_asked_for_from_elsewhere_and_waited_for() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "operate").await;
    let number = refused(&twinwire).await;
    let again = there.run(&["retry", &number, "--wait"]).await;
    assert_fails(&again, 1, &["it was not delivered", "21614"]);
    once(&twinwire, "parked = 'refused' and helpdesk_status = 'failed' and in_flight is null").await;
    twinwire.signalwire.script(CUSTOMER, Fate::Deliver);
    let done = there.run(&["retry", &number, "--wait"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_says(&done.stdout, &["is to be tried", "The agent was told", "in step"]);
    assert_eq!(twinwire.texts_to(CUSTOMER), ["Refused"]);
    assert_fails(&both(&twinwire, &there, &["retry", &number]).await, 1, &["nothing to retry"]);
    assert_fails(
        &both(&twinwire, &there, &["settle", &number, "--not-arrived"]).await,
        1,
        &["only an uncertain message can be settled"],
    );
    twinwire.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    twinwire.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "Lost").await;
    let brought = there.run(&["backfill", twinwire.channel(), "--wait", "--json"]).await.json();
    assert_eq!((&brought["inserted"], &brought["synced"]), (&json!(1), &json!(1)), "{brought}");
    assert_eq!(twinwire.texts_from(OTHER_CUSTOMER), ["Lost"]);
    // Who asked stands with it.
    let by = "select count(*) from backfills where requested_by = 'token operate'";
    assert_eq!(twinwire.count(by).await, 1);
}

#[tokio::test]
async fn a_command_that_could_not_see_it_through_changes_nothing() {
    let mut twinwire = Installation::connected(PROGRAM).await;
    let number = refused(&twinwire).await;
    twinwire.stop().await;
    let blind = twinwire.program.clone().without("TWINWIRE_FRONT_APP_SECRET");
    let table = "select count(*) from attempts";
    let before = twinwire.count(table).await;
    for command in [
        &["retry", &number, "--wait"][..],
        &["settle", &number, "--not-arrived", "--retry", "--wait"],
        &["backfill", twinwire.channel(), "--wait"],
    ] {
        assert_fails(&blind.run(command).await, 2, &["TWINWIRE_FRONT_APP_SECRET"]);
    }
    once(&twinwire, "parked = 'refused'").await;
    assert_eq!(
        (twinwire.count(table).await, twinwire.count("select count(*) from backfills").await),
        (before, 0)
    );
}

#[tokio::test]
async fn what_strangers_wrote_moves_no_terminal_and_stays_what_it_is_for_programs() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.insist(&twinwire.order(&[CUSTOMER], "Hello")).await;
    once(&twinwire, "provider_status = 'delivered'").await;
    let number = number(&twinwire, CUSTOMER).await;
    // It would set the title of the window, and draw a line of its own.
    let strange = "message\u{1b}]0;owned\u{7}\u{9b}2J\nChannel";
    for table in
        ["update webhook_log set event = $1", "update messages set last_error = $1, parked = 'refused'"]
    {
        sqlx::query(table).bind(strange).execute(&twinwire.pool).await.unwrap();
    }
    let list = twinwire.program.run(&["webhooks", "list", "--json"]).await;
    assert_eq!(list.json()["webhooks"][0]["event"], strange);
    assert!(!list.stdout.contains(|c: char| c.is_control() && c != '\n'), "{list:?}");
    let webhook = list.json()["webhooks"][0]["webhook"].to_string();
    for command in [
        &["webhooks", "list"][..],
        &["webhooks", "show", &webhook],
        &["why", &number],
        &["messages", "show", &number],
        &["messages", "list", "--parked"],
        &["channels", "pause", "chn_\u{1b}]0;owned\u{7}"],
    ] {
        let ran = twinwire.program.run(command).await;
        let said = ran.stdout.clone() + &ran.stderr;
        assert!(said.contains("u{1b}"), "{command:?}: {ran:?}");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{command:?}: {ran:?}");
        assert!(!said.lines().any(|line| line.starts_with("Channel")), "{command:?}: {ran:?}");
    }
}
