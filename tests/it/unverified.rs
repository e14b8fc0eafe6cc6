//! Webhooks that are not signed as they should be: refused, unless an operator lets an account take them for a while.

use crate::PROGRAM;
use crate::posts::{front_error, message, refused, signed, stored, text};
use serde_json::json;
use twinwire_core::setting::Settings;
use twinwire_engine::setup::{self, SetupError};
use twinwire_engine::verification;
use twinwire_sandbox::{Answer, SignedRequest};
use twinwire_tests::installation::Installation;
use twinwire_tests::on_twilio::{self, NUMBER, OnTwilio};
use twinwire_tests::{CUSTOMER, SUPPORT, Stack, answers, eventually};

const PAIR: &str = "front_signalwire";

/// Sets what becomes of an account's webhooks as an operator does: by the set-up of its channel.
async fn set(stack: &Stack, pair: &str, answers: &Settings, setting: &str, value: &str) {
    let mut answers = answers.clone();
    answers.set(setting, value);
    let connector = setting.split('.').next().unwrap();
    let installed = setup::install(stack.engine(), pair, &answers).await.unwrap();
    assert!(installed.existed);
    assert_eq!(installed.log_only.contains(&connector), value == "log_only");
}

/// How often webhooks were taken without being verified, by reason: as counted, and as marked in the log.
async fn taken(stack: &Stack, connector: &str, reason: &str) -> i64 {
    verification::flush(stack.engine()).await;
    let counted: Option<i64> = sqlx::query_scalar(
        "select sum(u.count)::bigint from webhook_unverified u join accounts a on a.id = u.account_id
        where a.connector = $1 and u.reason = $2",
    )
    .bind(connector)
    .bind(reason)
    .fetch_one(&stack.pool)
    .await
    .unwrap();
    let marked: i64 =
        sqlx::query_scalar("select count(*) from webhook_log where connector = $1 and unverified = $2")
            .bind(connector)
            .bind(reason)
            .fetch_one(&stack.pool)
            .await
            .unwrap();
    assert_eq!(counted.unwrap_or(0), marked, "{connector}: {reason}");
    marked
}

fn without_headers(request: &SignedRequest) -> SignedRequest {
    SignedRequest { headers: Vec::new(), ..request.clone() }
}

fn assert_refused(answer: &Answer, about: &str) {
    assert_eq!(answer.status, Some(401), "{about}: {answer:?}");
}

#[tokio::test]
async fn a_customers_text_that_is_wrongly_signed_is_taken_only_while_the_account_is_log_only() {
    let stack = Stack::start().await;
    let name = "X-SignalWire-Signature";
    let url = stack.hook_url("inbound");
    let good = |n: u8| {
        let fields = text(&stack, &format!("sid-{n}"), CUSTOMER, SUPPORT, &format!("Text {n}"));
        stack.signalwire.signed_form(&url, &fields)
    };
    let wrong = |n| good(n).with_header(name, "QUFBQUFBQUFBQUFBQUFBQUFBQUE=");
    let before = stored(&stack).await;
    assert_refused(&stack.signalwire.post_raw(&wrong(1)).await, "by default");
    assert_eq!(stored(&stack).await, before);
    set(&stack, PAIR, &answers(SUPPORT), "signalwire.verification", "log_only").await;
    for request in [good(0), wrong(1), good(2).without_header(name)] {
        let answer = stack.signalwire.post_raw(&request).await;
        assert!(answer.is_success(), "{answer:?}");
    }
    stack.settle().await;
    let mut texts = stack.thread_texts(CUSTOMER);
    texts.sort_unstable();
    assert_eq!(texts, ["Text 0", "Text 1", "Text 2"]);
    for reason in ["invalid signature", "missing signature"] {
        assert_eq!(taken(&stack, "signalwire", reason).await, 1, "{reason}");
    }
    assert_eq!(
        stack.count("select count(*) from webhook_log where unverified is null and hook = 'inbound'").await,
        1
    );
    // What makes no sense is no more taken than before, nor counted as taken.
    assert_eq!(stack.signalwire.post_raw(&wrong(3).with_body("a=b")).await.status, Some(400));
    assert_eq!(taken(&stack, "signalwire", "invalid signature").await, 1);
    // A second number of the account that is set up in between changes nothing of it.
    stack.signalwire.add_number("+12015550199");
    let other = setup::install(stack.engine(), PAIR, &answers("+12015550199")).await.unwrap();
    assert_eq!(other.log_only, ["signalwire"]);
    set(&stack, PAIR, &answers(SUPPORT), "signalwire.verification", "enforce").await;
    let before = stored(&stack).await;
    assert_refused(&stack.signalwire.post_raw(&wrong(4)).await, "enforced again");
    assert_eq!(stored(&stack).await, before);
    assert_eq!(refused(&stack, "signalwire", "invalid signature", 2).await, 2);
    assert!(stack.signalwire.post_raw(&good(5)).await.is_success());
}

