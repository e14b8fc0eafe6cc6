//! Which row a message seen at the provider is.

mod support;

use support::{CUSTOMER, OURS, at, begun, ours, shown, theirs};
use twinwire_core::identity::{CLOCK_SKEW, Identity, Known, LONGEST_CALL, could_be, identify};
use twinwire_core::model::{Act, BoundBy, Direction, Message, Parked};
use twinwire_core::observe::{AtProvider, fold_provider};
use twinwire_core::settle::begin;

/// A send of ours that was begun a minute before the message at the provider came to be.
fn uncertain(id: &str) -> Message {
    begin(&ours(|row| row.external_id = id.to_owned()), Act::Deliver, at(-60))
}

fn bound(id: &str, to: &str, by: BoundBy) -> Message {
    fold_provider(Some(&uncertain(id)), &shown(to), by, at(-50))
}

fn calls_back(id: &str, reference: &str) -> AtProvider {
    AtProvider { reference: Some(reference.to_owned()), body: None, created_at: None, ..shown(id) }
}

#[test]
fn a_known_id_is_its_row() {
    let row = bound("a", "SM1", BoundBy::Echo);
    let known = Known { by_id: Some(&row), ..Known::default() };
    assert_eq!(
        identify(&shown("SM1"), OURS, known),
        Identity::Row(&row, BoundBy::Echo),
        "a guess stays a guess"
    );
    let row = theirs(|_| ());
    let known = Known { by_id: Some(&row), ..Known::default() };
    assert_eq!(identify(&shown("SM1"), OURS, known), Identity::Row(&row, BoundBy::Answer));
    assert_eq!(
        identify(&shown("SM1"), "+12015550199", known),
        Identity::Row(&row, BoundBy::Answer),
        "whatever our address"
    );
}

#[test]
fn our_reference_names_the_row() {
    let (row, seen) = (uncertain("a"), calls_back("SM1", "a"));
    let known = Known { by_reference: Some(&row), ..Known::default() };
    assert_eq!(identify(&seen, OURS, known), Identity::Row(&row, BoundBy::Reference));
    for by in [BoundBy::Echo, BoundBy::Reference, BoundBy::Answer] {
        let row = bound("a", "SM1", by);
        let known = Known { by_reference: Some(&row), by_id: Some(&row), ..Known::default() };
        assert_eq!(identify(&seen, OURS, known), Identity::Row(&row, BoundBy::Reference), "{by:?}");
    }
}

#[test]
fn our_reference_corrects_a_guess_about_the_row() {
    let row = bound("a", "SM9", BoundBy::Echo);
    let known = Known { by_reference: Some(&row), ..Known::default() };
    assert_eq!(identify(&calls_back("SM1", "a"), OURS, known), Identity::Row(&row, BoundBy::Reference));
}

#[test]
fn our_reference_moves_an_id_that_stood_on_another_row() {
    let (right, wrong) = (uncertain("a"), bound("b", "SM1", BoundBy::Echo));
    let known = Known { by_reference: Some(&right), by_id: Some(&wrong), ..Known::default() };
    assert_eq!(identify(&calls_back("SM1", "a"), OURS, known), Identity::Moved { from: &wrong, to: &right });
    let taken = fold_provider(None, &shown("SM1"), BoundBy::Answer, at(-50));
    let known = Known { by_id: Some(&taken), ..known };
    assert_eq!(identify(&calls_back("SM1", "a"), OURS, known), Identity::Moved { from: &taken, to: &right });
}

#[test]
fn a_second_message_for_a_row_that_certainly_is_another_is_a_copy() {
    for by in [BoundBy::Reference, BoundBy::Answer] {
        let row = bound("a", "SM9", by);
        let known = Known { by_reference: Some(&row), ..Known::default() };
        assert_eq!(identify(&calls_back("SM1", "a"), OURS, known), Identity::Copy(&row), "{by:?}");
    }
}

#[test]
fn a_message_of_another_address_is_foreign() {
    assert_eq!(identify(&shown("SM1"), "+12015550199", Known::default()), Identity::Foreign);
    let inbound =
        AtProvider { direction: Direction::Inbound, from: CUSTOMER.into(), to: OURS.into(), ..shown("SM1") };
    assert_eq!(identify(&inbound, CUSTOMER, Known::default()), Identity::Foreign);
}

#[test]
fn a_message_of_the_customer_is_new_even_when_the_text_is_ours() {
    let inbound =
        AtProvider { direction: Direction::Inbound, from: CUSTOMER.into(), to: OURS.into(), ..shown("SM1") };
    let rows = [uncertain("a")];
    assert_eq!(identify(&inbound, OURS, Known { uncertain: &rows, ..Known::default() }), Identity::New);
}

