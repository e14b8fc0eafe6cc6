//! docs/SQL.md: its queries give what they say, and its tables are those of the database.

use chrono::{DateTime, Days, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::time::Duration;
use twinwire_store::seal::SecretKey;
use twinwire_store::{pool, reader};
use twinwire_tests::TestDatabase;

const CUSTOMERS: [&str; 4] = ["+12025550147", "+12025550148", "+12025550149", "+12025550150"];

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/SQL.md")).unwrap()
}

/// The queries of the page, by their headings.
fn queries() -> BTreeMap<String, String> {
    let page = page();
    let sections = page.split("\n### ").skip(1);
    let query = |section: &str| {
        let (title, rest) = section.split_once('\n')?;
        let (_, rest) = rest.split_once("```sql\n")?;
        Some((title.to_owned(), rest.split_once("```")?.0.to_owned()))
    };
    sections.filter_map(query).collect()
}

/// The first moment of the day before yesterday, by UTC.
fn first_day() -> DateTime<Utc> {
    (Utc::now().date_naive() - Days::new(2)).and_time(NaiveTime::MIN).and_utc()
}

fn at(day: i64, hour: i64, minute: i64) -> DateTime<Utc> {
    first_day() + TimeDelta::days(day) + TimeDelta::hours(hour) + TimeDelta::minutes(minute)
}

