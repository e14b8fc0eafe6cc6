//! The planner's rules, one per line: a row, what else is known, and the action.

mod support;

use chrono::TimeDelta;
use std::time::Duration;
use support::{at, begun, ours, shown, theirs};
use twinwire_core::caps::{Caps, LookUp, Worse};
use twinwire_core::media::{File, State};
use twinwire_core::model::{Act, BoundBy, Message, Parked, Side, Status, Told};
use twinwire_core::observe::fold_provider;
use twinwire_core::plan::{Action, End, Facts, GIVE_UP_AFTER, Policy, plan, side_of};

const fn caps(look_up: LookUp, worse: Worse) -> Caps {
    let settling = Duration::from_secs(60);
    Caps { look_up, worse, settling, longest_text: None, keeps_opt_outs: false, shows_standing: false }
}

static LISTS: Caps = caps(LookUp::Always, Worse::Twice);
static KNOWN_THREAD: Caps = caps(LookUp::KnownThread, Worse::Never);
static KNOWN_THREAD_OR_PARK: Caps = caps(LookUp::KnownThread, Worse::Twice);
static BLIND_NEVER_IS_WORSE: Caps = caps(LookUp::Never, Worse::Never);
static BLIND_TWICE_IS_WORSE: Caps = caps(LookUp::Never, Worse::Twice);
static KEEPS_OPT_OUTS: Caps = Caps { keeps_opt_outs: true, ..caps(LookUp::Always, Worse::Twice) };
static POLICY: Policy = Policy {
    too_old: TimeDelta::hours(48),
    report_within: TimeDelta::days(4),
    give_up_after: 50,
    settling: None,
};
static NEVER_GIVES_UP: Policy = Policy { give_up_after: u32::MAX, ..POLICY };
static AT_ONCE: Policy = Policy { settling: Some(TimeDelta::seconds(1)), ..POLICY };

/// An active channel between a helpdesk that shows known threads and a provider that lists; it is the row's turn.
fn facts() -> Facts<'static> {
    let end = |caps| End { caps, paused_until: None };
    Facts {
        active: true,
        turn: true,
        thread_known: true,
        opted_out: false,
        broken_off: false,
        helpdesk: end(&KNOWN_THREAD),
        provider: end(&LISTS),
        policy: &POLICY,
    }
}

/// A customer's message that was seen so many seconds ago and is not whole at the provider yet.
fn receiving(since: i64) -> Message {
    let mut row = theirs(|row| row.provider_status = Some(Status::Receiving));
    row.seen_at = at(since);
    row
}

/// Something that has a file to be fetched.
fn with_file(mut row: Message) -> Message {
    row.media = vec![File { url: Some("https://files/1".into()), ..File::default() }.into()];
    row
}