#[test]
fn an_echo_is_the_uncertain_send_of_the_same_text() {
    let rows = [uncertain("a")];
    let known = Known { uncertain: &rows, ..Known::default() };
    assert_eq!(identify(&shown("SM1"), OURS, known), Identity::Row(&rows[0], BoundBy::Echo));
    let trial = AtProvider { body: Some("Sent from your trial account - Hello".into()), ..shown("SM1") };
    assert_eq!(identify(&trial, OURS, known), Identity::Row(&rows[0], BoundBy::Echo));
    let other = AtProvider { body: Some("Hello again".into()), ..shown("SM1") };
    assert_eq!(identify(&other, OURS, known), Identity::New);
    assert_eq!(
        identify(&shown("SM1"), OURS, Known::default()),
        Identity::New,
        "when nothing of ours is uncertain"
    );
}

#[test]
fn what_may_be_one_of_several_is_held() {
    let rows = [uncertain("a"), uncertain("b")];
    let two_rows = Known { uncertain: &rows, ..Known::default() };
    assert_eq!(identify(&shown("SM1"), OURS, two_rows), Identity::Hold);
    let rivals = [shown("SM1"), shown("SM2")];
    let two_messages = Known { uncertain: &rows[..1], rivals: &rivals, ..Known::default() };
    assert_eq!(identify(&shown("SM1"), OURS, two_messages), Identity::Hold);
    let itself = Known { rivals: &rivals[..1], ..two_messages };
    assert_eq!(
        identify(&shown("SM1"), OURS, itself),
        Identity::Row(&rows[0], BoundBy::Echo),
        "no rival of its own"
    );
    let textless = AtProvider { body: None, ..shown("SM1") };
    assert_eq!(
        identify(&textless, OURS, Known { rivals: &[], ..two_messages }),
        Identity::Hold,
        "whose text is not shown"
    );
}

type Change = fn(&mut AtProvider, &mut Message);

#[test]
fn what_can_be_an_uncertain_send() {
    let cases: Vec<(&str, bool, Change)> = vec![
        ("the same person and text", true, |_, _| ()),
        ("another text", false, |seen, _| seen.body = Some("Bye".into())),
        ("a text that is not shown", true, |seen, _| seen.body = None),
        ("a time that is not shown", true, |seen, _| seen.created_at = None),
        ("another address of ours, or somebody else's", false, |seen, _| seen.from = "+12015550199".into()),
        ("a sender that is not shown", true, |seen, _| seen.from = String::new()),
        ("another person", false, |seen, _| seen.to = "+12015550133".into()),
        ("the other direction", false, |seen, _| seen.direction = Direction::Inbound),
        ("a clock that runs behind", true, |seen, _| seen.created_at = Some(at(-60) - CLOCK_SKEW)),
        ("before the first attempt", false, |seen, _| seen.created_at = Some(at(-61) - CLOCK_SKEW)),
        ("at the end of the longest call", true, |seen, _| {
            seen.created_at = Some(at(-60) + LONGEST_CALL + CLOCK_SKEW);
        }),
        ("long after the last attempt", false, |seen, _| {
            seen.created_at = Some(at(-59) + LONGEST_CALL + CLOCK_SKEW);
        }),
        ("our reference in it", true, |seen, row| seen.reference = Some(row.external_id.clone())),
        ("the reference of another row in it", false, |seen, _| seen.reference = Some("b".into())),
        ("a row that was never tried", false, |_, row| (row.attempted_at, row.in_flight) = (None, None)),
        ("a row whose send is not in doubt", false, |_, row| row.in_flight = Some(begun(Act::Report, -9))),
        ("a row whose note is in doubt", false, |_, row| row.in_flight = Some(begun(Act::Note, -9))),
        ("a row whose send is uncertain behind a note", true, |_, row| {
            (row.parked, row.in_flight) = (Some(Parked::Uncertain), Some(begun(Act::Note, -9)));
        }),
        ("a row that has its id", false, |_, row| row.provider_message_id = Some("SM9".into())),
        ("a row of the provider's", false, |_, row| *row = theirs(|_| ())),
        ("a send after an earlier one", true, |seen, row| {
            (row.attempted_at, row.in_flight) = (Some(at(-90_000)), Some(begun(Act::Deliver, -60)));
            seen.created_at = Some(at(-50));
        }),
    ];
    for (what, expected, change) in cases {
        let (mut seen, mut row) = (shown("SM1"), uncertain("a"));
        change(&mut seen, &mut row);
        assert_eq!(could_be(&seen, &row), expected, "{what}");
    }
}
