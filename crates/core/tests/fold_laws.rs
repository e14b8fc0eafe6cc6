//! Folding does not care for order and number: whatever evidence comes first, late or twice, the row ends the same.

mod support;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use support::{at, begun, ours, shown, theirs};
use twinwire_core::consent::Word;
use twinwire_core::media::File;
use twinwire_core::model::Parked::{GaveUp, Refused, TooOld, Uncertain};
use twinwire_core::model::{Act, BoundBy, Message, Status, Told};
use twinwire_core::observe::{AtHelpdesk, AtProvider, fold_helpdesk, fold_provider};
use twinwire_core::settle::begin;

const STATUSES: [Status; 6] =
    [Status::Queued, Status::Sent, Status::Delivered, Status::Undelivered, Status::Failed, Status::Read];

fn maybe(words: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(select(words).prop_map(str::to_owned))
}

/// One piece of evidence about the message `SM1`. A time of change comes with a payload, as [`AtProvider`] asks for.
fn evidence() -> impl Strategy<Value = AtProvider> {
    let texts =
        (maybe(&["", "Hello", "Hallo", "Hello you"]), maybe(&["30003", "30005"]), maybe(&["gone", "away"]));
    let times = (prop::option::of(-50_i64..50), prop::option::of(-50_i64..50));
    let payload = prop::option::of((prop::option::of(-50_i64..50), 0..4_i32));
    let files = (0..3_usize, prop::option::of(0..3_u8)).prop_map(|(count, url)| match url {
        None => File::unnamed(count),
        Some(url) => vec![File { url: Some(format!("https://files/{url}")), ..File::default() }; count],
    });
    let said = prop::option::of(select(&[Word::Stop, Word::Start][..]));
    let rest =
        (prop::option::of(select(&STATUSES[..])), prop::option::of(Just("ours".to_owned())), files, said);
    (texts, times, payload, rest).prop_map(
        |((body, code, words), (created, sent), payload, (status, reference, files, said))| AtProvider {
            body,
            files,
            said,
            status,
            error_code: code,
            error_message: words,
            created_at: created.map(at),
            sent_at: sent.map(at),
            updated_at: payload.and_then(|(updated, _)| updated).map(at),
            reference,
            data: payload.map(|(_, data)| serde_json::Value::from(data).into()),
            ..shown("SM1")
        },
    )
}

/// Evidence in two orders, the second with some of it again.
fn orders<T: Clone + std::fmt::Debug + 'static>(
    one: impl Strategy<Value = T>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
    prop::collection::vec(one, 1..6).prop_flat_map(|pieces| {
        let count = pieces.len();
        (Just(pieces.clone()), subsequence(pieces, 0..=count)).prop_flat_map(|(pieces, again)| {
            let all: Vec<T> = pieces.iter().cloned().chain(again).collect();
            (Just(pieces), Just(all).prop_shuffle())
        })
    })
}

/// As the engine folds: all that is known of the message so far, into its row.
fn folded(start: Option<&Message>, pieces: &[(AtProvider, BoundBy)]) -> Option<Message> {
    let (mut row, mut known): (Option<Message>, Option<AtProvider>) = (start.cloned(), None);
    for (now, (seen, bound_by)) in (100..).zip(pieces) {
        let all = known.map_or_else(|| seen.clone(), |known| known.join(seen.clone()));
        row = Some(fold_provider(row.as_ref(), &all, *bound_by, at(now)));
        known = Some(all);
    }
    row
}

/// Without the fields that the clock gives: when to wake, and the time of a message whose evidence never says one.
fn timeless(row: Option<Message>, pieces: &[(AtProvider, BoundBy)]) -> Option<Message> {
    let dated = pieces.iter().any(|(seen, _)| seen.created_at.is_some());
    row.map(|row| Message { wake_at: None, occurred_at: if dated { row.occurred_at } else { at(0) }, ..row })
}

fn states_of_ours() -> impl Strategy<Value = Message> {
    let begun_once = || begin(&ours(|_| ()), Act::Deliver, at(-20));
    let noting = ours(|row| {
        (row.helpdesk_status, row.doubt) = (Some(Told::StatusRefused), Some(begun(Act::Note, -9)));
    });
    let parked =
        |why| twinwire_core::settle::park(&begin(&ours(|_| ()), Act::Deliver, at(-20)), why, at(-10));
    select(vec![
        ours(|_| ()),
        begun_once(),
        begin(&begun_once(), Act::LookUp, at(-5)),
        noting,
        parked(Uncertain),
        parked(GaveUp),
        parked(TooOld),
        parked(Refused),
        ours(|row| row.helpdesk_status = Some(Told::Failed)),
    ])
}

fn bound() -> impl Strategy<Value = BoundBy> {
    select(vec![BoundBy::Echo, BoundBy::Reference, BoundBy::Answer])
}