#[tokio::test]
async fn a_webhook_about_another_account_is_refused_however_it_is_signed() {
    let stack = Stack::start().await;
    set(&stack, PAIR, &answers(SUPPORT), "signalwire.verification", "log_only").await;
    let before = stored(&stack).await;
    let mut fields = text(&stack, "sid-1", CUSTOMER, SUPPORT, "Of somebody else");
    let other = "2f0f6c1e-0000-4d0b-9c7e-0c1d5b1f7a10";
    fields.iter_mut().filter(|(name, _)| name == "AccountSid").for_each(|(_, id)| other.clone_into(id));
    for hook in ["inbound", "status"] {
        let request = stack.signalwire.signed_form(&stack.hook_url(hook), &fields);
        assert_refused(&stack.signalwire.post_raw(&request).await, "rightly signed");
        let wrong = request.clone().with_header("X-SignalWire-Signature", "QUFBQUFBQUFBQUFBQUFBQUFBQUE=");
        assert_refused(&stack.signalwire.post_raw(&wrong).await, "wrongly signed");
        let unsigned = request.without_header("X-SignalWire-Signature");
        assert_refused(&stack.signalwire.post_raw(&unsigned).await, "not signed");
    }
    assert_eq!(refused(&stack, "signalwire", "other account", 6).await, 6);
    assert_eq!(stored(&stack).await, before);
    verification::flush(stack.engine()).await;
    assert_eq!(stack.count("select count(*) from webhook_unverified").await, 0);
}

#[tokio::test]
async fn an_agents_message_that_is_wrongly_signed_is_sent_only_while_fronts_account_is_log_only() {
    let stack = Stack::start().await;
    let (name, time) = ("X-Front-Signature", "X-Front-Request-Timestamp");
    let good =
        |n: u8| signed(&stack, "POST", &message(&format!("msg_{n}"), &[CUSTOMER], "Hello").to_string());
    let wrong = |n| good(n).with_header(name, &format!("{}=", "A".repeat(43)));
    let stale = |n| {
        let at = chrono::Utc::now().timestamp_millis() - 3_600_000;
        let order = message(&format!("msg_{n}"), &[CUSTOMER], "Hello").to_string();
        stack.front.signed_request_at("POST", &good(n).url, Some(&stack.installed.api_key), &order, at)
    };
    let ways = || [wrong(1), good(2).without_header(time), stale(3), without_headers(&good(4))];
    let before = stored(&stack).await;
    // The other side's account is another one.
    set(&stack, PAIR, &answers(SUPPORT), "signalwire.verification", "log_only").await;
    for request in ways() {
        front_error(&stack.front.post_raw(&request).await, 401);
    }
    assert_eq!(stored(&stack).await, before);
    set(&stack, PAIR, &answers(SUPPORT), "front.verification", "log_only").await;
    for request in ways() {
        let answer = stack.front.post_raw(&request).await;
        assert!(answer.is_success(), "{answer:?}");
    }
    // The channel's key is no signature: a wrong one opens nothing.
    let other_key = wrong(5).with_header("Authorization", "Bearer sk_wrong");
    front_error(&stack.front.post_raw(&other_key).await, 401);
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Hello"; 4]);
    for (reason, count) in [("invalid signature", 1), ("missing signature", 2), ("stale timestamp", 1)] {
        assert_eq!(taken(&stack, "front", reason).await, count, "{reason}");
    }
    set(&stack, PAIR, &answers(SUPPORT), "front.verification", "enforce").await;
    front_error(&stack.front.post_raw(&wrong(6)).await, 401);
}

