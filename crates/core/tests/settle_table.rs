//! `begin`, `apply` and `park`: what stands on the row after each act, result and state before.
//!
//! A row after the call is read in words: what it needs, when it wakes, how often it failed, what is in doubt, why it is
//! parked, what the agent was told. Words that say nothing are left out.

mod support;

use chrono::TimeDelta;
use std::time::Duration;
use support::{at, begun, ours, shown, theirs};
use twinwire_core::backoff::backoff;
use twinwire_core::media::{Fetched, File, State};
use twinwire_core::model::Act::{Deliver, Fetch, LookUp, Note, Report};
use twinwire_core::model::{Act, BoundBy, Message, Need, Parked, Status, Told};
use twinwire_core::observe::{AtHelpdesk, fold_helpdesk, fold_provider, release};
use twinwire_core::outcome::{Refusal, RefusalKind};
use twinwire_core::report;
use twinwire_core::settle::{FETCH_TRIES, Result as Came, apply, begin, park};

const CHANCE: f64 = 0.5;

fn words(row: &Message) -> String {
    let need = match row.need() {
        Need::Nothing => "nothing".to_owned(),
        Need::Settle(_) => "settle".to_owned(),
        need => format!("{need:?}").to_lowercase(),
    };
    let wake = match row.wake_at {
        None => String::new(),
        Some(wake) if wake == at(0) => ", now".to_owned(),
        Some(wake) if Ok(wake - at(0)) == TimeDelta::from_std(backoff(row.failures, CHANCE)) => {
            ", later".to_owned()
        }
        Some(wake) if Ok(wake - at(0)) == TimeDelta::from_std(backoff(1, CHANCE)) => ", soon".to_owned(),
        Some(wake) => format!(", wakes at {wake}"),
    };
    let failures = if row.failures > 0 { format!(", failed {}", row.failures) } else { String::new() };
    let doubt = row.doubt.map_or(String::new(), |doubt| {
        format!(", doubt {:?}@{}", doubt.act, (doubt.at - at(0)).num_seconds())
    });
    let parked = row.parked.map_or(String::new(), |why| format!(", parked {why:?}"));
    let told = row.helpdesk_status.map_or(String::new(), |told| format!(", told {told:?}"));
    assert_eq!(row.in_flight, None);
    format!("{need}{wake}{failures}{doubt}{parked}{told}")
}

/// A call that began ten seconds ago; `during` is what became known while it was under way.
fn after(row: &Message, act: Act, during: fn(&Message) -> Message, came: &Came) -> Message {
    apply(&during(&begin(row, act, at(-10))), act, came, at(0), CHANCE)
}

fn quiet(row: &Message) -> Message {
    row.clone()
}

fn echoed(row: &Message) -> Message {
    fold_provider(Some(row), &shown("SM1"), BoundBy::Echo, at(-5))
}

fn called_back(row: &Message) -> Message {
    fold_provider(Some(row), &shown("SM1"), BoundBy::Reference, at(-5))
}

fn answered(row: &Message) -> Message {
    fold_provider(Some(row), &shown("SM1"), BoundBy::Answer, at(0))
}

fn failed(row: &Message) -> Message {
    let seen = twinwire_core::observe::AtProvider { status: Some(Status::Failed), ..shown("SM1") };
    fold_provider(Some(row), &seen, BoundBy::Reference, at(-5))
}

fn imported(row: &Message) -> Message {
    fold_helpdesk(row, &in_helpdesk(Some("msg_2"), Some("uid_2")), at(-5))
}

fn in_helpdesk(id: Option<&str>, accepted_as: Option<&str>) -> AtHelpdesk {
    AtHelpdesk {
        external_id: Some("SM1".to_owned()),
        accepted_as: accepted_as.map(str::to_owned),
        id: id.map(str::to_owned),
        thread: None,
        conversation: None,
        created_at: None,
    }
}

fn refused(kind: RefusalKind) -> Came {
    Came::Refused(Refusal { kind, code: Some("30003".to_owned()), message: "unreachable".to_owned() })
}

