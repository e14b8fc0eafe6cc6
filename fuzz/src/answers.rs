//! Vendors' answers: what may be called done, what refused, and what nobody knows.

use super::files;
use super::input::{Input, lines};
use super::pages;
use super::rules;
use super::world::{SIGNALWIRE, channel, context, now, ours, seen, settings, theirs};
use std::time::Duration;
use twinwire_core::backoff::{LONGEST_RETRY_AFTER, throttle};
use twinwire_core::connector::{Call, Connector};
use twinwire_core::http::{Answer, Reply};
use twinwire_core::identity::{Identity, Known, identify};
use twinwire_core::model::{Act, Direction, Message, Side};
use twinwire_core::observe::{Observation, fold_helpdesk, fold_provider};
use twinwire_core::outcome::{Done, Outcome, Page, Refusal, RefusalKind};
use twinwire_core::settle::{apply, begin};

/// Longest words of a refusal that an agent is shown, in characters.
const LONGEST_WORDS: usize = 400;
pub(crate) const API: &str = "https://api.example.test/base";

/// Lines: options (call, kind of reply, then the status in digits), a header's value; then the body.
pub(crate) fn check(connector: &dyn Connector, data: &[u8]) {
    let ([options, header], body) = lines::<2>(data);
    let mut options = Input(options.as_bytes());
    let (call, reply) = (options.byte(), options.byte());
    let status =
        std::str::from_utf8(options.0).ok().and_then(|digits| digits.trim().parse().ok()).unwrap_or(200);
    let headers = ["retry-after", "location"].map(|name| (name.to_owned(), header.clone())).to_vec();
    let reply = match reply % 4 {
        2 => Reply::NotSent("no connection".to_owned()),
        3 => Reply::NoAnswer("timed out".to_owned()),
        _ => Reply::Answer(Answer { status, headers, body: body.to_vec() }),
    };
    let mut row = if connector.side() == Side::Provider { ours() } else { theirs() };
    if call & 16 != 0 {
        row.direction = Direction::Outbound;
    }
    let row = begin(&row, Act::Deliver, now());
    let id = format!("{}_failed", row.external_id);
    let calls = [
        Call::Deliver(&row),
        Call::LookUp { message: &row, page: None },
        Call::Note { message: &row, external_id: &id, text: "no such number" },
        Call::Report { message: &row, reason: "no such number" },
        Call::List { since: None, page: None },
        Call::Fetch { id: "a1" },
        Call::Check,
        Call::LookUp { message: &row, page: Some("/api/laml/2") },
        Call::Show { works: false },
        Call::Files(&row),
        Call::File { message: &row, url: "https://files.example/1" },
    ];
    let call = &calls[usize::from(call) % calls.len()];
    let (settings, channel) = (settings(connector, API), channel());
    let context = context(&settings, &channel, Some("cnv_9d3f"));
    let outcome = connector.judge(call, &context, &reply);
    assert_eq!(outcome, connector.judge(call, &context, &reply), "judged again, it is something else");
    by_kind(connector, call, &reply, &outcome);
    match &outcome {
        Outcome::Done(Done::Delivered(seen)) => delivered(connector, &row, seen),
        Outcome::Done(Done::Page(page)) => shown(connector, page),
        Outcome::Done(Done::Files(named)) => {
            // What has no address is counted, so that it can be said to be missing.
            let named: Vec<_> = named.iter().filter(|file| file.url.is_some()).cloned().collect();
            files::read(connector, API, &named);
        }
        Outcome::Done(Done::Told | Done::Checked | Done::Hook(_)) => {}
        Outcome::Refused(refusal) => refused(call, &row, refusal),
        Outcome::Unknown(why) => rules::text(why),
    }
}

/// Whether it would be seen by people if it was done twice.
fn is_unsafe(call: &Call<'_>) -> bool {
    matches!(call, Call::Deliver(_) | Call::Note { .. })
}

fn by_kind(connector: &dyn Connector, call: &Call<'_>, reply: &Reply, outcome: &Outcome) {
    // Of what it never asks, SignalWire need not know the answers.
    let told = matches!(call, Call::Report { .. } | Call::Note { .. } | Call::Show { .. });
    if connector.side() == Side::Provider && told {
        assert!(!matches!(outcome, Outcome::Done(_)), "it cannot be told anything");
        return;
    }
    let unknown = matches!(outcome, Outcome::Unknown(_));
    assert!(!unknown || is_unsafe(call), "what can simply be done again leaves no doubt: {outcome:?}");
    let later = |refusal: &Refusal| refusal.kind == RefusalKind::Later;
    let answer = match reply {
        Reply::NotSent(_) => {
            assert!(matches!(outcome, Outcome::Refused(refusal) if later(refusal)), "{outcome:?}");
            return;
        }
        Reply::NoAnswer(_) => {
            let as_it_is = unknown || matches!(outcome, Outcome::Refused(refusal) if later(refusal));
            assert!(as_it_is && unknown == is_unsafe(call), "nobody knows, and yet it is {outcome:?}");
            return;
        }
        Reply::Answer(answer) => answer,
    };
    match outcome {
        Outcome::Done(done) => may_be_done(call, answer, done),
        Outcome::Refused(refusal) => may_be_refused(call, answer, refusal),
        Outcome::Unknown(_) => {
            assert!(!matches!(answer.status, 401 | 429), "{} is certain", answer.status);
        }
    }
}