#[tokio::test]
async fn twilios_webhooks_are_taken_wrongly_signed_only_while_its_account_is_log_only() {
    let on = OnTwilio::start(NUMBER).await;
    let (name, url) = ("X-Twilio-Signature", on.hook_url("inbound"));
    let answers = on_twilio::answers(&on.twilio, NUMBER);
    let fields = |n: u8| on.text(&format!("SM{n:032}"), &format!("Text {n}"));
    let wrong = |n| on.twilio.signed_form(&url, &fields(n)).with_header(name, "QUFBQUFBQUFBQUFBQUFBQUFBQUE=");
    // As it stood at the other system: signed for another address, one posted, one by GET.
    let elsewhere = |n| {
        let signed = on.twilio.signed_form("https://old.example.com/sms", &fields(n));
        SignedRequest { url: url.clone(), ..signed }
    };
    let by_get = |n| on.twilio.signed_query(&url, &fields(n)).without_header(name);
    assert_refused(&on.twilio.post_raw(&wrong(1)).await, "by default");
    set(&on.stack, "front_twilio", &answers, "twilio.verification", "log_only").await;
    for request in [wrong(1), elsewhere(2), by_get(3)] {
        let answer = on.twilio.post_raw(&request).await;
        assert!(answer.is_success(), "{answer:?}");
    }
    let mut other = fields(4);
    other.iter_mut().filter(|(name, _)| name == "AccountSid").for_each(|(_, sid)| sid.push('0'));
    for request in
        [on.twilio.signed_form(&url, &other), on.twilio.signed_query(&url, &other).without_header(name)]
    {
        assert_refused(&on.twilio.post_raw(&request).await, "another account");
    }
    on.stack.settle().await;
    assert_eq!(on.thread(CUSTOMER).len(), 3);
    assert_eq!(taken(&on.stack, "twilio", "invalid signature").await, 2);
    assert_eq!(taken(&on.stack, "twilio", "missing signature").await, 1);
    set(&on.stack, "front_twilio", &answers, "twilio.verification", "enforce").await;
    assert_refused(&on.twilio.post_raw(&wrong(5)).await, "enforced again");
}

#[tokio::test]
async fn a_value_or_a_name_of_the_setting_that_makes_no_sense_is_refused_with_words_and_changes_nothing() {
    let stack = Stack::start().await;
    for (name, value, said) in [
        ("signalwire.verification", "maybe", "`signalwire.verification` is enforce"),
        ("front.verification", "maybe", "`front.verification` is enforce"),
        ("front.verification", "", "log_only"),
        ("front.verification", "LOG_ONLY", "log_only"),
        ("verification", "log_only", "say `front.verification` or `signalwire.verification`"),
        ("twilio.verification", "log_only", "`twilio.verification` is not a setting"),
        ("signalwire.verificaton", "log_only", "signalwire.verification"),
        ("signalwire.phone", SUPPORT, "`signalwire.phone` is not a setting"),
    ] {
        let mut answers = answers(SUPPORT);
        answers.set(name, value);
        let error = setup::install(stack.engine(), PAIR, &answers).await.unwrap_err();
        assert!(matches!(error, SetupError::Invalid(_) | SetupError::Unknown(..)), "{error:?}");
        assert!(error.to_string().contains(said), "{name}={value}: {error}");
    }
    assert_eq!(stack.count("select count(*) from accounts where verification <> 'enforce'").await, 0);
    let on = OnTwilio::start(NUMBER).await;
    let mut answers = on_twilio::answers(&on.twilio, NUMBER);
    answers.set("twilio.verification", "maybe");
    let error = setup::install(on.stack.engine(), "front_twilio", &answers).await.unwrap_err();
    assert!(error.to_string().contains("`twilio.verification` is enforce"), "{error}");
}