fn unknown() -> Came {
    Came::Unknown("time-out".to_owned())
}

/// A time-out while the vendor answers nobody.
fn away() -> Came {
    unknown().while_away()
}

/// A connection that was refused while the vendor answers nobody.
fn not_reached() -> Came {
    later().while_away()
}

fn for_good() -> Came {
    refused(RefusalKind::Permanent)
}

fn later() -> Came {
    refused(RefusalKind::Later)
}

fn too_fast() -> Came {
    refused(RefusalKind::Throttled(Some(Duration::from_secs(9))))
}

fn rejected() -> Came {
    refused(RefusalKind::Credentials)
}

/// A send or sync that was begun 90 seconds ago and may have happened.
fn in_doubt(mut row: Message) -> Message {
    (row.doubt, row.attempted_at, row.failures) = (Some(begun(Deliver, -90)), Some(at(-90)), 1);
    row
}

fn crashed(row: &Message) -> Message {
    begin(row, Deliver, at(-90))
}

fn worn(mut row: Message) -> Message {
    row.failures = 7;
    row
}

/// Sent, and the provider says that it did not arrive.
fn undelivered() -> Message {
    ours(|row| {
        (row.provider_message_id, row.bound_by) = (Some("SM1".to_owned()), Some(BoundBy::Answer));
        (row.provider_status, row.attempted_at) = (Some(Status::Failed), Some(at(-90)));
    })
}

fn unmarkable(mut row: Message) -> Message {
    row.helpdesk_status = Some(Told::StatusRefused);
    row
}

fn noted_perhaps(mut row: Message) -> Message {
    (row.helpdesk_status, row.doubt) = (Some(Told::StatusRefused), Some(begun(Note, -90)));
    row
}

fn parked(why: Parked) -> Message {
    park(&ours(|_| ()), why, at(-20))
}

fn uncertain() -> Message {
    park(&in_doubt(ours(|_| ())), Parked::Uncertain, at(-20))
}

type Line = (&'static str, Message, Act, fn(&Message) -> Message, Came, &'static str);

fn check(lines: Vec<Line>) {
    for (rule, row, act, during, came, expected) in lines {
        assert_eq!(words(&after(&row, act, during, &came)), expected, "{rule}");
    }
}

#[test]
#[rustfmt::skip] // one rule, one line
fn a_delivery() {
    let (send, sync) = (|| ours(|_| ()), || theirs(|_| ()));
    check(vec![
        ("done is done", send(), Deliver, answered, Came::Done, "nothing"),
        ("and forgets its failures", worn(send()), Deliver, answered, Came::Done, "nothing"),
        ("a sync that is done is done", sync(), Deliver, imported, Came::Done, "nothing"),
        // `Result::Done if delivery` in `apply`: without it this row is delivered again at once.
        ("done without an id is not known", send(), Deliver, quiet, Came::Done, "settle, later, failed 1, doubt Deliver@-10"),
        ("unknown is a doubt", send(), Deliver, quiet, unknown(), "settle, later, failed 1, doubt Deliver@-10"),
        ("of a sync too", sync(), Deliver, quiet, unknown(), "settle, later, failed 1, doubt Deliver@-10"),
        ("the newest one is waited for", in_doubt(send()), Deliver, quiet, unknown(), "settle, later, failed 2, doubt Deliver@-10"),
        ("for good parks, and the agent is told", worn(send()), Deliver, quiet, for_good(), "tell, now, parked Refused"),
        ("a sync parks and nobody is told", sync(), Deliver, quiet, for_good(), "nothing, parked Refused"),
        ("not now waits and counts", worn(send()), Deliver, quiet, later(), "deliver, later, failed 8"),
        ("too fast does not count", worn(send()), Deliver, quiet, too_fast(), "deliver, now, failed 7"),
        ("credentials do not count", worn(send()), Deliver, quiet, rejected(), "deliver, now, failed 7"),
        ("a vendor that answers nobody does not count", worn(send()), Deliver, quiet, not_reached(), "deliver, soon, failed 7"),
        ("and leaves a doubt where it may have happened", worn(send()), Deliver, quiet, away(), "settle, soon, failed 7, doubt Deliver@-10"),
    ]);
}

