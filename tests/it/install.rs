//! Setting a channel up, once and again.

use crate::posts::{empty_script, front_error, signalwire_posts, text};
use twinwire_core::setting::Settings;
use twinwire_engine::setup::{self, Installed, SetupError};
use twinwire_sandbox::front::ConnectError;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, answers};

const PAIR: &str = "front_signalwire";
const SECOND: &str = "+12015550199";

async fn install(stack: &Stack, answers: &Settings) -> Result<Installed, SetupError> {
    setup::install(stack.engine(), PAIR, answers).await
}

/// Answers with some of them changed; an empty one is left out.
fn with(phone: &str, changes: &[(&str, &str)]) -> Settings {
    let usual = answers(phone);
    let kept = usual.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes.iter().copied().filter(|(_, value)| !value.is_empty())).collect()
}

async fn everything(stack: &Stack) -> Vec<String> {
    let mut all = Vec::new();
    for table in ["accounts", "channels", "installation"] {
        let sql = format!("select t::text from {table} t order by 1");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&stack.pool).await.unwrap();
        all.extend(rows);
    }
    all
}

#[tokio::test]
async fn w17_setting_the_same_number_up_again_renews_credentials_and_keeps_the_connection() {
    let stack = Stack::start().await;
    // The provider takes no credentials for a while, so the account rests.
    stack.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Waits for credentials").await.unwrap();
    twinwire_tests::eventually("the account rests", || async {
        let resting = stack.count("select count(*) from accounts where paused_until is not null").await;
        (resting == 1).then_some(())
    })
    .await;
    let again = install(&stack, &answers("+1 (201) 555-0123")).await.unwrap();
    assert!(again.existed);
    assert_eq!(again.api_key, stack.installed.api_key);
    assert_eq!(again.channel.id, stack.installed.channel.id);
    assert_eq!(again.channel.helpdesk_channel_id.as_deref(), Some(stack.channel.as_str()));
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Waits for credentials"]);
    assert_eq!(stack.count("select count(*) from accounts where paused_until is not null").await, 0);
    assert_eq!(stack.count("select count(*) from channels").await, 1);
    assert_eq!(stack.count("select count(*) from accounts").await, 2);
}

#[tokio::test]
async fn a_second_set_up_without_the_signing_key_does_not_take_the_webhooks_away() {
    let stack = Stack::start().await;
    stack.signalwire.add_number(SECOND);
    install(&stack, &with(SECOND, &[("signing_key", "")])).await.unwrap();
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Still heard").await;
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["Still heard"]);
    assert!(stack.signalwire.complaints().is_empty());
}

#[tokio::test]
async fn refused_credentials_store_nothing_and_change_nothing() {
    let stack = Stack::start().await;
    let before = everything(&stack).await;
    for (changes, said) in [
        (&[("token", "PTwrong")][..], "SignalWire refused"),
        (&[("project", "00000000-3b44-4f7a-8e21-9a5b7c6d0e13")], "SignalWire refused"),
    ] {
        for phone in [SUPPORT, SECOND] {
            let error = install(&stack, &with(phone, changes)).await.unwrap_err();
            assert!(matches!(error, SetupError::Refused(..)), "{error:?}");
            assert!(error.to_string().contains(said), "{error}");
            assert!(!error.to_string().contains("PTwrong"), "{error}");
        }
    }
    stack.signalwire.faults().add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::ListMessages));
    assert!(install(&stack, &answers(SECOND)).await.is_err());
    assert_eq!(everything(&stack).await, before);
    // The old credentials still work.
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Goes on").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Goes on"]);
}

#[tokio::test]
async fn an_answer_that_is_missing_misspelt_or_senseless_is_named() {
    let stack = Stack::start().await;
    let before = everything(&stack).await;
    for name in ["phone", "space", "project", "token"] {
        let error = install(&stack, &with(SECOND, &[(name, "")])).await.unwrap_err();
        assert!(matches!(error, SetupError::Missing(missing, _) if missing == name), "{error:?}");
        assert!(error.to_string().contains(&format!("`{name}` is missing")), "{error}");
    }
    for (name, value, said) in [
        ("signing_kye", "PSK_x", "`signing_kye` is not a setting"),
        ("api_url", "http://127.0.0.1:1", "`api_url` is not a setting"),
        ("app_secret", "x", "`app_secret` is not a setting"),
        ("phone", "2015550199", "`phone`"),
        ("phone", "+1201", "`phone`"),
        ("space", "not a space", "`space`"),
        ("project", "../../x", "`project`"),
        ("token", "PSK_is_a_signing_key", "`token`"),
        ("signing_key", "PTisatoken", "`signing_key`"),
    ] {
        let error = install(&stack, &with(SECOND, &[(name, value)])).await.unwrap_err().to_string();
        assert!(error.contains(said), "{name}={value}: {error}");
        assert!(name != "token" || !error.contains(value), "{error}");
    }
    let error = setup::install(stack.engine(), "front_twilight", &answers(SECOND)).await.unwrap_err();
    assert!(error.to_string().contains(PAIR), "{error}");
    assert_eq!(everything(&stack).await, before);
}