fn but(change: impl FnOnce(&mut Facts<'static>)) -> Facts<'static> {
    let mut facts = facts();
    change(&mut facts);
    facts
}

fn provider(caps: &'static Caps) -> Facts<'static> {
    but(|facts| facts.provider.caps = caps)
}

fn helpdesk(caps: &'static Caps) -> Facts<'static> {
    but(|facts| facts.helpdesk.caps = caps)
}

fn paused(side: Side) -> Facts<'static> {
    but(|facts| match side {
        Side::Helpdesk => facts.helpdesk.paused_until = Some(at(30)),
        Side::Provider => facts.provider.paused_until = Some(at(30)),
    })
}

type Line = (&'static str, Message, Facts<'static>, Action);

fn check(lines: Vec<Line>) {
    for (rule, row, facts, action) in lines {
        assert_eq!(plan(&row, &facts, at(0)), action, "{rule}");
    }
}

fn sent(change: impl FnOnce(&mut Message)) -> Message {
    ours(|row| {
        row.provider_message_id = Some("SM1".to_owned());
        row.bound_by = Some(BoundBy::Answer);
        row.attempted_at = Some(at(-50));
        row.wake_at = None;
        change(row);
    })
}

fn synced(change: impl FnOnce(&mut Message)) -> Message {
    theirs(|row| {
        row.helpdesk_message_id = Some("msg_1".to_owned());
        change(row);
    })
}

/// A send or sync that was begun so many seconds ago and may have happened.
fn in_doubt(mut row: Message, since: i64) -> Message {
    row.doubt = Some(begun(Act::Deliver, since));
    row.attempted_at = Some(at(since));
    row.failures = 1;
    row
}

fn noted_perhaps(since: i64) -> Message {
    sent(|row| {
        row.provider_status = Some(Status::Failed);
        row.helpdesk_status = Some(Told::StatusRefused);
        row.doubt = Some(begun(Act::Note, since));
    })
}

fn failed(age: TimeDelta) -> Message {
    sent(|row| {
        row.provider_status = Some(Status::Undelivered);
        row.provider_updated_at = Some(at(0) - age);
    })
}

fn parked(why: Parked) -> Message {
    ours(|row| row.parked = Some(why))
}

const DO: fn(Act) -> Action = Action::Do;

#[test]
#[rustfmt::skip] // one rule, one line
fn delivering() {
    let dull = ours(|row| row.wake_at = Some(at(5)));
    let late = ours(|row| row.occurred_at = at(-48 * 3600 - 1));
    let limit = ours(|row| row.occurred_at = at(-48 * 3600));
    let early = ours(|row| row.occurred_at = at(3600));
    let tried = ours(|row| (row.occurred_at, row.attempted_at) = (at(-72 * 3600), Some(at(-71 * 3600))));
    let tried_late = ours(|row| (row.occurred_at, row.attempted_at) = (at(-72 * 3600), Some(at(-47 * 3600))));
    let worn = ours(|row| (row.failures, row.attempted_at) = (50, Some(at(-50))));
    let nearly = ours(|row| (row.failures, row.attempted_at) = (49, Some(at(-50))));
    let worn_sync = theirs(|row| (row.failures, row.attempted_at) = (5_000, Some(at(-5_000_000))));
    let found_late = theirs(|row| (row.occurred_at, row.seen_at) = (at(-72 * 3600 - 1), at(-24 * 3600)));
    let kept_waiting = theirs(|row| (row.occurred_at, row.seen_at) = (at(-72 * 3600), at(-71 * 3600)));
    let ours_kept_waiting = ours(|row| (row.occurred_at, row.seen_at) = (at(-72 * 3600), at(-71 * 3600)));
    let foreign = fold_provider(None, &shown("SM2"), BoundBy::Answer, at(0));
    check(vec![
        ("a message with both ids needs nothing", sent(|_| ()), facts(), Action::Nothing),
        ("a synced message needs nothing", synced(|_| ()), facts(), Action::Nothing),
        ("a message from the helpdesk without a provider's id is sent", ours(|_| ()), facts(), DO(Act::Deliver)),
        ("a message from the customer without a helpdesk's id is synced", theirs(|_| ()), facts(), DO(Act::Deliver)),
        ("a message that another app sent is synced", foreign, facts(), DO(Act::Deliver)),
        ("a message waits for the earlier ones", ours(|_| ()), but(|facts| facts.turn = false), Action::WaitTurn),
        ("a wait is a wait", dull, facts(), Action::WaitUntil(at(5))),
        ("nothing is sent in a channel that is off", ours(|_| ()), but(|facts| facts.active = false), Action::WaitChannel),
        ("nothing to do is nothing to wait for", sent(|_| ()), but(|facts| facts.active = false), Action::Nothing),
        ("a send waits for a paused provider", ours(|_| ()), paused(Side::Provider), Action::WaitUntil(at(30))),
        ("a send does not wait for a paused helpdesk", ours(|_| ()), paused(Side::Helpdesk), DO(Act::Deliver)),
        ("a sync waits for a paused helpdesk", theirs(|_| ()), paused(Side::Helpdesk), Action::WaitUntil(at(30))),
        ("a sync does not wait for a paused provider", theirs(|_| ()), paused(Side::Provider), DO(Act::Deliver)),
        ("a pause that is over is none", ours(|_| ()), but(|f| f.provider.paused_until = Some(at(0))), DO(Act::Deliver)),
        ("a message older than two days is not sent any more", late.clone(), facts(), Action::Park(Parked::TooOld)),
        ("at two days to the second it still is", limit, facts(), DO(Act::Deliver)),
        ("a clock that runs ahead makes nothing old", early, facts(), DO(Act::Deliver)),
        ("nor two days after it was first tried", tried, facts(), Action::Park(Parked::TooOld)),
        ("two days are counted from the first attempt, which a retry begins anew", tried_late, facts(), DO(Act::Deliver)),
        ("a message from the customer that was old when it was found is not synced", found_late, facts(), Action::Park(Parked::TooOld)),
        ("one that was found in time is, however long the helpdesk was away", kept_waiting, facts(), DO(Act::Deliver)),
        ("an answer of the agent goes stale while it waits", ours_kept_waiting, facts(), Action::Park(Parked::TooOld)),
        ("too old needs no turn", late.clone(), but(|facts| facts.turn = false), Action::Park(Parked::TooOld)),
        ("too old needs no account", late, paused(Side::Provider), Action::Park(Parked::TooOld)),
        ("nothing is sent to who has opted out", ours(|_| ()), but(|f| f.opted_out = true), Action::Park(Parked::OptedOut)),
        ("what they write still comes", theirs(|_| ()), but(|f| f.opted_out = true), DO(Act::Deliver)),
        ("a provider with a list of its own refuses by itself", ours(|_| ()), but(|f| (f.opted_out, f.provider.caps) = (true, &KEEPS_OPT_OUTS)), DO(Act::Deliver)),
        ("what may have gone out is looked up all the same", in_doubt(ours(|_| ()), -60), but(|f| f.opted_out = true), DO(Act::LookUp)),
        ("fifty attempts without a movement are enough", worn, facts(), Action::Park(Parked::GaveUp)),
        ("forty-nine are not", nearly, facts(), DO(Act::Deliver)),
        ("no number of them is where never is worse", worn_sync.clone(), facts(), DO(Act::Deliver)),
        ("it is where twice is", worn_sync, helpdesk(&KNOWN_THREAD_OR_PARK), Action::Park(Parked::GaveUp)),
        ("a parked sync is left alone", theirs(|row| row.parked = Some(Parked::Refused)), facts(), Action::Nothing),
    ]);
}

#[test]
#[rustfmt::skip] // one rule, one line
fn settling_a_doubt() {
    let (send, sync) = (|since| in_doubt(ours(|_| ()), since), |since| in_doubt(theirs(|_| ()), since));
    let unknown_thread = |caps| but(|facts| (facts.helpdesk.caps, facts.thread_known) = (caps, false));
    let died = |act| ours(|row| row.in_flight = Some(begun(act, -60)));
    let died_again = in_doubt(ours(|row| row.in_flight = Some(begun(Act::LookUp, -1))), -60);
    let died_resending = in_doubt(ours(|row| row.in_flight = Some(begun(Act::Deliver, -1))), -60);
    let echoed =
        sent(|row| (row.bound_by, row.in_flight) = (Some(BoundBy::Echo), Some(begun(Act::Deliver, -1))));
    let worn = |mut row: Message, since| {
        (row.doubt, row.failures) = (Some(begun(Act::Deliver, since)), 50);
        row
    };
    let (worn_send, worn_sync) = (|since| worn(ours(|_| ()), since), |since| worn(theirs(|_| ()), since));
    let lenient = but(|facts| facts.policy = &NEVER_GIVES_UP);
    check(vec![
        ("a send of unknown outcome waits until it must show", send(-59), facts(), Action::WaitUntil(at(1))),
        ("then it is looked up", send(-60), facts(), DO(Act::LookUp)),
        ("an installation can shorten the wait", send(-1), but(|f| f.policy = &AT_ONCE), DO(Act::LookUp)),
        ("a provider that could not be asked for two days leaves it uncertain", send(-48 * 3600 - 1), paused(Side::Provider), Action::Park(Parked::Uncertain)),
        ("one that can be asked is asked, however late", send(-90 * 3600), facts(), DO(Act::LookUp)),
        ("a customer's text is asked about for as long as it takes", sync(-90 * 3600), paused(Side::Helpdesk), Action::WaitUntil(at(30))),
        ("a look-up needs no turn", send(-60), but(|facts| facts.turn = false), DO(Act::LookUp)),
        ("a look-up waits for a paused account", send(-60), paused(Side::Provider), Action::WaitUntil(at(30))),
        ("a sync is looked up where the thread is known", sync(-60), facts(), DO(Act::LookUp)),
        ("a sync repeats where it is not", sync(-60), unknown_thread(&KNOWN_THREAD), DO(Act::Deliver)),
        ("or is parked", sync(-60), unknown_thread(&KNOWN_THREAD_OR_PARK), Action::Park(Parked::Uncertain)),
        ("never is worse: repeat", send(-60), provider(&BLIND_NEVER_IS_WORSE), DO(Act::Deliver)),
        ("not before it is settled", send(-59), provider(&BLIND_NEVER_IS_WORSE), Action::WaitUntil(at(1))),
        ("twice is worse: park", send(-60), provider(&BLIND_TWICE_IS_WORSE), Action::Park(Parked::Uncertain)),
        ("not before evidence had its time", send(-59), provider(&BLIND_TWICE_IS_WORSE), Action::WaitUntil(at(1))),
        ("the other side's caps do not matter", send(-60), helpdesk(&BLIND_TWICE_IS_WORSE), DO(Act::LookUp)),
        ("a doubt in a channel that is off waits", send(-60), but(|f| f.active = false), Action::WaitChannel),
        ("looking up in vain fifty times parks as uncertain", worn_send(-60), facts(), Action::Park(Parked::Uncertain)),
        ("whatever the policy: it may be a look-up refused for good", worn_send(-60), lenient, Action::Park(Parked::Uncertain)),
        ("not before evidence had its time", worn_send(-59), facts(), Action::WaitUntil(at(1))),
        ("where never is worse it is repeated", worn_sync(-60), facts(), DO(Act::Deliver)),
        ("not before evidence had its time", worn_sync(-59), facts(), Action::WaitUntil(at(1))),
        ("nor while the account rests", worn_sync(-60), paused(Side::Helpdesk), Action::WaitUntil(at(30))),
        ("and is parked where twice is", worn_sync(-60), helpdesk(&KNOWN_THREAD_OR_PARK), Action::Park(Parked::Uncertain)),
        ("a crash in a send is a doubt", died(Act::Deliver), facts(), DO(Act::LookUp)),
        ("a crash in a look-up hides no doubt", died_again, facts(), DO(Act::LookUp)),
        ("a crash in a repeated send waits from its own begin", died_resending, facts(), Action::WaitUntil(at(59))),
        ("a crash in a report is none", failed_in_flight(Act::Report), facts(), DO(Act::Report)),
        ("a crash in a note is one", failed_in_flight(Act::Note), facts(), DO(Act::LookUp)),
        ("a send in flight that was seen at the provider is none", echoed, facts(), Action::Nothing),
    ]);
}

fn failed_in_flight(act: Act) -> Message {
    let mut row = failed(TimeDelta::zero());
    row.in_flight = Some(begun(act, -60));
    row.helpdesk_status = (act == Act::Note).then_some(Told::StatusRefused);
    row
}

#[test]
#[rustfmt::skip] // one rule, one line
fn telling_the_agent() {
    let days = TimeDelta::days;
    let told = |told| {
        let mut row = failed(days(0));
        row.helpdesk_status = Some(told);
        row
    };
    let untimed = sent(|row| row.provider_status = Some(Status::Failed));
    let with = |status| sent(|row| row.provider_status = Some(status));
    let worn = |mut row: Message| {
        row.failures = 5_000;
        row
    };
    let old = || {
        let mut row = parked(Parked::TooOld);
        row.occurred_at = at(-5 * 24 * 3600);
        row
    };
    let tried = {
        let mut row = old();
        row.attempted_at = Some(at(-3600));
        row
    };
    let mut parked_and_refused = parked(Parked::Refused);
    parked_and_refused.helpdesk_status = Some(Told::StatusRefused);
    let theirs_failed =
        theirs(|row| (row.parked, row.provider_status) = (Some(Parked::TooOld), Some(Status::Failed)));
    check(vec![
        ("a failure at the provider is reported", failed(days(0)), facts(), DO(Act::Report)),
        ("within four days", failed(days(4)), facts(), DO(Act::Report)),
        ("not after", failed(days(4) + TimeDelta::seconds(1)), facts(), Action::Nothing),
        ("a failure of unknown age is reported", untimed, facts(), DO(Act::Report)),
        ("so is a message that was withdrawn", with(Status::Canceled), facts(), DO(Act::Report)),
        ("a delivered message is none", with(Status::Delivered), facts(), Action::Nothing),
        ("a report needs no turn", failed(days(0)), but(|facts| facts.turn = false), DO(Act::Report)),
        ("a report waits for the helpdesk", failed(days(0)), paused(Side::Helpdesk), Action::WaitUntil(at(30))),
        ("a report does not wait for the provider", failed(days(0)), paused(Side::Provider), DO(Act::Report)),
        ("a report waits for the channel", failed(days(0)), but(|facts| facts.active = false), Action::WaitChannel),
        ("a refused message is reported", parked(Parked::Refused), facts(), DO(Act::Report)),
        ("a message that was too old is reported", parked(Parked::TooOld), facts(), DO(Act::Report)),
        ("one that was given up is reported", parked(Parked::GaveUp), facts(), DO(Act::Report)),
        ("one that is uncertain is reported", in_doubt(parked(Parked::Uncertain), -90), facts(), DO(Act::Report)),
        ("once", told(Told::Failed), facts(), Action::Nothing),
        ("what cannot be marked is noted", told(Told::StatusRefused), facts(), DO(Act::Note)),
        ("so is what was never sent", parked_and_refused, facts(), DO(Act::Note)),
        ("once", told(Told::Noted), facts(), Action::Nothing),
        ("what could not be told stays so", told(Told::Untold), facts(), Action::Nothing),
        ("no number of attempts ends it", worn(failed(days(4))), facts(), DO(Act::Report)),
        ("nor of one that never left", worn(parked(Parked::Refused)), facts(), DO(Act::Report)),
        ("what was too old from the start is told", old(), facts(), DO(Act::Report)),
        ("until fifty attempts were in vain", worn(old()), facts(), Action::Nothing),
        ("or it was tried not long ago", worn(tried), facts(), DO(Act::Report)),
        ("a customer is not an agent", theirs_failed, facts(), Action::Nothing),
    ]);
}

#[test]
#[rustfmt::skip] // one rule, one line
fn settling_a_note() {
    let mut uncertain = in_doubt(parked(Parked::Uncertain), -90);
    (uncertain.helpdesk_status, uncertain.doubt) = (Some(Told::StatusRefused), Some(begun(Act::Note, -60)));
    let mut retried = noted_perhaps(-60);
    retried.provider_message_id = None;
    let worn = |age| {
        let mut row = noted_perhaps(-60);
        (row.failures, row.provider_updated_at) = (50, Some(at(0) - age));
        row
    };
    let (news, old) = (worn(TimeDelta::days(4)), worn(TimeDelta::days(4) + TimeDelta::seconds(1)));
    let unknown_thread = but(|facts| facts.thread_known = false);
    check(vec![
        ("a note of unknown outcome waits", noted_perhaps(-59), facts(), Action::WaitUntil(at(1))),
        ("then it is looked up in the helpdesk", noted_perhaps(-60), facts(), DO(Act::LookUp)),
        ("whatever the provider is at", noted_perhaps(-60), paused(Side::Provider), DO(Act::LookUp)),
        ("it waits for a paused helpdesk", noted_perhaps(-60), paused(Side::Helpdesk), Action::WaitUntil(at(30))),
        ("it repeats where never is worse", noted_perhaps(-60), unknown_thread, DO(Act::Note)),
        ("it is left where twice is worse", noted_perhaps(-60), helpdesk(&BLIND_TWICE_IS_WORSE), Action::Park(Parked::Uncertain)),
        ("a note about an uncertain send is looked up too", uncertain.clone(), facts(), DO(Act::LookUp)),
        ("and not repeated", uncertain.clone(), helpdesk(&BLIND_TWICE_IS_WORSE), Action::Park(Parked::Uncertain)),
        ("asking in vain fifty times repeats it", news.clone(), facts(), DO(Act::Note)),
        ("as long as it is news", old, facts(), Action::Park(Parked::Uncertain)),
        ("it is left where twice is worse", news, helpdesk(&KNOWN_THREAD_OR_PARK), Action::Park(Parked::Uncertain)),
        ("a note is settled before a send", retried, facts(), DO(Act::LookUp)),
    ]);
    assert_eq!(side_of(&uncertain, Act::LookUp), Side::Helpdesk);
    assert_eq!(side_of(&in_doubt(ours(|_| ()), -60), Act::LookUp), Side::Provider);
    assert_eq!(side_of(&in_doubt(theirs(|_| ()), -60), Act::LookUp), Side::Helpdesk);
    assert_eq!(side_of(&ours(|_| ()), Act::Deliver), Side::Provider);
    assert_eq!(side_of(&ours(|_| ()), Act::Report), Side::Helpdesk);
}

#[test]
fn the_limits_are_the_ones_that_people_are_told() {
    let limits = Policy::default();
    assert_eq!(limits.too_old, TimeDelta::hours(48));
    assert_eq!(limits.report_within, TimeDelta::days(4));
    assert_eq!((limits.give_up_after, limits.settling, GIVE_UP_AFTER), (50, None, 50));
}

#[test]
fn a_call_has_to_start_long_before_anybody_looks_for_it() {
    for (settling, within) in [(60, 5), (15, 5), (9, 3), (1, 0)] {
        let policy = Policy { settling: Some(TimeDelta::seconds(settling)), ..POLICY };
        for side in [Side::Helpdesk, Side::Provider] {
            let facts = Facts { policy: &policy, ..facts() };
            assert_eq!(facts.start_within(side).num_seconds(), within);
            assert!(facts.start_within(side) * 3 <= TimeDelta::seconds(settling));
            assert!(facts.start_within(side) <= facts.end_within(side));
            let under_way = TimeDelta::seconds(35).min(TimeDelta::seconds(settling) * 2 / 3);
            assert!(facts.end_within(side) + under_way <= TimeDelta::seconds(settling));
        }
    }
    assert_eq!(facts().start_within(Side::Provider), TimeDelta::seconds(5), "by the side's own settling");
}

#[test]
fn files_are_fetched_before_the_message_goes_anywhere() {
    let resting = |side: Side, until: i64| {
        but(|facts| match side {
            Side::Helpdesk => facts.helpdesk.paused_until = Some(at(until)),
            Side::Provider => facts.provider.paused_until = Some(at(until)),
        })
    };
    let theirs = with_file(theirs(|_| ()));
    let mut late = theirs.clone();
    late.seen_at = at(-3_600);
    let mut anew = late.clone();
    anew.attempted_at = Some(at(-10));
    let mut kept = with_file(ours(|_| ()));
    kept.media[0].state = State::Kept { key: "k".into() };
    let mut missing = theirs.clone();
    missing.media[0].state = State::Missing { why: "gone".into() };
    let ours = with_file(ours(|_| ()));
    check(vec![
        ("an agent's file first", ours.clone(), facts(), DO(Act::Fetch)),
        ("a customer's file first", theirs.clone(), facts(), DO(Act::Fetch)),
        ("out of turn", theirs.clone(), but(|facts| facts.turn = false), DO(Act::Fetch)),
        ("whatever the destination does", theirs.clone(), resting(Side::Helpdesk, 60), DO(Act::Fetch)),
        (
            "not where the vendor that has it rests",
            ours.clone(),
            resting(Side::Helpdesk, 60),
            Action::WaitUntil(at(60)),
        ),
        (
            "a customer's message waits an hour",
            theirs,
            resting(Side::Provider, 9_999),
            Action::WaitUntil(at(3_540)),
        ),
        ("and goes without then", late.clone(), resting(Side::Provider, 9_999), DO(Act::Deliver)),
        ("unless an operator has asked for it since", anew, facts(), DO(Act::Fetch)),
        ("at its turn", late, but(|facts| facts.turn = false), Action::WaitTurn),
        ("an agent's waits on", ours.clone(), resting(Side::Helpdesk, 9_999), Action::WaitUntil(at(9_999))),
        ("what is there goes", kept, facts(), DO(Act::Deliver)),
        ("what will never be there is no reason to wait", missing, facts(), DO(Act::Deliver)),
        (
            "nothing is fetched for who opted out",
            ours.clone(),
            but(|facts| facts.opted_out = true),
            Action::Park(Parked::OptedOut),
        ),
        (
            "what is still arriving is waited for, text and files",
            with_file(receiving(-30)),
            facts(),
            Action::WaitUntil(at(90)),
        ),
        ("but not for long", with_file(receiving(-120)), facts(), DO(Act::Fetch)),
        (
            "nor for the rest of a text",
            ours,
            but(|facts| facts.broken_off = true),
            Action::Park(Parked::Incomplete),
        ),
    ]);
    let aside = but(|facts| {
        facts.broken_off = true;
        facts.opted_out = true;
    });
    assert_eq!(
        plan(&support::ours(|_| ()), &aside, at(0)),
        Action::Park(Parked::Incomplete),
        "told once for all"
    );
    assert_eq!(side_of(&with_file(support::ours(|_| ())), Act::Fetch), Side::Helpdesk);
}

#[test]
fn the_agent_is_not_told_of_the_rest_of_a_text() {
    let rest = ours(|row| {
        row.parked = Some(Parked::Incomplete);
        row.wake_at = None;
    });
    assert_eq!(plan(&rest, &facts(), at(0)), Action::Nothing);
}