#[test]
fn what_the_vendor_says_of_a_message_counts_also_while_it_answers_nobody() {
    for came in [Came::Done, Came::NotThere, Came::Ambiguous, for_good(), too_fast(), rejected()] {
        assert_eq!(came.clone().while_away(), came);
    }
}

#[test]
fn a_repeated_delivery_keeps_the_doubt_about_the_one_before() {
    let (send, doubt) = (|| in_doubt(ours(|_| ())), |rest| format!("settle, {rest}, doubt Deliver@-90"));
    let came = |came: &Came| words(&after(&send(), Deliver, quiet, came));
    assert_eq!(came(&later()), doubt("later, failed 2"));
    assert_eq!(came(&too_fast()), doubt("now, failed 1"));
    assert_eq!(came(&rejected()), doubt("now, failed 1"));
    assert_eq!(came(&not_reached()), doubt("later, failed 1"));
    // The guard `in_doubt_about(row, Deliver)` in `refused`: without it the agent hears "failed" of a message that
    // the customer may have.
    assert_eq!(came(&for_good()), "tell, now, doubt Deliver@-90, parked Uncertain");
    let row = after(&send(), Deliver, quiet, &for_good());
    assert_eq!((row.provider_error_code.as_deref(), words(&called_back(&row))), (None, "nothing".to_owned()));
    assert_eq!(row.last_error.unwrap(), "(30003) unreachable; an attempt before may have been delivered");
}

#[test]
fn a_repetition_in_the_dark_is_followed_by_asking_before_the_next_one() {
    // `ASK_ANEW` in `begin`: without it a helpdesk that takes messages and answers nothing is given one every 15 minutes.
    let mut row = in_doubt(theirs(|_| ()));
    row.failures = 50;
    let repeated = begin(&row, Deliver, at(-10));
    assert_eq!((repeated.failures, repeated.doubt), (10, row.doubt));
    assert_eq!(backoff(repeated.failures, CHANCE), backoff(50, CHANCE), "and the back-off does not shrink");
    let unclear = apply(&repeated, Deliver, &unknown(), at(0), CHANCE);
    assert_eq!(words(&unclear), "settle, later, failed 11, doubt Deliver@-10");
    assert_eq!(begin(&row, LookUp, at(-10)).failures, 50, "looking is no repetition");
    assert_eq!(
        begin(&worn(theirs(|_| ())), Deliver, at(-10)).failures,
        7,
        "nor is trying what surely failed"
    );
    let mut note = noted_perhaps(undelivered());
    note.failures = 50;
    assert_eq!(begin(&note, Note, at(-10)).failures, 10);
    assert_eq!(begin(&note, Report, at(-10)).failures, 50);
}

#[test]
fn evidence_that_came_during_the_call_wins() {
    let (send, sync) = (|| ours(|_| ()), || theirs(|_| ()));
    let found = || in_doubt(ours(|_| ()));
    for came in [Came::Done, unknown(), for_good(), later(), too_fast(), rejected(), away(), not_reached()] {
        check(vec![
            ("a callback is certain", send(), Deliver, called_back, came.clone(), "nothing"),
            ("an echo is believed", send(), Deliver, echoed, came.clone(), "nothing"),
            ("a notice is certain", sync(), Deliver, imported, came.clone(), "nothing"),
            ("a failure is told", send(), Deliver, failed, came.clone(), "tell, now"),
            ("whatever came before", in_doubt(send()), Deliver, called_back, came, "nothing"),
        ]);
    }
    // `delivery` in `apply`: without the look-up in it, an ambiguous look-up parks a message that is known to be there.
    for came in [Came::Done, Came::NotThere, Came::Ambiguous, unknown(), for_good(), later()] {
        check(vec![
            ("a callback settles a look-up", found(), LookUp, called_back, came.clone(), "nothing"),
            ("a notice does", in_doubt(sync()), LookUp, imported, came.clone(), "nothing"),
            ("a failure is told at once", found(), LookUp, failed, came, "tell, now"),
        ]);
    }
}

