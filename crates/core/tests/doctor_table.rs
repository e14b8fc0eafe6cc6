//! What the doctor says of which facts.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use std::collections::BTreeSet;
use std::time::Duration;
use twinwire_core::doctor::outside::{Hooked, Public, Reached, Tried, hook, public, vendor};
use twinwire_core::doctor::place::{Database, Folder, Schema, clock, database, folder, schema};
use twinwire_core::doctor::work::{
    Account, AllJobs, Endpoint, Jobs, Messages, Stuck, accounts, endpoints, jobs, messages, workers,
};
use twinwire_core::doctor::{Check, Finding, Level, Trouble};
use twinwire_core::outcome::{Done, Outcome, Refusal, RefusalKind};
use twinwire_core::setup::Goes;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap()
}

/// The troubles that were found, in order.
fn troubles(found: &[Finding]) -> Vec<&'static str> {
    found.iter().filter_map(|one| one.trouble).map(Trouble::word).collect()
}

/// Where all is well one line says so; where something is wrong every line says what to do.
fn assert_sound(found: &[Finding]) {
    assert!(!found.is_empty());
    for one in found {
        assert!(one.words.ends_with(['.', ':']) || one.trouble.is_some(), "{one:?}");
        assert_eq!(one.trouble.is_none(), one.level == Level::Ok, "{one:?}");
        assert_eq!(one.trouble.map_or(Level::Ok, Trouble::level), one.level);
    }
}

#[test]
fn every_word_is_given_once() {
    let words: BTreeSet<&str> = Trouble::ALL.iter().map(|one| one.word()).collect();
    assert_eq!(words.len(), Trouble::ALL.len());
    assert!(Trouble::ALL.iter().all(|one| one.level() != Level::Ok));
    let words: BTreeSet<&str> = Check::ALL.iter().map(|one| one.word()).collect();
    assert_eq!(words.len(), Check::ALL.len());
}

fn postgres() -> Database {
    let on = |name: &str| (name.to_owned(), "on".to_owned());
    Database {
        version: 150_018,
        took: Duration::from_millis(2),
        ahead: TimeDelta::zero(),
        settings: vec![on("fsync"), on("full_page_writes"), on("synchronous_commit")],
        missing_extensions: Vec::new(),
    }
}

#[test]
fn a_database_that_may_forget_what_it_acknowledged_is_told() {
    for (name, value, trouble) in [
        ("fsync", "on", None),
        ("fsync", "off", Some("database-unsafe")),
        ("full_page_writes", "off", Some("database-unsafe")),
        ("synchronous_commit", "off", Some("database-asynchronous")),
        ("synchronous_commit", "remote_apply", None),
        ("synchronous_commit", "local", None),
    ] {
        let mut facts = postgres();
        facts.settings.retain(|(known, _)| known != name);
        facts.settings.push((name.to_owned(), value.to_owned()));
        let found = database(&facts);
        assert_sound(&found);
        assert_eq!(troubles(&found), trouble.into_iter().collect::<Vec<_>>(), "{name}={value}");
    }
    let found = database(&Database { missing_extensions: vec!["hstore".to_owned()], ..postgres() });
    assert_eq!(troubles(&found), ["extension-missing"]);
    assert!(found[0].next[0].ends_with("create extension hstore"));
    assert!(database(&postgres())[0].words.starts_with("PostgreSQL 15.18 answers in 2 ms"));
}

#[test]
fn clocks_are_apart_in_either_way() {
    for (seconds, trouble, way) in [
        (0, None, ""),
        (4, None, ""),
        (-4, None, ""),
        (5, Some("clock-drifts"), "5 s behind"),
        (-19, Some("clock-drifts"), "19 s ahead of"),
        (20, Some("clock-wrong"), "20 s behind"),
        (-7_200, Some("clock-wrong"), "2 h ahead of"),
    ] {
        let found = clock(Check::Database, "the database", TimeDelta::seconds(seconds));
        assert_eq!(found.as_ref().and_then(|one| one.trouble).map(Trouble::word), trouble, "{seconds}");
        assert!(found.is_none_or(|one| one.words.contains(way)), "{seconds}");
    }
}

#[test]
fn a_schema_is_older_newer_or_as_it_should_be() {
    for (missing, unknown, wanted) in [
        (0, 0, &[][..]),
        (2, 0, &["migrations-missing"]),
        (0, 1, &["migrations-unknown"]),
        (1, 1, &["migrations-missing", "migrations-unknown"]),
    ] {
        let found = schema(Schema { known: 31, missing, unknown });
        assert_sound(&found);
        assert_eq!(troubles(&found), wanted);
    }
}

