//! What an operator reads of a message: every action for the rows that lead to it, and every kind of evidence.

mod support;

use chrono::TimeDelta;
use std::time::Duration;
use support::{CUSTOMER, at, begun, ours, shown, theirs};
use twinwire_core::caps::{Caps, LookUp, Worse};
use twinwire_core::explain::{self, Next, Place, Situation, Worked, came, clock, news, noted, tried};
use twinwire_core::model::{Act, BoundBy, Message, Parked, Side, Status, Told};
use twinwire_core::observe::{AtHelpdesk, AtProvider, fold_helpdesk, fold_provider};
use twinwire_core::plan::{End, Facts, Policy, plan};

static CAPS: Caps = Caps {
    look_up: LookUp::Always,
    worse: Worse::Twice,
    settling: Duration::from_secs(60),
    longest_text: None,
    keeps_opt_outs: false,
    shows_standing: false,
};
static POLICY: Policy = Policy {
    too_old: TimeDelta::hours(48),
    report_within: TimeDelta::days(4),
    give_up_after: 50,
    settling: None,
};

/// How everything stands around a row, and what is read then.
struct Around {
    facts: Facts<'static>,
    rests: Option<&'static str>,
    off: Option<&'static str>,
    paused: Option<&'static str>,
    ahead: Option<&'static str>,
    passed: i64,
    worked: Worked<'static>,
}

fn around() -> Around {
    let end = End { caps: &CAPS, paused_until: None };
    Around {
        facts: Facts {
            active: true,
            turn: true,
            thread_known: true,
            opted_out: false,
            broken_off: false,
            helpdesk: end,
            provider: end,
            policy: &POLICY,
        },
        rests: None,
        off: None,
        paused: None,
        ahead: None,
        passed: 0,
        worked: Worked::By("4711-00ab"),
    }
}

fn but(change: impl FnOnce(&mut Around)) -> Around {
    let mut around = around();
    change(&mut around);
    around
}

fn rests(side: Side, why: &'static str) -> Around {
    but(|around| {
        around.rests = Some(why);
        match side {
            Side::Helpdesk => around.facts.helpdesk.paused_until = Some(at(90)),
            Side::Provider => around.facts.provider.paused_until = Some(at(90)),
        }
    })
}

fn read(row: &Message, around: &Around) -> Next {
    let place = |title| Place { title, rests: around.rests };
    let about = Situation {
        row,
        name: "42",
        facts: &around.facts,
        now: at(0),
        helpdesk: place("Front"),
        provider: place("SignalWire"),
        off: around.off,
        paused: around.paused,
        ahead: around.ahead,
        passed: around.passed,
        worked: around.worked,
    };
    explain::next(plan(row, &around.facts, at(0)), &about)
}