#[test]
#[rustfmt::skip] // one rule, one line
fn a_look_up() {
    let send = || in_doubt(ours(|_| ()));
    check(vec![
        ("found is done", send(), LookUp, echoed, Came::Done, "nothing"),
        ("found, and failed, is told", send(), LookUp, failed, Came::Done, "tell, now"),
        ("not there is delivered again, now", send(), LookUp, quiet, Came::NotThere, "deliver, now, failed 1"),
        ("several are for an operator", worn(send()), LookUp, quiet, Came::Ambiguous, "tell, now, doubt Deliver@-90, parked Uncertain"),
        ("found, and bound to nothing, is not found", send(), LookUp, quiet, Came::Done, "settle, later, failed 2, doubt Deliver@-90"),
        ("unknown leaves the doubt", send(), LookUp, quiet, unknown(), "settle, later, failed 2, doubt Deliver@-90"),
        ("refused for good ends the asking", send(), LookUp, quiet, for_good(), "settle, now, failed 50, doubt Deliver@-90"),
        ("refused for good about a note does too", noted_perhaps(undelivered()), LookUp, quiet, for_good(), "settle, now, failed 50, doubt Note@-90, told StatusRefused"),
        ("refused for now does", send(), LookUp, quiet, later(), "settle, later, failed 2, doubt Deliver@-90"),
        ("a vendor that answers nobody does, and does not count", send(), LookUp, quiet, not_reached(), "settle, later, failed 1, doubt Deliver@-90"),
        ("an answer that is lost meanwhile too", send(), LookUp, quiet, away(), "settle, later, failed 1, doubt Deliver@-90"),
        ("too fast does", send(), LookUp, quiet, too_fast(), "settle, now, failed 1, doubt Deliver@-90"),
        ("credentials do", send(), LookUp, quiet, rejected(), "settle, now, failed 1, doubt Deliver@-90"),
        ("after a crash it is the same", crashed(&ours(|_| ())), LookUp, quiet, unknown(), "settle, later, failed 1, doubt Deliver@-90"),
        ("and not there is the same", crashed(&ours(|_| ())), LookUp, quiet, Came::NotThere, "deliver, now"),
    ]);
}

#[test]
#[rustfmt::skip] // one rule, one line
fn a_report() {
    check(vec![
        ("done is told", undelivered(), Report, quiet, Came::Done, "nothing, told Failed"),
        ("of a parked one too", parked(Parked::Refused), Report, quiet, Came::Done, "nothing, parked Refused, told Failed"),
        ("of an uncertain one too", uncertain(), Report, quiet, Came::Done, "nothing, doubt Deliver@-90, parked Uncertain, told Failed"),
        ("refused for good asks for a note", worn(undelivered()), Report, quiet, for_good(), "tell, now, told StatusRefused"),
        ("refused for now waits", undelivered(), Report, quiet, later(), "tell, later, failed 1"),
        ("too fast does not count", worn(undelivered()), Report, quiet, too_fast(), "tell, now, failed 7"),
        ("unknown is no doubt: it may be repeated", undelivered(), Report, quiet, unknown(), "tell, later, failed 1"),
        ("the doubt about an uncertain send stays", uncertain(), Report, quiet, unknown(), "tell, later, failed 1, doubt Deliver@-90, parked Uncertain"),
        ("news that it arrived ends it", uncertain(), Report, called_back, later(), "nothing, failed 1"),
    ]);
}