#[test]
fn a_key_that_others_can_read_is_told_and_a_disk_that_gets_full() {
    let fine = Folder {
        path: Some("/var/lib/twinwire".to_owned()),
        mode: Some(0o40_755),
        key_mode: Some(0o100_600),
        free: Some(40 << 30),
        ..Folder::default()
    };
    for (facts, wanted) in [
        (fine.clone(), &[][..]),
        (Folder::default(), &[]),
        (Folder { key_mode: Some(0o100_640), ..fine.clone() }, &["key-readable"]),
        (Folder { key_mode: Some(0o100_604), ..fine.clone() }, &["key-readable"]),
        (Folder { mode: Some(0o40_775), ..fine.clone() }, &["folder-writable"]),
        (Folder { unreadable: Some("x".to_owned()), ..fine.clone() }, &["folder-unreadable"]),
        (Folder { free: Some(900 << 20), ..fine.clone() }, &["disk-low"]),
        (Folder { free: Some(100 << 20), ..fine.clone() }, &["disk-full"]),
        (
            Folder { missing: vec![("TWINWIRE_FRONT_APP_ID".to_owned(), "The App UID".to_owned())], ..fine },
            &["setting-missing"],
        ),
    ] {
        let found = folder(&facts);
        assert_sound(&found);
        assert_eq!(troubles(&found), wanted, "{facts:?}");
    }
}

#[test]
fn the_public_address_leads_here_or_it_is_said_where_it_leads() {
    let url = |url: &str| Some(url.to_owned());
    let here = Some(Reached::Here);
    let silent = Some(Reached::Silent("timed out".to_owned()));
    let https = "https://twinwire.example.com";
    for (url, is_public, reached, served, wanted) in [
        (None, false, None, true, &["public-url-unset"][..]),
        (url(https), true, here.clone(), true, &[]),
        (url(https), true, silent.clone(), true, &["public-url-unreachable"]),
        (url(https), true, silent, false, &["public-url-unreachable"]),
        (url(https), true, Some(Reached::Elsewhere(404)), true, &["public-url-elsewhere"]),
        (url(https), false, Some(Reached::Unresolved), true, &["public-url-unresolved"]),
        (url(https), false, here.clone(), true, &["public-url-private"]),
        (url("http://twinwire.example.com"), true, here.clone(), true, &["public-url-plain"]),
        (url("http://127.0.0.1:8080"), false, here, true, &["public-url-private"]),
    ] {
        let facts = Public { url, is_public, reached, served };
        let found = public(&facts);
        assert_sound(&found);
        assert_eq!(troubles(&found), wanted, "{facts:?}");
        let says = found[0].words.contains("No running server is known");
        assert_eq!(says, !served && matches!(facts.reached, Some(Reached::Silent(_))), "{facts:?}");
    }
}

#[test]
fn what_the_vendor_says_of_the_credentials_decides_whose_matter_it_is() {
    let refused = |kind| Outcome::Refused(Refusal { kind, code: None, message: "no".to_owned() });
    let away = Outcome::Unknown("timed out".to_owned());
    for (outcome, trouble) in [
        (Some(Outcome::Done(Done::Checked)), None),
        (Some(refused(RefusalKind::Credentials)), Some("credentials-refused")),
        (Some(refused(RefusalKind::Throttled(None))), Some("credentials-untried")),
        (Some(refused(RefusalKind::Permanent)), Some("credentials-untried")),
        (Some(refused(RefusalKind::Later)), Some("vendor-away")),
        (Some(away), Some("vendor-away")),
        (None, Some("credentials-untried")),
    ] {
        let tried = Tried {
            account: "acc_1",
            title: "SignalWire",
            outcome: outcome.as_ref(),
            ahead: None,
            channel: Some("chn_1"),
        };
        let found = vendor(&tried);
        assert_sound(&found);
        assert_eq!(troubles(&found), trouble.into_iter().collect::<Vec<_>>(), "{outcome:?}");
        assert!(found.iter().all(|one| one.about.as_deref() == Some("acc_1")));
    }
    let tried = Tried {
        account: "acc_1",
        title: "Front",
        outcome: None,
        ahead: Some(TimeDelta::minutes(5)),
        channel: None,
    };
    assert_eq!(troubles(&vendor(&tried)), ["credentials-untried", "clock-wrong"]);
}

#[test]
fn a_webhook_of_another_application_is_named_by_its_host_alone() {
    let to = "https://user:secret@other.example.com/in?token=secret".to_owned();
    for (goes, hears, trouble) in [
        (Some(Goes::Here), true, None),
        (Some(Goes::Here), false, Some("webhook-unsigned")),
        (Some(Goes::Nowhere), true, Some("webhook-unset")),
        (Some(Goes::Elsewhere(to)), true, Some("webhook-elsewhere")),
        (Some(Goes::Unknown("no".to_owned())), true, Some("webhook-unknown")),
        (None, true, Some("webhook-unknown")),
    ] {
        let found = hook(&Hooked { channel: "chn_1", title: "SignalWire", goes: goes.as_ref(), hears });
        assert_eq!(found.trouble.map(Trouble::word), trouble, "{goes:?}");
        assert!(!format!("{found:?}").contains("secret"), "{found:?}");
        assert_eq!(trouble == Some("webhook-elsewhere"), found.words.contains("at other.example.com."));
    }
}