/// A row: channel, customer, direction, time, text, what became of it, and the vendor's payload.
struct Row(i64, usize, &'static str, DateTime<Utc>, &'static str, Option<&'static str>, Value);

async fn put(pool: &PgPool, nth: usize, row: Row) {
    let Row(channel, customer, direction, at, body, status, data) = row;
    let inbound = direction == "inbound";
    let parked = status == Some("parked");
    let failed = status == Some("undelivered");
    sqlx::query(
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
            body, data, occurred_at, helpdesk_message_id, provider_message_id, provider_status, provider_error_code,
            provider_error_message, parked, last_error)
        values ($1, $2, $3, $4, $5, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(channel)
    .bind(format!("row_{nth}"))
    .bind(if inbound { "provider" } else { "helpdesk" })
    .bind(direction)
    .bind(CUSTOMERS[customer])
    .bind(body)
    .bind(data)
    .bind(at)
    .bind(format!("msg_{nth}"))
    .bind((!parked).then(|| format!("SM{nth}")))
    .bind(status.filter(|_| !parked))
    .bind(failed.then_some("30006"))
    .bind(failed.then_some("Landline"))
    .bind(parked.then_some("refused"))
    .bind(parked.then_some("21211"))
    .execute(pool)
    .await
    .unwrap();
}

fn by(agent: &str) -> Value {
    json!({ "type": "message", "payload": { "author": { "email": format!("{agent}@tern-supply.test") } } })
}

/// Two days of two channels.
async fn fill(pool: &PgPool) {
    sqlx::raw_sql(
        "insert into accounts (public_id, connector, sealed_settings) values ('acc_f', 'front', ''), ('acc_s', 'signalwire', '');
        insert into channels (public_id, pair, helpdesk_account_id, provider_account_id, address, api_key_hash,
            sealed_api_key)
        values ('chn_one', 'front_signalwire', 1, 2, '+12015550123', 'a', ''),
            ('chn_two', 'front_signalwire', 1, 2, '+12015550124', 'b', '')",
    )
    .execute(pool)
    .await
    .unwrap();
    let nothing = || json!({});
    let automatic = json!({ "type": "message_autoreply", "payload": { "author": null } });
    let by_a_rule = json!({ "type": "message", "payload": { "author": null } });
    let rows = [
        Row(1, 0, "inbound", at(0, 10, 0), "Hello?", Some("received"), nothing()),
        Row(1, 0, "inbound", at(0, 10, 2), "Anybody?", Some("received"), nothing()),
        Row(1, 0, "outbound", at(0, 10, 10), "Here", Some("delivered"), by("mirela")),
        Row(1, 0, "inbound", at(0, 11, 0), "And now?", Some("received"), nothing()),
        Row(1, 0, "outbound", at(0, 11, 30), "Now", Some("undelivered"), by("mirela")),
        Row(1, 1, "inbound", at(0, 12, 0), "STOP", Some("received"), nothing()),
        Row(1, 1, "outbound", at(0, 12, 1), "We are closed", Some("delivered"), automatic),
        Row(1, 2, "inbound", at(1, 9, 0), "Hi", Some("received"), nothing()),
        Row(1, 2, "outbound", at(1, 9, 25), "Hi!", Some("sent"), by("oke")),
        Row(1, 2, "outbound", at(1, 9, 30), "Refused", Some("parked"), by("oke")),
        Row(2, 3, "outbound", at(1, 8, 0), "By a rule", Some("read"), by_a_rule),
    ];
    for (nth, row) in rows.into_iter().enumerate() {
        put(pool, nth, row).await;
    }
    for (customer, at, word, source) in [
        (1, at(0, 12, 0), "stop", "customer"),
        (1, at(0, 13, 0), "help", "customer"),
        (2, at(0, 9, 0), "stop", "provider"),
        (2, at(1, 9, 0), "start", "customer"),
    ] {
        sqlx::query(
            "insert into consents (channel_id, external_conversation_id, at, word, source, text)
            values (1, $1, $2, $3, $4, '')",
        )
        .bind(CUSTOMERS[customer])
        .bind(at)
        .bind(word)
        .bind(source)
        .execute(pool)
        .await
        .unwrap();
    }
    for (nth, direction, at, data) in [
        (0, "outbound", at(0, 1, 0), Some(json!({ "num_segments": 1 }))),
        (1, "outbound", at(0, 2, 0), Some(json!({ "num_segments": "2" }))),
        (2, "outbound", at(0, 3, 0), None),
        (3, "inbound", at(1, 3, 0), Some(json!({ "num_segments": "1" }))),
    ] {
        sqlx::query(
            "insert into provider_messages (account_id, provider_message_id, direction, sender, recipient, date_sent, data)
            values (2, $1, $2, '', '', $3, $4)",
        )
        .bind(format!("SM{nth}"))
        .bind(direction)
        .bind(at)
        .bind(data)
        .execute(pool)
        .await
        .unwrap();
    }
}

/// Times in one way of writing, whatever the server's zone is.
fn in_utc(value: Value) -> Value {
    let time = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    time.map_or(value, |time| json!(written(time.to_utc())))
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn expected() -> BTreeMap<String, Value> {
    let day = |day| at(day, 0, 0).format("%Y-%m-%d").to_string();
    let (one, first, second) = ("+12015550123", day(0), day(1));
    let rows = [
        (
            "Conversations that wait for an answer",
            json!([
                [one, CUSTOMERS[0], written(at(0, 11, 0)), "And now?"],
                [one, CUSTOMERS[1], written(at(0, 12, 0)), "STOP"]
            ]),
        ),
        ("Delivery rate by day", json!([[first, 3, 2, 1, 66.7], [second, 2, 1, 0, 50.0]])),
        ("Failures by day and error code", json!([[first, "30006", "Landline", 1]])),
        (
            "Median response time of each agent",
            json!([["mirela@tern-supply.test", 2, "00:20:00"], ["oke@tern-supply.test", 1, "00:25:00"]]),
        ),
        (
            "Messages of each channel and day",
            json!([["chn_one", first, 4, 3], ["chn_one", second, 1, 2], ["chn_two", second, 0, 1]]),
        ),
        ("Who has opted out", json!([[one, CUSTOMERS[1], written(at(0, 12, 0)), "customer"]])),
        ("Messages that were put aside", json!([["refused", "21211", 1, written(at(1, 9, 30)), 10]])),
        ("Segments of each day", json!([[first, "outbound", 3, 3, 1], [second, "inbound", 1, 1, 0]])),
    ];
    rows.into_iter().map(|(title, rows)| (title.to_owned(), rows)).collect()
}

async fn opened() -> (TestDatabase, PgPool, PgPool) {
    let database = TestDatabase::new().await;
    let pool = pool::connect(&database.url, 2).await.unwrap();
    let key = SecretKey::from_text(&SecretKey::text_of([7; 32])).unwrap();
    let reader = reader::connect(&pool, &database.url, &key, Duration::from_secs(30)).await.unwrap();
    (database, pool, reader)
}

#[tokio::test]
async fn every_query_of_the_page_gives_what_it_says() {
    let (_database, pool, reader) = opened().await;
    fill(&pool).await;
    let mut found = BTreeMap::new();
    for (title, sql) in queries() {
        let table =
            reader::query(&reader, &sql).await.unwrap_or_else(|error| panic!("{title}: {error}\n{sql}"));
        let cell = |cell: Option<Value>| in_utc(cell.unwrap_or_default());
        let rows = table.rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Value>());
        found.insert(title, rows.collect::<Value>());
    }
    assert_eq!(found, expected());
}

/// Tables and views that the reader may see any column of: name, meaning, and its columns with type, meaning, and whether
/// the reader may see them.
type Seen = BTreeMap<String, (Option<String>, Vec<(String, String, Option<String>, bool)>)>;

/// A column as Postgres gives it: table, its meaning, column, type, its meaning, whether the reader may see it.
type Line = (String, Option<String>, String, String, Option<String>, bool);

async fn seen(pool: &PgPool) -> Seen {
    let rows: Vec<Line> = sqlx::query_as(
        "select c.relname::text, obj_description(c.oid), a.attname::text, format_type(a.atttypid, null),
            col_description(c.oid, a.attnum),
            has_column_privilege(current_database() || '_reader', c.oid, a.attnum, 'select')
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
            and has_any_column_privilege(current_database() || '_reader', c.oid, 'select')
        order by c.relname, a.attnum",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut seen = Seen::new();
    for (table, meaning, column, kind, said, shown) in rows {
        seen.entry(table).or_insert((meaning, Vec::new())).1.push((column, kind, said, shown));
    }
    seen
}

#[tokio::test]
async fn every_column_that_people_can_read_has_a_meaning_and_what_they_cannot_says_so() {
    let (_database, pool, _reader) = opened().await;
    let seen = seen(&pool).await;
    assert!(seen.contains_key("messages") && seen.contains_key("front_twilio_message_channel_app_v1"));
    for (table, (meaning, columns)) in &seen {
        assert!(meaning.is_some(), "`comment on table {table}` is missing");
        for (column, _, said, shown) in columns {
            let said =
                said.as_deref().unwrap_or_else(|| panic!("`comment on column {table}.{column}` is missing"));
            assert_eq!(
                said.ends_with("Not readable.") || said.contains("Not readable:"),
                !shown,
                "{table}.{column}"
            );
        }
    }
}

#[tokio::test]
async fn the_page_describes_every_table_as_the_database_does() {
    let (_database, pool, _reader) = opened().await;
    let page = page();
    for (table, (meaning, columns)) in seen(&pool).await {
        if table.ends_with("_v1") {
            continue;
        }
        let rows = columns
            .into_iter()
            .map(|(column, kind, said, _)| format!("| `{column}` | {kind} | {} |\n", said.unwrap()));
        let section = format!(
            "### `{table}`\n\n{}\n\n| column | type | meaning |\n|---|---|---|\n{}",
            meaning.unwrap(),
            rows.collect::<String>()
        );
        assert!(page.contains(&section), "docs/SQL.md should have:\n\n{section}");
    }
}