#[test]
#[rustfmt::skip] // one rule, one line
fn a_note() {
    let note = || unmarkable(undelivered());
    let about = || unmarkable(uncertain());
    let again = || noted_perhaps(undelivered());
    check(vec![
        ("done is told", note(), Note, quiet, Came::Done, "nothing, told Noted"),
        ("refused for good is left to the operator", note(), Note, quiet, for_good(), "nothing, told Untold"),
        ("refused for now waits", note(), Note, quiet, later(), "tell, later, failed 1, told StatusRefused"),
        ("unknown is a doubt", note(), Note, quiet, unknown(), "settle, later, failed 1, doubt Note@-10, told StatusRefused"),
        ("a repeated one keeps the doubt before", again(), Note, quiet, later(), "settle, later, failed 1, doubt Note@-90, told StatusRefused"),
        ("too fast does too", again(), Note, quiet, too_fast(), "settle, now, doubt Note@-90, told StatusRefused"),
        ("found is told", again(), LookUp, quiet, Came::Done, "nothing, told Noted"),
        ("not there is noted again", again(), LookUp, quiet, Came::NotThere, "tell, now, told StatusRefused"),
        ("several are for an operator", again(), LookUp, quiet, Came::Ambiguous, "nothing, told Untold"),
        // `open` in `Message::need`: without the note in it, a note about an uncertain send is repeated blindly.
        ("about an uncertain send, unknown is a doubt", about(), Note, quiet, unknown(), "settle, later, failed 1, doubt Note@-10, parked Uncertain, told StatusRefused"),
        // `note_settled`: without it the send is forgotten, and its echo makes a second row.
        ("done keeps the doubt about the send", about(), Note, quiet, Came::Done, "nothing, doubt Deliver@-90, parked Uncertain, told Noted"),
        ("so does refused", about(), Note, quiet, for_good(), "nothing, doubt Deliver@-90, parked Uncertain, told Untold"),
        ("found brings it back", noted_perhaps(uncertain()), LookUp, quiet, Came::Done, "nothing, doubt Deliver@-90, parked Uncertain, told Noted"),
        ("not there brings it back", noted_perhaps(uncertain()), LookUp, quiet, Came::NotThere, "tell, now, doubt Deliver@-90, parked Uncertain, told StatusRefused"),
    ]);
}

#[test]
fn a_note_that_cannot_be_settled_is_not_written_again() {
    // `uncertain` in `settle`: without it the row is parked, needs telling still, and is noted again and again.
    let row = park(&noted_perhaps(undelivered()), Parked::Uncertain, at(0));
    assert_eq!(words(&row), "nothing, told Untold");
    let refused = ours(|row| row.parked = Some(Parked::Refused));
    assert_eq!(
        words(&park(&noted_perhaps(refused), Parked::Uncertain, at(0))),
        "nothing, parked Refused, told Untold"
    );
    let row = park(&noted_perhaps(uncertain()), Parked::Uncertain, at(0));
    assert_eq!(words(&row), "nothing, doubt Deliver@-90, parked Uncertain, told Untold");
}

#[test]
fn begin_keeps_an_older_doubt_before_it_overwrites_its_mark() {
    // `after.doubt = row.standing_doubt()` in `begin`: without it this test fails, and so do `a_look_up` and
    // `with_a_look_up_on_both_sides_they_end_in_step`.
    let crashed = begin(&ours(|_| ()), Deliver, at(-90));
    assert_eq!(crashed.doubt, None);
    let looking = begin(&crashed, LookUp, at(-20));
    assert_eq!((looking.doubt, looking.in_flight), (Some(begun(Deliver, -90)), Some(begun(LookUp, -20))));
    let crashed_again = begin(&looking, LookUp, at(-10));
    assert_eq!(crashed_again.need(), Need::Settle(begun(Deliver, -90)));
    let repeated = begin(&crashed, Deliver, at(-10));
    assert_eq!((repeated.doubt, repeated.attempted_at), (Some(begun(Deliver, -90)), Some(at(-90))));
}