fn may_be_done(call: &Call<'_>, answer: &Answer, done: &Done) {
    let fits = match call {
        Call::Deliver(_) => matches!(done, Done::Delivered(_)),
        Call::Note { .. } | Call::Report { .. } | Call::Show { .. } => *done == Done::Told,
        Call::LookUp { .. } | Call::List { .. } | Call::Fetch { .. } => matches!(done, Done::Page(_)),
        Call::Files(_) => matches!(done, Done::Files(_)),
        // The bytes of a file are not judged, only what came in their place.
        Call::File { .. } => false,
        Call::Check => *done == Done::Checked,
        Call::ReadHook | Call::SetHook { .. } => matches!(done, Done::Hook(_)),
    };
    assert!(fits, "{call:?} is answered by {done:?}");
    // A conversation that moved shows nothing yet but where to look.
    let moved = (300..400).contains(&answer.status)
        && matches!(call, Call::LookUp { page: None, .. })
        && matches!(done, Done::Page(Page { observations, next: Some(_) }) if observations.is_empty());
    assert!(answer.is_success() || moved, "done by {}", answer.status);
}

fn may_be_refused(call: &Call<'_>, answer: &Answer, refusal: &Refusal) {
    match answer.status {
        429 => assert!(matches!(refusal.kind, RefusalKind::Throttled(_)), "{refusal:?}"),
        401 => assert!(matches!(refusal.kind, RefusalKind::Credentials | RefusalKind::Throttled(_))),
        300..=399 => {
            assert!(!matches!(refusal.kind, RefusalKind::Permanent), "a redirection is refused for good");
        }
        // Perhaps done. One thing is surer than the status: the code that says that we send too fast.
        0..300 | 408 | 500.. if is_unsafe(call) => {
            assert!(!answer.is_success(), "accepted, and yet refused: {refusal:?}");
            assert!(matches!(refusal.kind, RefusalKind::Throttled(_)), "{} is {refusal:?}", answer.status);
        }
        _ => {}
    }
}

/// Folded, the answer settles the row; nothing delivers it again.
fn delivered(connector: &dyn Connector, row: &Message, seen: &Observation) {
    rules::all(std::slice::from_ref(seen));
    let row = match seen {
        Observation::AtProvider(seen) => {
            assert_eq!(connector.side(), Side::Provider);
            let known = Known { by_reference: Some(row), ..Known::default() };
            let Identity::Row(row, by) = identify(seen, &row.sender, known) else { panic!("whose is it?") };
            fold_provider(Some(row), seen, by, now())
        }
        Observation::AtHelpdesk(seen) => {
            assert_eq!(connector.side(), Side::Helpdesk);
            assert_eq!(seen.external_id.as_deref(), Some(&*row.external_id));
            fold_helpdesk(row, seen, now())
        }
        other => panic!("{other:?} is no delivery"),
    };
    let row = apply(&row, Act::Deliver, &twinwire_core::settle::Result::Done, now(), 0.5);
    rules::settled(&row);
    assert_eq!((row.in_flight, row.doubt, row.failures), (None, None, 0));
}

fn shown(connector: &dyn Connector, page: &Page) {
    for observation in &page.observations {
        // What a list shows may come twice: each is judged by itself.
        rules::all(std::slice::from_ref(observation));
        let of_side = match observation {
            Observation::AtProvider(_) => Side::Provider,
            _ => Side::Helpdesk,
        };
        assert_eq!(of_side, connector.side());
    }
    if let Some(next) = &page.next {
        rules::text(next);
        pages::further(connector, API, next);
    }
}

fn refused(call: &Call<'_>, row: &Message, refusal: &Refusal) {
    assert!(!refusal.message.trim().is_empty(), "refused without a word");
    assert!(refusal.message.chars().count() <= LONGEST_WORDS, "too long for an agent");
    assert!(
        refusal.code.as_ref().is_none_or(|code| code.chars().count() <= LONGEST_WORDS),
        "a code that long"
    );
    rules::text(&refusal.describe());
    if let RefusalKind::Throttled(asked) = refusal.kind {
        let wait = throttle(asked, 1, 0.5);
        assert!((Duration::from_secs(1)..=LONGEST_RETRY_AFTER).contains(&wait), "{wait:?}");
    }
    if let Call::Deliver(_) = call {
        let came = twinwire_core::settle::Result::Refused(refusal.clone());
        let after = apply(row, Act::Deliver, &came, now(), 0.5);
        rules::storable(&after);
        // Certainly not done: it stands in no doubt, and only a refusal for good puts it aside.
        assert_eq!(after.standing_doubt(), None);
        let for_good = matches!(refusal.kind, RefusalKind::Permanent | RefusalKind::OptedOut);
        assert_eq!(after.parked.is_some(), for_good);
        // Evidence that it is there all the same is stronger.
        let (side, now) = (row.destination(), now());
        if side == SIGNALWIRE.side() {
            rules::settled(&fold_provider(
                Some(&after),
                &seen("SM1"),
                twinwire_core::model::BoundBy::Reference,
                now,
            ));
        }
    }
}
