//! Metrics say what happened, and how the installation stands.

use crate::PROGRAM;
use sqlx::{Connection, Executor, PgConnection};
use std::collections::BTreeSet;
use twinwire_engine::metrics::names;
use twinwire_sandbox::signalwire::Fate;
use twinwire_store::backfills::Kind;
use twinwire_tests::installation::Installation;
use twinwire_tests::metrics::Metrics;
use twinwire_tests::process::lasting_address;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, eventually};

/// One message each way, one that the provider refuses, one webhook that is not signed, and a reading of the list.
async fn a_day(stack: &Stack) {
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello yourself").await;
    stack.settle().await;
    let refused = "not a number".to_owned();
    stack.signalwire.script(OTHER_CUSTOMER, Fate::RefuseSync { status: 400, code: 21211, message: refused });
    stack.front.agent_writes(&stack.channel, &[OTHER_CUSTOMER], "Never arrives").await.unwrap();
    stack.settle().await;
    let fields = [("MessageSid", "sid-1"), ("From", CUSTOMER), ("To", SUPPORT), ("Body", "Forged")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let unsigned = stack
        .signalwire
        .signed_form(&stack.hook_url("inbound"), &fields)
        .without_header("X-SignalWire-Signature");
    assert_eq!(stack.signalwire.post_raw(&unsigned).await.status, Some(401));
    stack.backfill(Kind::Full).await;
}

#[tokio::test]
async fn counts_say_what_happened_and_name_nobody() {
    let stack = Stack::start().await;
    a_day(&stack).await;
    let metrics = Metrics::of(&stack.url(), Some("admin")).await;
    for (name, count) in [
        ("twinwire_webhooks_received_total{connector=\"front\",event=\"authorization\"}", 1.0),
        ("twinwire_webhooks_received_total{connector=\"front\",event=\"message\"}", 2.0),
        ("twinwire_webhooks_received_total{connector=\"signalwire\",event=\"inbound\"}", 1.0),
        (
            "twinwire_webhooks_refused_total{connector=\"signalwire\",hook=\"inbound\",reason=\"missing signature\"}",
            1.0,
        ),
        ("twinwire_calls_total{connector=\"signalwire\",operation=\"deliver\",outcome=\"done\"}", 1.0),
        ("twinwire_calls_total{connector=\"signalwire\",operation=\"deliver\",outcome=\"refused\"}", 1.0),
        ("twinwire_calls_total{connector=\"front\",operation=\"deliver\",outcome=\"done\"}", 1.0),
        ("twinwire_calls_total{connector=\"front\",operation=\"report\",outcome=\"done\"}", 1.0),
        ("twinwire_call_seconds_count{connector=\"signalwire\",operation=\"deliver\"}", 2.0),
        ("twinwire_delivery_lag_seconds_count{connector=\"signalwire\"}", 2.0),
        ("twinwire_delivery_lag_seconds_count{connector=\"front\"}", 1.0),
        ("twinwire_messages_delivered_total{connector=\"signalwire\"}", 1.0),
        ("twinwire_messages_delivered_total{connector=\"front\"}", 1.0),
        ("twinwire_messages_parked_total{reason=\"refused\"}", 1.0),
        ("twinwire_messages_parked_total{reason=\"uncertain\"}", 0.0),
        ("twinwire_messages_failed_total{reason=\"refused\",told=\"failed\"}", 1.0),
        ("twinwire_readings_total{kind=\"full\",outcome=\"done\"}", 1.0),
        ("twinwire_readings_total{kind=\"full\",outcome=\"failed\"}", 0.0),
        ("twinwire_database_up", 1.0),
        ("twinwire_messages_pending", 0.0),
        ("twinwire_messages_oldest_due_seconds", 0.0),
        ("twinwire_messages_parked{reason=\"refused\"}", 1.0),
        ("twinwire_accounts_resting{connector=\"signalwire\"}", 0.0),
        ("twinwire_readings_open{kind=\"full\"}", 0.0),
        ("twinwire_channels{state=\"active\"}", 1.0),
        ("twinwire_vendors_away", 0.0),
    ] {
        assert!((metrics.value(name) - count).abs() < 0.5, "{name} is {}", metrics.value(name));
    }
    assert!(metrics.value("twinwire_ingest_seconds_count{connector=\"front\"}") >= 3.0);
    let lag = metrics.value("twinwire_poll_lag_seconds{connector=\"signalwire\"}");
    assert!((0.0..300.0).contains(&lag), "{lag}");
    for private in [&CUSTOMER[2..], &OTHER_CUSTOMER[2..], &SUPPORT[2..], &stack.installed.channel.id] {
        assert!(!metrics.labels().contains(private), "{private} is a label");
    }
}

#[tokio::test]
async fn a_backlog_shows_with_its_age() {
    let stack = Stack::start().await;
    sqlx::query(
        "update channel_leases set until = now() + interval '1 hour', owner = 'somebody', fence = fence + 1",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Anybody there?").await;
    sqlx::query(
        "insert into channel_leases (channel_id, owner, fence, until)
        select id, 'somebody', 1000, now() + interval '1 hour' from channels
        on conflict (channel_id) do update set owner = 'somebody', fence = 1000, until = excluded.until",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
            body, data, occurred_at, wake_at, created_at)
        select id, 'old', 'provider', 'inbound', '+12025550149', '+12025550149', address, '', '{}',
            now() - interval '20 minutes', now() - interval '10 minutes', now() - interval '20 minutes' from channels",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    let metrics = Metrics::of(&stack.url(), Some("admin")).await;
    assert!(metrics.value("twinwire_messages_pending") >= 1.0);
    let due = metrics.value("twinwire_messages_oldest_due_seconds");
    let pending = metrics.value("twinwire_messages_oldest_pending_seconds");
    assert!((600.0..900.0).contains(&due), "{due}");
    assert!((1200.0..1500.0).contains(&pending), "{pending}");
}

#[tokio::test]
async fn two_servers_in_one_process_count_for_themselves() {
    let stack = Stack::start().await;
    let second = stack.second_server().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    stack.settle().await;
    let taken = "twinwire_webhooks_received_total{connector=\"front\",event=\"message\"}";
    let first = Metrics::of(&stack.url(), Some("admin")).await;
    let other = Metrics::of(&format!("http://{}", second.address), Some("admin")).await;
    assert_eq!((first.get(taken), other.get(taken)), (Some(1.0), None));
    let delivered = "twinwire_messages_delivered_total{connector=\"signalwire\"}";
    let each = [&first, &other].map(|metrics| metrics.get(delivered).unwrap_or_default());
    assert!((each[0] + each[1] - 1.0).abs() < 0.1, "whichever worked the channel: {each:?}");
    second.stop().await;
}

#[tokio::test]
async fn metrics_are_for_those_with_the_token() {
    let stack = Stack::start().await;
    let ask = async |token: Option<&str>| {
        let request = reqwest::Client::new().get(format!("{}/metrics", stack.url()));
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for token in [None, Some("wrong"), Some("")] {
        let (status, words) = ask(token).await;
        assert_eq!(status, 401, "{token:?}");
        assert!(words.contains("TWINWIRE_ADMIN_TOKEN"), "{words}");
    }
    assert_eq!(ask(Some("admin")).await.0, 200);
}

#[tokio::test]
async fn on_an_address_of_their_own_metrics_are_open_and_nothing_else_is_there() {
    let installation = Installation::new(PROGRAM).await;
    let metrics = lasting_address().to_string();
    let server = installation.program.clone().with("TWINWIRE_METRICS_LISTEN", &metrics).serve().await;
    let base = format!("http://{metrics}");
    let read = eventually("metrics are served", || async {
        reqwest::get(format!("{base}/healthz")).await.ok()?;
        Some(Metrics::of(&base, None).await)
    })
    .await;
    assert!((read.value("twinwire_database_up") - 1.0).abs() < 0.1);
    let info = format!("twinwire_process_info{{version=\"{}\",role=\"all\"}}", env!("CARGO_PKG_VERSION"));
    assert!((read.value(&info) - 1.0).abs() < 0.1);
    for path in ["statusz", "v1/hooks/signalwire/x/inbound", "v1/install/front_signalwire/message"] {
        assert_eq!(reqwest::get(format!("{base}/{path}")).await.unwrap().status(), 404, "{path}");
    }
    let guarded = reqwest::get(format!("http://{}/metrics", server.address)).await.unwrap();
    assert_eq!(guarded.status(), 401, "no admin token is set");
    assert_eq!(server.stop().await.code, Some(0));
}

#[tokio::test]
async fn while_the_database_is_away_metrics_say_so_and_no_old_number() {
    let stack = Stack::with_own_database().await;
    stack.database.kill();
    let metrics = eventually("the outage shows", || async {
        let metrics = Metrics::of(&stack.url(), Some("admin")).await;
        (metrics.value("twinwire_database_up") < 0.5).then_some(metrics)
    })
    .await;
    assert!(metrics.value("twinwire_messages_pending").is_nan());
    assert!(metrics.value("twinwire_channels{state=\"active\"}").is_nan());
}

/// Names of ours in a text.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c: char| !is_part(c)).filter(|word| word.starts_with("twinwire_"));
    words.map(str::to_owned).collect()
}

fn file(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_ask_for_metrics_that_exist() {
    let stack = Stack::start().await;
    a_day(&stack).await;
    let log_only = twinwire_tests::answers(SUPPORT)
        .overlaid(&[("signalwire.verification", "log_only")].into_iter().collect());
    twinwire_engine::setup::install(stack.engine(), "front_signalwire", &log_only).await.unwrap();
    let fields = [("MessageSid", "sid-2"), ("From", CUSTOMER), ("To", SUPPORT), ("Body", "Unsigned")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let unsigned = stack
        .signalwire
        .signed_form(&stack.hook_url("inbound"), &fields)
        .without_header("X-SignalWire-Signature");
    assert!(stack.signalwire.post_raw(&unsigned).await.is_success());
    let metrics = Metrics::of(&stack.url(), Some("admin")).await;
    let there: BTreeSet<String> = metrics.names().map(str::to_owned).collect();
    let dashboard: serde_json::Value = serde_json::from_str(&file("deploy/grafana/twinwire.json")).unwrap();
    let asked: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    for (place, asked) in
        [("dashboard", named(&asked.join(" "))), ("alerts", named(&file("deploy/prometheus/alerts.yml")))]
    {
        assert!(asked.len() > 5, "{place}: {asked:?}");
        let missing: Vec<_> = asked.difference(&there).collect();
        assert!(missing.is_empty(), "the {place} asks for {missing:?}");
    }
    let documented = named(&file("docs/OPERATIONS.md"));
    for (name, kind, _) in names::ALL {
        assert!(documented.contains(*name), "{name} is not in docs/OPERATIONS.md");
        let shown = match kind {
            names::Kind::Counter | names::Kind::Gauge => (*name).to_owned(),
            names::Kind::Short | names::Kind::Long => format!("{name}_bucket"),
        };
        assert!(there.contains(&shown), "{name} does not come up in a day's run");
    }
    let of_kinds = |name: &String| {
        let whole = name.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count");
        names::ALL.iter().any(|(known, ..)| known == name || *known == whole)
    };
    assert!(there.iter().all(of_kinds), "{there:?}");
}

/// Somebody else has the channel, so that nothing of it is worked.
async fn hold_the_channel(stack: &Stack) {
    sqlx::query(
        "insert into channel_leases (channel_id, owner, fence, until)
        select id, 'somebody', 1000, now() + interval '1 hour' from channels
        on conflict (channel_id) do update set owner = 'somebody', fence = 1000, until = excluded.until",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
}

/// A customer's text that is due, or is to be looked at, at that time.
async fn waiting(stack: &Stack, id: &str, customer: &str, wakes: &str) {
    let sql = format!(
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
            body, data, occurred_at, wake_at)
        select id, '{id}', 'provider', 'inbound', '{customer}', '{customer}', address, '', '{{}}',
            clock_timestamp(), now() + interval '{wakes}' from channels"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&stack.pool).await.unwrap();
}

#[tokio::test]
async fn what_waits_for_its_turn_or_for_a_resting_account_is_not_due() {
    let stack = Stack::start().await;
    hold_the_channel(&stack).await;
    waiting(&stack, "first", CUSTOMER, "10 minutes").await;
    waiting(&stack, "second", CUSTOMER, "-10 minutes").await;
    let due = "twinwire_messages_oldest_due_seconds";
    let metrics = Metrics::of(&stack.url(), Some("admin")).await;
    assert!((metrics.value("twinwire_messages_pending") - 2.0).abs() < 0.1);
    assert!(metrics.value(due) < 1.0, "it waits behind the first: {}", metrics.value(due));
    waiting(&stack, "another", OTHER_CUSTOMER, "-10 minutes").await;
    sqlx::query("update accounts set paused_until = now() + interval '1 hour'")
        .execute(&stack.pool)
        .await
        .unwrap();
    let second = stack.second_server().await;
    let base = format!("http://{}", second.address);
    let metrics = Metrics::of(&base, Some("admin")).await;
    assert!(metrics.value(due) < 1.0, "its account rests: {}", metrics.value(due));
    sqlx::query("update accounts set paused_until = null").execute(&stack.pool).await.unwrap();
    let late = eventually("what could be worked shows", || async {
        let late = Metrics::of(&base, Some("admin")).await.value(due);
        (late > 1.0).then_some(late)
    })
    .await;
    assert!((600.0..900.0).contains(&late), "{late}");
    second.stop().await;
}

#[tokio::test]
async fn a_database_that_only_counts_slowly_is_not_away() {
    let stack = Stack::start().await;
    let mut conn = PgConnection::connect(&stack.database.url).await.unwrap();
    conn.execute("begin; lock table messages in access exclusive mode").await.unwrap();
    let metrics = Metrics::of(&stack.url(), Some("admin")).await;
    conn.execute("rollback").await.unwrap();
    assert!((metrics.value("twinwire_database_up") - 1.0).abs() < 0.1);
    assert!(metrics.value("twinwire_messages_pending").is_nan(), "what is not known is no number");
    assert!(metrics.value("twinwire_jobs_stuck{kind=\"retain\"}") < 0.5, "the rest is known");
}

#[tokio::test]
async fn endpoints_events_jobs_and_accounts_that_need_not_sign_are_watched() {
    let stack = Stack::start().await;
    for sql in [
        "insert into endpoints (public_id, url, sealed_secret, state, paused_until) values
            ('ep_a', 'https://a.test', '', 'active', null), ('ep_b', 'https://b.test', '', 'disabled', null),
            ('ep_c', 'https://c.test', '', 'active', now() + interval '1 hour')",
        // Another process says that it sends it, and does not.
        "insert into deliveries (endpoint_id, event_type, next_at)
            select id, 'message.sent', now() - interval '20 minutes' from endpoints where public_id = 'ep_c'",
        "insert into deliveries (endpoint_id, event_type, next_at)
            select id, 'message.sent', now() + interval '20 minutes' from endpoints where public_id = 'ep_a'",
        "insert into jobs (kind, state, requested_by, finished_at, row_updated_at) values
            ('erase', 'failed', 'ann', now(), now()), ('erase', 'failed', 'ann', now() - interval '2 days', now()),
            ('replay', 'running', 'ann', null, now() - interval '3 hours')",
        "update accounts set verification = 'log_only' where connector = 'signalwire'",
    ] {
        sqlx::query(sql).execute(&stack.pool).await.unwrap();
    }
    let metrics = Metrics::of(&stack.url(), Some("admin")).await;
    for (name, count) in [
        ("twinwire_endpoints{state=\"active\"}", 1.0),
        ("twinwire_endpoints{state=\"resting\"}", 1.0),
        ("twinwire_endpoints{state=\"disabled\"}", 1.0),
        ("twinwire_endpoints{state=\"paused\"}", 0.0),
        ("twinwire_events_oldest_due_seconds", 0.0),
        ("twinwire_jobs_failed{kind=\"erase\"}", 1.0),
        ("twinwire_jobs_stuck{kind=\"replay\"}", 1.0),
        ("twinwire_jobs_stuck{kind=\"erase\"}", 0.0),
        ("twinwire_accounts_log_only{connector=\"signalwire\"}", 1.0),
        ("twinwire_accounts_log_only{connector=\"front\"}", 0.0),
        // What is counted for the first time has to rise from something.
        ("twinwire_webhooks_unverified_total{connector=\"signalwire\",reason=\"missing signature\"}", 0.0),
        ("twinwire_messages_failed_total{reason=\"at_provider\",told=\"untold\"}", 0.0),
    ] {
        assert!((metrics.value(name) - count).abs() < 0.5, "{name} is {}", metrics.value(name));
    }
}