#[test]
fn begin_remembers_the_first_attempt_of_a_delivery_alone() {
    let first = begin(&ours(|_| ()), Deliver, at(-90));
    assert_eq!(first.attempted_at, Some(at(-90)));
    assert_eq!(begin(&first, Deliver, at(0)).attempted_at, Some(at(-90)));
    assert_eq!(begin(&parked(Parked::TooOld), Report, at(0)).attempted_at, None);
    assert_eq!(begin(&ours(|row| row.wake_at = Some(at(-1))), Deliver, at(0)).wake_at, Some(at(-1)));
}

#[test]
fn parking_keeps_the_doubt_and_starts_counting_anew() {
    let park = |row: &Message, why| words(&park(row, why, at(0)));
    assert_eq!(park(&worn(ours(|_| ())), Parked::GaveUp), "tell, now, parked GaveUp");
    assert_eq!(park(&ours(|_| ()), Parked::TooOld), "tell, now, parked TooOld");
    assert_eq!(park(&theirs(|_| ()), Parked::TooOld), "nothing, parked TooOld");
    assert_eq!(
        park(&in_doubt(theirs(|_| ())), Parked::Uncertain),
        "nothing, doubt Deliver@-90, parked Uncertain"
    );
    assert_eq!(
        park(&crashed(&ours(|_| ())), Parked::Uncertain),
        "tell, now, doubt Deliver@-90, parked Uncertain"
    );
}

#[test]
fn parking_says_why() {
    let mut row = ours(|row| row.last_error = Some("time-out".to_owned()));
    let said = |row: &Message, why| park(row, why, at(0)).last_error.unwrap();
    assert_eq!(said(&row, Parked::GaveUp), "it never moved; see the attempts; last: time-out");
    assert_eq!(said(&row, Parked::TooOld), "too old to be delivered");
    row.last_error = None;
    assert_eq!(said(&row, Parked::GaveUp), "it never moved; see the attempts");
    assert_eq!(said(&row, Parked::Uncertain), "whether it was delivered cannot be known");
}

#[test]
fn late_evidence_takes_a_parked_message_back() {
    for row in [parked(Parked::TooOld), parked(Parked::GaveUp), uncertain()] {
        assert_eq!(words(&called_back(&row)), "nothing");
    }
    assert_eq!(called_back(&parked(Parked::Refused)).parked, Some(Parked::Refused));
    assert_eq!(called_back(&uncertain()).last_error, None, "what went wrong before is over");
    let told = after(&uncertain(), Report, quiet, &Came::Done);
    assert_eq!(words(&called_back(&told)), "nothing, told Failed");
    assert_eq!(words(&failed(&told)), "nothing, told Failed", "once is enough");
}

#[test]
fn an_id_that_was_a_wrong_guess_leaves_a_doubt_and_nothing_of_the_other_message() {
    let sent = after(&ours(|_| ()), Deliver, failed, &unknown());
    let row = release(&sent, at(0));
    assert_eq!(words(&row), "settle, now, doubt Deliver@0");
    assert_eq!((row.provider_message_id, row.bound_by, row.provider_status), (None, None, None));
    let called = release(&failed(&begin(&ours(|_| ()), Deliver, at(-10))), at(-2));
    assert_eq!(
        words(&apply(&called, Deliver, &unknown(), at(0), CHANCE)),
        "settle, later, failed 1, doubt Deliver@-10"
    );
}

#[test]
fn a_message_of_ours_that_was_taken_for_another_apps_is_not_brought_into_the_helpdesk() {
    let taken = fold_provider(None, &shown("SM1"), BoundBy::Answer, at(-10));
    let row = release(&taken, at(0));
    assert_eq!(words(&row), "nothing, parked Uncertain");
    let doubtful = release(&begin(&taken, Deliver, at(-10)), at(0));
    assert_eq!(doubtful.need(), Need::Nothing);
    let there = release(&imported(&taken), at(0));
    assert_eq!(words(&there), "nothing");
}