#[tokio::test]
async fn everybody_who_looks_sees_that_an_account_is_log_only_and_how_much_came_unverified() {
    let mut twinwire = Installation::new(PROGRAM).await;
    let keyless = answers(SUPPORT);
    let keyless = keyless.iter().filter(|(name, _)| *name != "signing_key");
    let set = keyless.flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]);
    let arguments: Vec<String> = ["setup", PAIR].map(str::to_owned).into_iter().chain(set).collect();
    let run = async |twinwire: &Installation, more: &[&str]| {
        let all: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        twinwire.program.run(&all).await
    };
    let bad = run(&twinwire, &["--set", "signalwire.verification=maybe"]).await;
    assert_eq!(bad.code, Some(2), "{bad:?}");
    assert!(bad.stderr.contains("`signalwire.verification` is enforce"), "{bad:?}");
    // Without a signing key, too: the webhook's address is shown, since it is taken.
    let made = run(&twinwire, &["--set", "signalwire.verification=log_only"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.stderr.contains("webhooks of signalwire are taken without being verified"), "{made:?}");
    assert!(made.stderr.contains("--set signalwire.verification=enforce"), "{made:?}");
    assert!(made.stdout.contains("/inbound") && !made.stdout.contains("refused"), "{made:?}");
    twinwire.installed = run(&twinwire, &["--json"]).await.json();
    twinwire.start().await;
    let server = twinwire.server.as_ref().unwrap();
    let log = server.running.stderr();
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("verification=log_only")), "{log}");
    let url = format!("http://{}/v1/hooks/signalwire/{}/inbound", server.address, twinwire.channel());
    for n in 0..3 {
        let fields =
            [("MessageSid", format!("sid-{n}")), ("From", CUSTOMER.to_owned()), ("To", SUPPORT.to_owned())];
        let fields: Vec<(String, String)> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = without_headers(&twinwire.signalwire.signed_form(&url, &fields));
        assert!(twinwire.signalwire.post_raw(&request).await.is_success());
    }
    let reason = "select coalesce(sum(count), 0)::bigint from webhook_unverified where reason = 'no signing key is set for this account'";
    eventually("they are counted", || async { (twinwire.count(reason).await == 3).then_some(()) }).await;
    let log = twinwire.server.as_ref().unwrap().running.stderr();
    assert_eq!(
        log.lines().filter(|line| line.contains("taken without being verified, as")).count(),
        1,
        "{log}"
    );
    let shown = twinwire.program.run(&["channels"]).await.stdout;
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.lines().any(|line| line.contains(twinwire.channel()) && line.ends_with("new*")), "{shown}");
    assert!(shown.contains("* NOT VERIFIED: webhooks of signalwire"), "{shown}");
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert!(words.join(" ").contains(" 3 such in the last 7 days, the last at "), "{shown}");
    let why = twinwire.program.run(&["why", "sid-0"]).await.stdout;
    let words: Vec<&str> = why.split_whitespace().collect();
    assert!(words.join(" ").contains("NOT VERIFIED: no signing key is set"), "{why}");
    let help = twinwire.program.run(&["setup", "--help"]).await.stdout;
    for setting in ["<front|signalwire|twilio>.<setting>", "  verification ", "log_only", "  signing_key "] {
        assert!(help.contains(setting), "{setting}: {help}");
    }
    let listed = twinwire.program.run(&["channels", "--json"]).await.json();
    let log_only = &listed[0]["log_only"];
    assert_eq!((&log_only[0]["connector"], &log_only[0]["unverified"]), (&json!("signalwire"), &json!(3)));
    let status = reqwest::get(format!("http://{}/statusz", twinwire.server.as_ref().unwrap().address)).await;
    let status: serde_json::Value = serde_json::from_slice(&status.unwrap().bytes().await.unwrap()).unwrap();
    assert_eq!((&status["accounts_log_only"], &status["unverified_in_7_days"]), (&json!(1), &json!(3)));
    let sql = "select connector, verification, reason, count from webhook_unverified join accounts on id = account_id";
    let asked = twinwire.program.run(&["sql", "--json", sql]).await.json();
    assert_eq!((&asked[0]["verification"], &asked[0]["count"]), (&json!("log_only"), &json!(3)));
    run(&twinwire, &["--set", "signalwire.verification=enforce"]).await;
    let shown = twinwire.program.run(&["channels"]).await.stdout;
    assert!(!shown.contains('*') && !shown.contains("NOT VERIFIED"), "{shown}");
}

#[tokio::test]
async fn a_flood_is_counted_whole_and_disturbs_nothing() {
    let stack = Stack::start().await;
    set(&stack, PAIR, &answers(SUPPORT), "signalwire.verification", "log_only").await;
    let url = stack.hook_url("inbound");
    let posts = (0..30).map(|n| {
        // Some of them the same one.
        let fields = text(&stack, &format!("sid-{}", n / 3), CUSTOMER, SUPPORT, &format!("Text {}", n / 3));
        let request = without_headers(&stack.signalwire.signed_form(&url, &fields));
        let signalwire = stack.signalwire.clone();
        tokio::spawn(async move { signalwire.post_raw(&request).await })
    });
    for post in posts.collect::<Vec<_>>() {
        let answer = post.await.unwrap();
        assert!(answer.is_success(), "{answer:?}");
    }
    stack.settle().await;
    assert_eq!(taken(&stack, "signalwire", "missing signature").await, 30);
    assert_eq!(stack.thread_texts(CUSTOMER).len(), 10);
}