#[tokio::test]
async fn two_numbers_of_one_account_keep_their_messages_apart() {
    let stack = Stack::start().await;
    let second = install(&stack, &answers(SECOND)).await.unwrap();
    assert!(!second.existed);
    assert_ne!(second.api_key, stack.installed.api_key);
    let inbound = second.channel.provider_url(&stack.url(), "signalwire", "inbound");
    stack.signalwire.set_webhook(SECOND, &inbound);
    let other = stack.front.connect(&second.api_key).await.unwrap().id;
    assert_eq!(stack.count("select count(*) from accounts where connector = 'signalwire'").await, 1);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "From the first").await.unwrap();
    stack.front.agent_writes(&other, &[CUSTOMER], "From the second").await.unwrap();
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "To the first").await;
    stack.signalwire.customer_texts(CUSTOMER, SECOND, "To the second").await;
    // Found only by the list.
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SECOND, "Lost at first").await;
    // By a mistake of the operator, the first channel's hook is told of the second's text.
    let astray = text(&stack, "sid-astray", OTHER_CUSTOMER, SECOND, "Not yours");
    empty_script(&signalwire_posts(&stack, &stack.hook_url("inbound"), &astray).await, 200);
    stack.backfill(twinwire_store::backfills::Kind::Full).await;
    let sent: Vec<(String, String)> =
        stack.signalwire.outbound_to(CUSTOMER).into_iter().map(|sms| (sms.from, sms.body)).collect();
    assert!(sent.contains(&(SUPPORT.to_owned(), "From the first".to_owned())), "{sent:?}");
    assert!(sent.contains(&(SECOND.to_owned(), "From the second".to_owned())), "{sent:?}");
    assert_eq!(sent.len(), 2);
    let texts = |channel: &str| {
        let mut texts: Vec<String> =
            stack.front.all_messages(channel).into_iter().map(|message| message.text).collect();
        texts.sort_unstable();
        texts
    };
    assert_eq!(texts(&stack.channel), ["From the first", "To the first"]);
    assert!(texts(&other).starts_with(&["From the second".to_owned(), "Lost at first".to_owned()]));
    assert!(texts(&other).contains(&"To the second".to_owned()));
}

#[tokio::test]
async fn a_removed_channel_whose_number_has_a_new_channel_cannot_come_back() {
    let stack = Stack::start().await;
    stack.front.delete_channel(&stack.channel).await.unwrap();
    let second = install(&stack, &answers(SUPPORT)).await.unwrap();
    assert!(!second.existed, "a removed channel is not used again");
    stack.front.connect(&second.api_key).await.unwrap();
    let Err(ConnectError::Refused { answer }) = stack.front.connect(&stack.installed.api_key).await else {
        panic!("the old key still connects");
    };
    assert!(front_error(&answer, 400).contains("newer"));
    assert_eq!(stack.count("select count(*) from channels where state = 'active'").await, 1);
}

#[tokio::test]
async fn no_secret_stands_in_the_database_in_plain() {
    let stack = Stack::start().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hi").await;
    stack.settle().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&stack.pool)
    .await
    .unwrap();
    assert!(tables.len() > 9, "{tables:?}");
    let options = stack.signalwire.options();
    let secrets =
        [&options.token, &options.signing_key, &stack.installed.api_key, &stack.front.options().app_secret];
    let mut seen = 0;
    for table in tables {
        let sql = format!("select t::text from {table} t");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&stack.pool).await.unwrap();
        seen += rows.len();
        for secret in secrets {
            let hex = secret.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            let shown = rows.iter().any(|row| row.contains(secret.as_str()) || row.contains(&hex));
            assert!(!shown, "{table} shows a secret");
        }
    }
    assert!(seen > 10, "{seen} rows");
}