#[test]
fn a_refusal_of_the_provider_is_its_error_and_one_of_the_helpdesk_is_not() {
    let sent = after(&ours(|_| ()), Deliver, quiet, &for_good());
    assert_eq!(
        (sent.provider_error_code.as_deref(), sent.provider_error_message.as_deref()),
        (Some("30003"), Some("unreachable"))
    );
    assert_eq!(sent.last_error.as_deref(), Some("(30003) unreachable"));
    let synced = after(&theirs(|_| ()), Deliver, quiet, &for_good());
    assert_eq!((synced.provider_error_code, synced.provider_error_message), (None, None));
    assert_eq!(synced.last_error.as_deref(), Some("(30003) unreachable"));
}

#[test]
fn telling_comes_to_an_end_however_often_the_provider_says_the_same() {
    // `before` in `arrived`: without it every poll starts the counting of failed reports anew.
    let mut row = undelivered();
    for round in 1..=5 {
        row = failed(&after(&row, Report, quiet, &later()));
        assert_eq!(row.failures, round);
    }
}

#[test]
fn a_failure_that_slept_is_looked_at_again_when_the_provider_says_more() {
    let asleep = Message { wake_at: None, ..undelivered() };
    assert_eq!(called_back(&asleep).wake_at, None, "nothing new");
    let seen = twinwire_core::observe::AtProvider {
        updated_at: Some(at(-3)),
        data: Some(serde_json::Value::from(1).into()),
        ..shown("SM1")
    };
    assert_eq!(fold_provider(Some(&asleep), &seen, BoundBy::Answer, at(0)).wake_at, Some(at(0)));
    let waits = Message { wake_at: Some(at(500)), ..undelivered() };
    assert_eq!(fold_provider(Some(&waits), &seen, BoundBy::Answer, at(0)).wake_at, Some(at(500)));
}

#[test]
fn the_helpdesks_own_id_wins_over_the_one_under_which_it_took_the_message() {
    let (uid, own) = (in_helpdesk(None, Some("uid_2")), in_helpdesk(Some("msg_2"), None));
    let both = in_helpdesk(Some("msg_2"), Some("uid_2"));
    for order in [
        vec![&uid, &own],
        vec![&own, &uid],
        vec![&uid, &both],
        vec![&both, &uid],
        vec![&uid, &own, &both, &uid],
    ] {
        let row = order.iter().fold(theirs(|_| ()), |row, seen| fold_helpdesk(&row, seen, at(0)));
        assert_eq!(row.helpdesk_message_id.as_deref(), Some("msg_2"), "{order:?}");
    }
    let agents = fold_helpdesk(&ours(|_| ()), &own, at(0));
    assert_eq!(
        agents.helpdesk_message_id.as_deref(),
        Some("msg_1"),
        "an agent's message keeps the id of its order"
    );
}

#[test]
fn trouble_with_telling_the_agent_does_not_become_what_the_agent_is_told() {
    let row = parked(Parked::OptedOut);
    let (reason, note) = (report::reason(&row), report::note(&row));
    assert!(reason.contains("opted out") && note.contains("opted out"), "{reason} {note}");
    for came in [unknown(), later(), for_good(), away(), not_reached(), too_fast(), rejected(), Came::Done] {
        for act in [Report, Note] {
            let told = after(&row, act, quiet, &came);
            assert_eq!(
                (report::reason(&told), report::note(&told)),
                (reason.clone(), note.clone()),
                "{act:?} {came:?}"
            );
        }
    }
    let noted = Message { doubt: Some(begun(Note, -90)), ..unmarkable(row) };
    for came in [unknown(), later(), for_good(), Came::NotThere, Came::Ambiguous, Came::Done] {
        assert_eq!(report::note(&after(&noted, LookUp, quiet, &came)), note, "{came:?}");
    }
}

fn with_file(mut row: Message) -> Message {
    row.media = vec![File { url: Some("https://files/1".into()), ..File::default() }.into()];
    row
}

fn kept() -> Came {
    let file = File { content_type: Some("image/jpeg".into()), size: Some(3), ..File::default() };
    Came::Fetched(Fetched::Kept { url: "https://files/1".into(), key: "k".into(), file })
}