fn at_helpdesk() -> impl Strategy<Value = AtHelpdesk> {
    let ids =
        select(vec![(None, Some("uid")), (Some("msg"), None), (Some("msg"), Some("uid")), (None, None)]);
    ids.prop_map(|(id, uid): (Option<&str>, Option<&str>)| AtHelpdesk {
        external_id: Some("SM1".to_owned()),
        accepted_as: uid.map(str::to_owned),
        id: id.map(str::to_owned),
        thread: None,
        conversation: None,
        created_at: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn join_is_commutative_associative_and_idempotent(a in evidence(), b in evidence(), c in evidence()) {
        prop_assert_eq!(a.clone().join(b.clone()), b.clone().join(a.clone()));
        let (left, right) = (a.clone().join(b.clone()).join(c.clone()), a.clone().join(b.clone().join(c)));
        prop_assert_eq!(left, right);
        prop_assert_eq!(a.clone().join(a.clone()), a.clone());
        let both = a.join(b.clone());
        prop_assert_eq!(both.clone().join(b), both);
    }

    #[test]
    fn a_message_of_the_providers_ends_the_same(
        (some, all) in orders(evidence().prop_map(|seen| (seen, BoundBy::Answer))),
    ) {
        prop_assert_eq!(timeless(folded(None, &some), &some), timeless(folded(None, &all), &all));
    }

    #[test]
    fn a_message_of_ours_ends_the_same(start in states_of_ours(), (some, all) in orders((evidence(), bound()))) {
        let start = Some(&start);
        prop_assert_eq!(timeless(folded(start, &some), &some), timeless(folded(start, &all), &all));
    }

    #[test]
    fn a_message_in_the_helpdesk_ends_the_same((some, all) in orders(at_helpdesk())) {
        let fold = |pieces: &[AtHelpdesk]| {
            let row = pieces.iter().fold(begin(&theirs(|_| ()), Act::Deliver, at(-5)), |row, seen| fold_helpdesk(&row, seen, at(0)));
            Message { wake_at: None, ..row }
        };
        prop_assert_eq!(fold(&some), fold(&all));
    }

    #[test]
    fn evidence_of_both_sides_does_not_get_in_each_others_way(
        pieces in prop::collection::vec(evidence(), 1..4),
        seen in at_helpdesk(),
        place in 0_usize..4,
    ) {
        let start = theirs(|_| ());
        let fold = |row: &Message, some: &[AtProvider]| {
            some.iter().fold(row.clone(), |row, seen| fold_provider(Some(&row), seen, BoundBy::Answer, at(0)))
        };
        let (before, after) = pieces.split_at(place.min(pieces.len()));
        let between = fold(&fold_helpdesk(&fold(&start, before), &seen, at(0)), after);
        let last = fold_helpdesk(&fold(&start, &pieces), &seen, at(0));
        prop_assert_eq!(Message { wake_at: None, ..between }, Message { wake_at: None, ..last });
    }

    #[test]
    fn nothing_known_is_lost(start in states_of_ours(), pieces in prop::collection::vec((evidence(), bound()), 1..6)) {
        let mut row = start;
        for (seen, bound_by) in pieces {
            let after = fold_provider(Some(&row), &seen, bound_by, at(0));
            prop_assert!(after.provider_message_id.is_some() && after.helpdesk_message_id == row.helpdesk_message_id);
            prop_assert!(after.provider_status >= row.provider_status, "a status went down");
            prop_assert!(after.bound_by >= row.bound_by, "a certainty went down");
            prop_assert_eq!(after.helpdesk_status, row.helpdesk_status, "told is told");
            prop_assert_eq!((after.in_flight, after.attempted_at), (row.in_flight, row.attempted_at));
            let again = fold_provider(Some(&after), &seen, bound_by, at(1));
            prop_assert_eq!(&again, &after, "the same again changes nothing, not even the time to wake");
            row = after;
        }
    }
}

#[test]
fn a_row_that_was_bound_to_another_message_by_a_guess_keeps_nothing_of_it() {
    let failed =
        AtProvider { status: Some(Status::Failed), error_code: Some("30003".into()), ..shown("SM9") };
    let guessed =
        fold_provider(Some(&begin(&ours(|_| ()), Act::Deliver, at(-5))), &failed, BoundBy::Echo, at(0));
    let queued = AtProvider { status: Some(Status::Queued), ..shown("SM1") };
    for by in [BoundBy::Reference, BoundBy::Answer] {
        let row = fold_provider(Some(&guessed), &queued, by, at(0));
        assert_eq!(
            (row.provider_message_id.as_deref(), row.provider_status),
            (Some("SM1"), Some(Status::Queued))
        );
        assert_eq!((row.provider_error_code.as_deref(), row.bound_by), (None, Some(by)));
    }
}

#[test]
fn a_guess_never_takes_the_place_of_what_is_certain() {
    let sure = fold_provider(Some(&ours(|_| ())), &shown("SM1"), BoundBy::Reference, at(0));
    assert_eq!(fold_provider(Some(&sure), &shown("SM9"), BoundBy::Echo, at(0)), sure);
}