type Line = (&'static str, Message, Around, &'static [&'static str], &'static [&'static str]);

/// All of the words are there, and exactly these commands.
fn check(lines: Vec<Line>) {
    for (rule, row, around, words, commands) in lines {
        let next = read(&row, &around);
        let said = next.words.join(" ");
        for part in words {
            assert!(said.contains(part), "{rule}: `{part}` is not in `{said}`");
        }
        assert_eq!(next.commands, commands, "{rule}: {said}");
    }
}

fn sent(change: impl FnOnce(&mut Message)) -> Message {
    ours(|row| {
        row.provider_message_id = Some("SM1".to_owned());
        row.bound_by = Some(BoundBy::Answer);
        row.provider_status = Some(Status::Delivered);
        row.attempted_at = Some(at(-50));
        row.wake_at = None;
        change(row);
    })
}

fn failed(told: Option<Told>) -> Message {
    sent(|row| {
        row.provider_status = Some(Status::Undelivered);
        row.provider_updated_at = Some(at(-10));
        row.helpdesk_status = told;
    })
}

fn parked(why: Parked) -> Message {
    ours(|row| (row.parked, row.helpdesk_status, row.wake_at) = (Some(why), Some(Told::Failed), None))
}

fn retried(failures: u32) -> Message {
    ours(|row| (row.failures, row.wake_at) = (failures, Some(at(30))))
}

fn doubt(since: i64) -> Message {
    ours(|row| (row.doubt, row.attempted_at) = (Some(begun(Act::Deliver, since)), Some(at(since))))
}

fn flying() -> Message {
    ours(|row| (row.in_flight, row.attempted_at) = (Some(begun(Act::Deliver, -5)), Some(at(-5))))
}

const NONE: &[&str] = &[];
const RETRY: &[&str] = &["twinwire retry 42"];
const NOW: &[&str] = &["twinwire retry 42 --now"];
const SETTLE: &[&str] = &["twinwire settle 42 --arrived <its id there>", "twinwire settle 42 --not-arrived"];

#[test]
#[rustfmt::skip] // one rule, one line
fn nothing_is_said_with_its_reason() {
    let stale = sent(|row| (row.provider_status, row.provider_updated_at) = (Some(Status::Failed), Some(at(-5 * 86_400))));
    let settled = sent(|row| (row.in_flight, row.wake_at) = (Some(begun(Act::Deliver, -5)), Some(at(0))));
    let no_message = theirs(|row| (row.parked, row.provider_message_id, row.wake_at) = (Some(Parked::Uncertain), None, None));
    let passed = |count| but(|around| around.passed = count);
    check(vec![
        ("delivered", sent(|_| ()), around(), &["Nothing", "in step"], NONE),
        ("on its way", sent(|row| row.provider_status = Some(Status::Sent)), around(), &["in step", "What SignalWire says of it later"], NONE),
        ("a customer's text", theirs(|row| (row.helpdesk_message_id, row.wake_at) = (Some("msg_1".to_owned()), None)), around(), &["in step"], NONE),
        ("failed and told", failed(Some(Told::Failed)), around(), &["not delivered", "the agent knows", "writes it again"], NONE),
        ("failed and noted", failed(Some(Told::Noted)), around(), &["the agent knows"], NONE),
        ("failed and untold", failed(Some(Told::Untold)), around(), &["could not be told", "yourself"], NONE),
        ("failed long ago", stale, around(), &["too old to be told"], NONE),
        ("settled after a crash", settled, around(), &["lost the channel", "only the mark"], NONE),
        ("refused", parked(Parked::Refused), around(), &["SignalWire refused it for good", "tried anew"], RETRY),
        ("refused by the helpdesk", theirs(|row| (row.parked, row.wake_at) = (Some(Parked::Refused), None)), around(), &["Front refused it for good"], RETRY),
        ("too old", parked(Parked::TooOld), around(), &["too old"], RETRY),
        ("given up", parked(Parked::GaveUp), around(), &["did not arrive"], RETRY),
        ("uncertain", parked(Parked::Uncertain), around(), &["cannot be known", "Look at SignalWire"], SETTLE),
        ("no message of its own", no_message, around(), &["no message of its own"], NONE),
        ("passed by one", parked(Parked::Refused), passed(1), &["One later message of the conversation has passed it"], RETRY),
        ("passed by more", parked(Parked::Refused), passed(3), &["3 later messages of the conversation have passed it"], RETRY),
    ]);
}

#[test]
#[rustfmt::skip] // one rule, one line
fn a_wait_is_said_with_its_time_and_its_reason() {
    let untold = Message { wake_at: Some(at(30)), failures: 1, ..failed(None) };
    check(vec![
        ("a second try", retried(1), around(), &["tried again at", "in 30 s", "after one attempt in vain"], NOW),
        ("a third try", retried(2), around(), &["after 2 attempts in vain"], NOW),
        ("the provider rests", ours(|_| ()), rests(Side::Provider, "throttled"), &["in 90 s", "the SignalWire account rests (throttled)"], NONE),
        ("the helpdesk rests", theirs(|_| ()), rests(Side::Helpdesk, "credentials refused"), &["the Front account rests", "twinwire setup"], NONE),
        ("the telling waits for the helpdesk", failed(None), rests(Side::Helpdesk, "throttled"), &["the Front account rests"], NONE),
        ("the telling is tried again", untold, around(), &["The agent is told at", "after one attempt in vain"], NOW),
        ("an unknown outcome settles", doubt(-20), around(), &["not known", "SignalWire is asked at", "in 40 s"], NONE),
        ("its turn", ours(|_| ()), but(|a| (a.facts.turn, a.ahead) = (false, Some("41"))), &["its turn behind 41"], &["twinwire why 41"]),
        ("its channel", ours(|_| ()), but(|a| (a.facts.active, a.off) = (false, Some("nobody has connected it"))), &["its channel: nobody has"], NONE),
        ("its paused channel", ours(|_| ()), but(|a| (a.facts.active, a.off, a.paused) = (false, Some("it is paused"), Some("chn_1"))), &["its channel: it is paused"], &["twinwire channels resume chn_1"]),
    ]);
}

#[test]
#[rustfmt::skip] // one rule, one line
fn what_is_due_is_said_with_the_side_and_who_does_it() {
    let nobody = || but(|around| around.worked = Worked::Nobody);
    let old = ours(|row| row.occurred_at = at(-72 * 3600));
    check(vec![
        ("a send", ours(|_| ()), around(), &["It is sent through SignalWire now."], NONE),
        ("a sync", theirs(|_| ()), around(), &["It is put into Front now."], NONE),
        ("a look-up", doubt(-70), around(), &["SignalWire is asked whether the last attempt arrived now"], NONE),
        ("a mark", failed(None), around(), &["Front is told to mark it as failed now"], NONE),
        ("a note", failed(Some(Told::StatusRefused)), around(), &["A note about the failure is put into Front now"], NONE),
        ("aside", old, around(), &["put aside now", "too old"], NONE),
        ("a send that nobody makes", ours(|_| ()), nobody(), &["No process works the channel", "twinwire serve"], NONE),
        ("in the middle", flying(), but(|a| a.worked = Worked::Trying("4711-00ab")), &["It is sent through SignalWire at this moment", "for 5 s", "process 4711-00ab"], NONE),
        ("after a crash", flying(), around(), &["began to deliver it", "lost the channel", "SignalWire is asked at", "in 55 s"], NONE),
    ]);
}

#[test]
fn a_time_of_another_day_has_its_date() {
    assert_eq!(clock(at(0), at(0)).len(), "00:00:00".len());
    assert_eq!(clock(at(86_400), at(0)).len(), "2026-01-01 00:00:00".len());
}

/// Evidence in one line: what the row was, what was seen, the words and the error.
fn told_of(before: Option<&Message>, seen: &AtProvider, by: BoundBy) -> Option<(String, Option<String>)> {
    let after = fold_provider(before, seen, by, at(0));
    news(before, &after).map(|news| (news.what, news.error))
}

fn with_status(status: Status) -> AtProvider {
    AtProvider { status: Some(status), ..shown("SM1") }
}

#[test]
fn news_says_what_became_known_and_nothing_else() {
    let order = ours(|_| ());
    let bound = fold_provider(Some(&order), &with_status(Status::Queued), BoundBy::Echo, at(0));
    let said = |what: &str| Some((what.to_owned(), None));
    assert_eq!(news(None, &order).unwrap().what, "ordered in the helpdesk");
    let queued = with_status(Status::Queued);
    for (by, words) in [
        (BoundBy::Echo, "bound to SM1 by echo, at the provider: queued"),
        (BoundBy::Reference, "bound to SM1 by reference, at the provider: queued"),
        (BoundBy::Answer, "bound to SM1 by answer, at the provider: queued"),
    ] {
        assert_eq!(told_of(Some(&order), &queued, by), said(words));
    }
    // The same again, or less than is known, or only another time of it: no news.
    assert_eq!(told_of(Some(&bound), &queued, BoundBy::Echo), None);
    assert_eq!(told_of(Some(&bound), &with_status(Status::Accepted), BoundBy::Echo), None);
    let later = AtProvider { updated_at: Some(at(5)), ..queued.clone() };
    assert_eq!(told_of(Some(&bound), &later, BoundBy::Echo), None);
    assert_eq!(told_of(Some(&bound), &queued, BoundBy::Reference), said("certainly SM1, by reference"));
    let other = AtProvider { id: "SM2".to_owned(), ..queued };
    let words = "bound to SM2 by reference instead of SM1";
    assert_eq!(told_of(Some(&bound), &other, BoundBy::Reference), said(words));
    let failure = AtProvider {
        error_code: Some("30003".to_owned()),
        error_message: Some("Unreachable".to_owned()),
        ..with_status(Status::Undelivered)
    };
    let told = Some(("at the provider: undelivered".to_owned(), Some("(30003) Unreachable".to_owned())));
    assert_eq!(told_of(Some(&bound), &failure, BoundBy::Echo), told);
    let code_alone = AtProvider { error_message: None, ..failure.clone() };
    let failed = fold_provider(Some(&bound), &code_alone, BoundBy::Echo, at(0));
    let told = Some(("at the provider: an error".to_owned(), Some("(30003) Unreachable".to_owned())));
    assert_eq!(told_of(Some(&failed), &failure, BoundBy::Echo), told);
}

#[test]
fn news_of_messages_that_are_not_ours() {
    let text = AtProvider {
        direction: twinwire_core::model::Direction::Inbound,
        from: CUSTOMER.to_owned(),
        status: Some(Status::Received),
        body: None,
        ..shown("SM1")
    };
    let row = fold_provider(None, &text, BoundBy::Answer, at(0));
    assert_eq!(news(None, &row).unwrap().what, "at the provider: received");
    let old = Message { parked: Some(Parked::TooOld), ..row.clone() };
    assert_eq!(news(None, &old).unwrap().what, "at the provider: received, put aside: too old");
    let foreign = fold_provider(None, &with_status(Status::Sent), BoundBy::Answer, at(0));
    assert_eq!(news(None, &foreign).unwrap().what, "at the provider: sent, not sent by us");
    let whole = AtProvider { body: Some("Hello".to_owned()), ..text };
    let known = told_of(Some(&row), &whole, BoundBy::Answer).unwrap();
    assert_eq!(known.0, "more of it is known", "its text is not repeated");
    let there = AtHelpdesk {
        external_id: None,
        accepted_as: None,
        id: Some("msg_7".to_owned()),
        thread: None,
        conversation: None,
        created_at: None,
    };
    let synced = fold_helpdesk(&row, &there, at(0));
    assert_eq!(news(Some(&row), &synced).unwrap().what, "in the helpdesk as msg_7");
    assert_eq!(news(Some(&synced), &fold_helpdesk(&synced, &there, at(1))), None);
}

#[test]
fn the_journals_words_are_told_for_people_and_unknown_ones_stay_readable() {
    for act in [Act::Deliver, Act::LookUp, Act::Report, Act::Note] {
        for side in [Side::Helpdesk, Side::Provider] {
            assert!(tried(act, side).starts_with("to "));
            assert!(!came(act, side, "done").contains("done"));
        }
    }
    assert_eq!(came(Act::Deliver, Side::Helpdesk, "refused_for_good"), "refused for good");
    assert_eq!(noted("parked"), "put aside");
    assert_eq!(noted("something_new"), "something new");
}