#[test]
fn accounts_rest_or_take_what_is_not_verified() {
    let fine = Account {
        account: "acc_1",
        title: "SignalWire",
        rests_until: None,
        reason: None,
        refused: false,
        refusals: 0,
        log_only: false,
    };
    let later = Some(now() + TimeDelta::minutes(3));
    let before = Some(now() - TimeDelta::minutes(3));
    for (one, wanted) in [
        (fine.clone(), &[][..]),
        (Account { rests_until: before, ..fine.clone() }, &[]),
        (Account { rests_until: later, reason: Some("throttled"), ..fine.clone() }, &["account-rests"]),
        (Account { refusals: 2, refused: true, ..fine.clone() }, &["account-refused"]),
        (Account { log_only: true, ..fine.clone() }, &["log-only"]),
        (
            Account { rests_until: later, refused: true, log_only: true, ..fine },
            &["account-refused", "log-only"],
        ),
    ] {
        let found = accounts(std::slice::from_ref(&one), now());
        assert_sound(&found);
        assert_eq!(troubles(&found), wanted, "{one:?}");
    }
    assert_eq!(troubles(&accounts(&[], now())), [""; 0]);
}

#[test]
fn messages_that_nobody_works_are_told_with_the_command_that_lists_them() {
    let stuck =
        |worked| Stuck { channel: "chn_1".to_owned(), due: 3, since: now() - TimeDelta::minutes(12), worked };
    let facts = Messages { stuck: vec![stuck(false)], pending: 3, ..Messages::default() };
    let found = messages(&facts, now());
    assert_eq!(troubles(&found), ["messages-stuck"]);
    assert_eq!(found[0].words, "3 messages, due for up to 12 min. No process works the channel.");
    assert_eq!(found[0].next, ["twinwire messages list --pending --channel chn_1"]);
    let held = messages(&Messages { stuck: vec![stuck(true)], ..Messages::default() }, now());
    assert!(held[0].words.contains("A process holds the channel"));
    let parked = vec![("refused".to_owned(), 2), ("uncertain".to_owned(), 1)];
    let facts = Messages { parked, unconnected: vec!["chn_2".to_owned()], ..Messages::default() };
    let found = messages(&facts, now());
    assert_eq!(troubles(&found), ["messages-parked", "channel-unconnected"]);
    assert_eq!(found[0].words, "3 messages put aside: 2 refused, 1 uncertain.");
    for pending in [0, 7] {
        assert_sound(&messages(&Messages { pending, ..Messages::default() }, now()));
    }
}

#[test]
fn jobs_hang_or_fail_or_lists_are_behind() {
    let of = |kind: &str| vec![Jobs { kind: kind.to_owned(), count: 2, latest: 41 }];
    let behind = |minutes| vec![("SignalWire".to_owned(), TimeDelta::minutes(minutes))];
    for (facts, wanted) in [
        (AllJobs::default(), &[][..]),
        (AllJobs { behind: behind(15), ..AllJobs::default() }, &[]),
        (AllJobs { behind: behind(16), ..AllJobs::default() }, &["reading-behind"]),
        (AllJobs { failed: of("retain"), ..AllJobs::default() }, &["job-failed"]),
        (
            AllJobs { stuck: of("full"), failed: of("poll"), ..AllJobs::default() },
            &["job-stuck", "job-failed"],
        ),
    ] {
        let found = jobs(&facts);
        assert_sound(&found);
        assert_eq!(troubles(&found), wanted, "{facts:?}");
    }
}

#[test]
fn endpoints_are_off_or_take_nothing() {
    let fine = Endpoint {
        endpoint: "ep_1",
        state: "active",
        reason: None,
        failing_since: None,
        last_error: None,
        pending: 0,
    };
    let since = Some(now() - TimeDelta::hours(3));
    for (one, wanted) in [
        (fine.clone(), &[][..]),
        (Endpoint { state: "paused", ..fine.clone() }, &["endpoint-off"]),
        (Endpoint { state: "disabled", reason: Some("gone (410)"), ..fine.clone() }, &["endpoint-off"]),
        (Endpoint { failing_since: since, last_error: Some("answered 500"), ..fine }, &["endpoint-failing"]),
    ] {
        let found = endpoints(std::slice::from_ref(&one), now());
        assert_sound(&found);
        assert_eq!(troubles(&found), wanted, "{one:?}");
    }
}

#[test]
fn without_a_process_that_works_nothing_is_delivered() {
    for (alive, trouble) in [(0, Some("no-worker")), (1, None), (3, None)] {
        assert_eq!(workers(alive).trouble.map(Trouble::word), trouble);
    }
}
