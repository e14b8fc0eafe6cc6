//! How the installation does, at a glance: the traffic of the last day, and what somebody should look at.

use crate::PROGRAM;
use crate::operators::{both, elsewhere, refused};
use crate::why::{ambiguous, assert_says, once};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::hours;
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, TestDatabase, eventually};

async fn run(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(pool).await.unwrap();
}

async fn overview(twinwire: &Installation) -> Value {
    twinwire.program.run(&["status", "--json"]).await.json()
}

/// Waits until the job has counted what is there now.
async fn counted(twinwire: &Installation, so: impl Fn(&Value) -> bool) -> Value {
    run(&twinwire.pool, "delete from apalis.twinwire_ticks where name = 'count_hours'").await;
    eventually("the hours are counted", || async { Some(overview(twinwire).await).filter(&so) }).await
}

/// A number of every hour, summed up.
fn sum(overview: &Value, name: &str) -> i64 {
    overview["hours"].as_array().unwrap().iter().map(|hour| hour[name].as_i64().unwrap()).sum()
}

fn kinds(overview: &Value) -> Vec<&str> {
    overview["attention"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

/// What is said of one kind, and of which channel.
fn words(overview: &Value, kind: &str) -> (String, Value) {
    let all = overview["attention"].as_array().unwrap();
    let one = all.iter().find(|one| one["kind"] == kind).unwrap();
    (one["words"].as_str().unwrap().to_owned(), one["channel"].clone())
}

#[tokio::test]
async fn every_message_is_counted_in_the_hour_in_which_it_was_first_seen() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello?").await;
    twinwire.insist(&twinwire.order(&[OTHER_CUSTOMER], "Hello")).await;
    twinwire.settle().await;
    // All of that was three hours ago, and the way into the helpdesk took nine seconds. Whoever counts at this moment has
    // done so before, or sees it.
    let ago = "interval '3 hours'";
    run(
        &twinwire.pool,
        &format!(
            "begin; lock table messages;
            update messages set created_at = created_at - {ago}, occurred_at = occurred_at - {ago};
            update attempts set at = at - {ago};
            delete from message_hours; delete from channel_activity;
            update attempts a set at = m.created_at + interval '9 seconds' from messages m
                where m.external_id = a.external_id and m.direction = 'inbound' and a.step = 'apply' and a.outcome = 'done';
            commit"
        ),
    )
    .await;
    refused(&twinwire).await;
    let found = counted(&twinwire, |found| {
        let alive = &found["channels"][0];
        let activity = alive["last_inbound_at"].is_string() && alive["last_outbound_at"].is_string();
        sum(found, "outbound") == 2 && sum(found, "failed") == 1 && activity
    })
    .await;
    let hours = found["hours"].as_array().unwrap();
    let from = |hour: &Value| hour["from"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(hours.len(), 24);
    assert!(hours.windows(2).all(|two| from(&two[1]) - from(&two[0]) == TimeDelta::hours(1)), "{hours:#?}");
    let busy: Vec<&Value> =
        hours.iter().filter(|hour| hour["inbound"] != 0 || hour["outbound"] != 0).collect();
    let [old, new] = busy[..] else { panic!("{busy:#?}") };
    assert_eq!((&old["inbound"], &old["outbound"], &old["failed"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!((&new["inbound"], &new["outbound"], &new["failed"]), (&json!(0), &json!(1), &json!(1)));
    assert_eq!(from(new) - from(old), TimeDelta::hours(3));
    assert!((0..9_000).contains(&old["p50_ms"].as_i64().unwrap()), "{old}");
    assert_eq!(old["p95_ms"], 9_000);
    assert_eq!((&new["p50_ms"], &new["p95_ms"]), (&Value::Null, &Value::Null), "nothing of it arrived");
    let alive = &found["channels"][0];
    assert_eq!(alive["channel"], twinwire.channel());
    let at = |name: &str| alive[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(Utc::now() - at("last_inbound_at") > TimeDelta::hours(2), "{alive}");
    assert!(Utc::now() - at("last_outbound_at") < TimeDelta::hours(1), "{alive}");
    assert_eq!(found["oldest_pending_s"], Value::Null);
    // What was counted once is not counted twice, however often it is counted.
    run(&twinwire.pool, "update message_hours set counted_at = now() - interval '1 day', inbound = 77").await;
    counted(&twinwire, |found| sum(found, "inbound") == 1 && sum(found, "outbound") == 2).await;
}

#[tokio::test]
async fn a_quiet_installation_has_nothing_to_look_at_and_says_so_on_every_way() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "read").await;
    let found = counted(&twinwire, |found| found["hours"].as_array().unwrap().len() == 24).await;
    assert_eq!((found["attention"].clone(), kinds(&found).len()), (json!([]), 0));
    let shown = both(&twinwire, &there, &["status"]).await.stdout;
    assert_says(&shown, &["Nothing needs attention", "channel", twinwire.channel(), "never", "never"]);
}

async fn names_commands_that_there_are(twinwire: &Installation, found: &Value) {
    for (said, _) in kinds(found).iter().map(|kind| words(found, kind)) {
        for command in said.split('`').filter(|part| part.starts_with("twinwire ")) {
            let verb: Vec<&str> =
                command.split(' ').skip(1).take(2).filter(|word| !word.starts_with('-')).collect();
            let help = twinwire.program.run(&[&verb[..], &["--help"]].concat()).await;
            assert_eq!(help.code, Some(0), "{command}");
        }
    }
}

#[tokio::test]
async fn whatever_needs_somebody_is_named_with_the_next_command() {
    let twinwire = Installation::connected(PROGRAM).await;
    let there = elsewhere(&twinwire, "read").await;
    let channel = twinwire.channel();
    ambiguous(&twinwire).await;
    twinwire.signalwire.faults().clear();
    refused(&twinwire).await;
    twinwire.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::SendMessage).times(1000));
    twinwire.insist(&twinwire.order(&[OTHER_CUSTOMER], "Waits")).await;
    let rests = "select count(*) from accounts where paused_until > now()";
    eventually("the account rests", || async { (twinwire.count(rests).await == 1).then_some(()) }).await;
    run(
        &twinwire.pool,
        "update accounts set paused_until = now() + interval '1 hour' where paused_until is not null;
        update accounts set verification = 'log_only' where connector = 'front';
        insert into endpoints (public_id, url, sealed_secret, state) values ('ep_gone', 'https://x.test', '', 'disabled');
        insert into jobs (kind, state, requested_by, failures, error, finished_at)
            values ('replay', 'failed', 'test', 10, 'no', now()), ('retain', 'failed', 'test', 10, 'no', now()),
            ('retain', 'done', 'test', 0, null, now());
        update messages set created_at = created_at - interval '20 minutes' where wake_at is not null",
    )
    .await;
    let found = overview(&twinwire).await;
    assert_eq!(
        kinds(&found),
        [
            "account_resting",
            "messages_pending",
            "uncertain",
            "parked",
            "endpoint_disabled",
            "job_failed",
            "unverified"
        ],
        "{found:#}"
    );
    assert!(found["oldest_pending_s"].as_i64().unwrap() >= 1_200, "{found}");
    for (kind, command, about) in [
        ("account_resting", "twinwire accounts resume acc_", json!(channel)),
        (
            "messages_pending",
            &*format!("twinwire messages list --pending --channel {channel}"),
            json!(channel),
        ),
        ("uncertain", "twinwire settle", json!(channel)),
        ("parked", "twinwire messages list --parked", Value::Null),
        ("endpoint_disabled", "twinwire endpoints resume ep_gone", Value::Null),
        ("job_failed", "twinwire jobs show", Value::Null),
        ("unverified", "front.verification=enforce", json!(channel)),
    ] {
        let (said, channel) = words(&found, kind);
        assert!(said.contains(command), "{kind}: {said}");
        assert_eq!(channel, about, "{kind}");
    }
    names_commands_that_there_are(&twinwire, &found).await;
    // How long ago something was is another thing a second later: what both say is compared elsewhere.
    let shown = there.run(&["status"]).await.stdout;
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert_says(&shown, &["! Account acc_", "credentials refused", "uncertain", "ep_gone is disabled"]);
    // A paused channel is no fault of a worker's.
    twinwire.program.run(&["channels", "pause", channel]).await;
    let found = overview(&twinwire).await;
    assert!(
        kinds(&found).contains(&"channel_paused") && !kinds(&found).contains(&"messages_pending"),
        "{found:#}"
    );
    assert_eq!(found["oldest_pending_s"], Value::Null);
    twinwire.signalwire.faults().clear();
    run(&twinwire.pool, "update accounts set paused_until = null, pauses = 0").await;
    let (said, _) = words(&found, "unverified");
    let command: Vec<&str> = said.split('`').nth(1).unwrap().split(' ').skip(1).collect();
    let enforced = twinwire.program.run(&command).await;
    assert_eq!(enforced.code, Some(0), "{enforced:?}");
    twinwire.program.run(&["channels", "resume", channel]).await;
    once(&twinwire, "body = 'Waits' and provider_message_id is not null").await;
    let found = overview(&twinwire).await;
    assert_eq!(kinds(&found), ["uncertain", "parked", "endpoint_disabled", "job_failed"], "{found:#}");
}

/// Messages of 40 hours in three channels, every 20 seconds one.
async fn many(pool: &PgPool) {
    run(
        pool,
        "insert into accounts (public_id, connector, sealed_settings) values ('acc_f', 'front', ''), ('acc_s', 'signalwire', '');
        insert into channels (public_id, pair, helpdesk_account_id, provider_account_id, address, api_key_hash, sealed_api_key)
            select 'chn_' || n, 'front_signalwire', 1, 2, '+1201555012' || n, n::text::bytea, '' from generate_series(1, 3) n;
        insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body,
                data, occurred_at, created_at, helpdesk_message_id, provider_message_id, parked)
            select 1 + n % 3, n::text, 'provider', case when n % 5 = 0 then 'outbound' else 'inbound' end, 'x', 'x', 'x', '',
                '{}', now() - interval '20 s' * n, now() - interval '20 s' * n, n::text, n::text,
                case n % 11 when 0 then 'refused' when 1 then 'too_old' end
            from generate_series(7200, 1, -1) n",
    )
    .await;
}

#[tokio::test]
async fn an_hour_is_counted_right_wherever_it_lies_among_many_messages() {
    let database = TestDatabase::new().await;
    let pool = twinwire_store::pool::connect(&database.url, 2).await.unwrap();
    many(&pool).await;
    let now = Utc::now();
    let this = now.duration_trunc(TimeDelta::hours(1)).unwrap();
    let mut conn = pool.acquire().await.unwrap();
    for back in [0, 1, 2, 23, 38, 39, 45] {
        let hour = this - TimeDelta::hours(back);
        hours::count(&mut conn, hour, now).await.unwrap();
        let expected: (i64, i64, i64) = sqlx::query_as(
            "select count(*) filter (where direction = 'inbound'), count(*) filter (where direction = 'outbound'),
                count(*) filter (where parked is not null)
            from messages where created_at >= $1 and created_at < $1 + interval '1 hour' and parked is distinct from 'too_old'",
        )
        .bind(hour)
        .fetch_one(&pool)
        .await
        .unwrap();
        let found = hours::since(&pool, hour).await.unwrap().remove(0);
        assert_eq!((found.inbound, found.outbound, found.failed), expected, "{back} hours ago");
        // The hour that goes on may have begun just now.
        assert!(back == 0 || (expected.0 > 0) == (back < 45), "{back} hours ago");
    }
    // To count an hour that is over, no more is read than its own messages and those of a few minutes around.
    let read: i64 = sqlx::query_scalar(
        "select count(*) from messages m, message_hours h where h.hour = $1 and m.seq > h.after_seq and m.seq <= h.upto_seq",
    )
    .bind(this - TimeDelta::hours(23))
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!((180..=195).contains(&read), "{read}");
}

#[tokio::test]
async fn a_channel_is_known_to_have_been_alive_by_its_latest_messages_of_either_direction() {
    let database = TestDatabase::new().await;
    let pool = twinwire_store::pool::connect(&database.url, 2).await.unwrap();
    many(&pool).await;
    let mut conn = pool.acquire().await.unwrap();
    let expected = async || {
        sqlx::query_as::<_, (String, Option<DateTime<Utc>>, Option<DateTime<Utc>>)>(
            "select c.public_id, max(m.occurred_at) filter (where m.direction = 'inbound'),
                max(m.occurred_at) filter (where m.direction = 'outbound')
            from channels c left join messages m on m.channel_id = c.id group by c.id order by c.id",
        )
        .fetch_all(&pool)
        .await
        .unwrap()
    };
    let noted = async |conn: &mut sqlx::PgConnection| {
        hours::note_activity(conn, Utc::now()).await.unwrap();
        let found = hours::activity(&pool).await.unwrap();
        found
            .into_iter()
            .map(|one| (one.channel, one.last_inbound_at, one.last_outbound_at))
            .collect::<Vec<_>>()
    };
    assert_eq!(noted(&mut conn).await, expected().await);
    run(
        &pool,
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body,
            data, occurred_at) values (2, 'new', 'helpdesk', 'outbound', 'x', 'x', 'x', '', '{}', now())",
    )
    .await;
    let before = expected().await;
    assert_eq!(noted(&mut conn).await, before);
    // What is found later and is older changes nothing.
    run(
        &pool,
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body,
            data, occurred_at) values (2, 'old', 'provider', 'inbound', 'x', 'x', 'x', '', '{}', now() - interval '1 year')",
    )
    .await;
    assert_eq!(noted(&mut conn).await, before);
}