fn gone() -> Came {
    Came::Fetched(Fetched::Missing { why: "it is gone".into() })
}

#[test]
fn a_file_is_fetched_before_it_is_delivered() {
    let row = after(&with_file(theirs(|row| row.failures = 3)), Fetch, quiet, &kept());
    assert_eq!(words(&row), "deliver, now");
    assert_eq!(row.media[0].key(), Some("k"));
    assert_eq!(row.attempted_at, None, "nothing was delivered yet");
}

#[test]
fn a_customers_message_goes_on_without_a_file_and_an_agents_does_not() {
    let theirs = after(&with_file(theirs(|_| ())), Fetch, quiet, &gone());
    assert_eq!(words(&theirs), "deliver, now");
    assert_eq!(theirs.media[0].state, State::Missing { why: "it is gone".into() });
    let ours = after(&with_file(ours(|_| ())), Fetch, quiet, &gone());
    assert_eq!(words(&ours), "tell, now, parked Refused");
    assert_eq!(report::reason(&ours), "Error: a file could not be had from the helpdesk: it is gone");
}

#[test]
fn a_file_is_tried_for_some_minutes_where_it_holds_up_a_customer() {
    let trouble = Came::Unknown("time-out".into());
    let row = after(&with_file(theirs(|_| ())), Fetch, quiet, &trouble);
    assert_eq!(words(&row), "deliver, later, failed 1");
    let last = after(&with_file(theirs(|row| row.failures = FETCH_TRIES - 1)), Fetch, quiet, &trouble);
    assert_eq!(words(&last), "deliver, now");
    let why = "it could not be fetched (time-out)".to_owned();
    assert_eq!(last.media[0].state, State::Missing { why });
    let ours = after(&with_file(ours(|row| row.failures = FETCH_TRIES - 1)), Fetch, quiet, &trouble);
    assert_eq!(words(&ours), "tell, now, parked Refused");
}

#[test]
fn an_upload_that_never_ends_is_given_up_and_the_text_goes_alone() {
    let mut row = with_file(theirs(|row| row.failures = FETCH_TRIES - 1));
    row.media[0].state = State::Kept { key: "k".into() };
    let row = after(&row, Deliver, quiet, &Came::Unknown("time-out".into()));
    assert!(matches!(row.media[0].state, State::Missing { .. }));
    assert_eq!(words(&row), format!("settle, later, failed {FETCH_TRIES}, doubt Deliver@-10"));
}

#[test]
fn who_opted_out_at_the_provider_is_known_as_such() {
    let refusal =
        Refusal { kind: RefusalKind::OptedOut, code: Some("21610".into()), message: "stopped".into() };
    let row = after(&ours(|_| ()), Deliver, quiet, &Came::Refused(refusal));
    assert_eq!(words(&row), "tell, now, parked OptedOut");
    assert_eq!(report::reason(&row), "Error (21610): stopped");
}

#[test]
fn the_rest_of_a_text_is_put_aside_without_a_word() {
    let row = park(&ours(|_| ()), Parked::Incomplete, at(0));
    assert_eq!((row.need(), row.wake_at), (Need::Nothing, None));
}

#[test]
fn a_helpdesk_that_does_not_take_the_files_gets_the_text_without_them() {
    let mut row = with_file(theirs(|_| ()));
    row.media[0].state = State::Kept { key: "k".into() };
    let refusal = || {
        let (kind, code) = (RefusalKind::Permanent, Some("413".into()));
        Came::Refused(Refusal { kind, code, message: "too large".into() })
    };
    let without = after(&row, Deliver, quiet, &refusal());
    assert_eq!(words(&without), "deliver, now");
    let why = "the helpdesk did not take it: (413) too large".to_owned();
    assert_eq!(without.media[0].state, State::Missing { why });
    assert_eq!(words(&after(&without, Deliver, quiet, &refusal())), "nothing, parked Refused");
}
