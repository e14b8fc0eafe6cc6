//! What an operator may do to a message, one rule per line.

mod support;

use support::{at, begun, ours, theirs};
use twinwire_core::media::{File, Medium, State};
use twinwire_core::model::{Act, BoundBy, Message, Need, Parked, Status, Told};
use twinwire_core::retry::{RetryRefused, hurry, may_have_arrived, not_arrived, retry};
use twinwire_core::settle::{Result as Came, apply, begin};
use twinwire_core::{outcome::Refusal, plan::Policy, plan::is_too_old};

fn parked(why: Parked) -> Message {
    ours(|row| {
        row.parked = Some(why);
        row.attempted_at = (why != Parked::TooOld).then(|| at(-50));
        row.last_error = Some("why".to_owned());
        row.wake_at = None;
    })
}

fn uncertain() -> Message {
    let mut row = parked(Parked::Uncertain);
    row.doubt = Some(begun(Act::Deliver, -50));
    row
}

fn sent(status: Status) -> Message {
    ours(|row| {
        row.provider_message_id = Some("SM1".to_owned());
        row.bound_by = Some(BoundBy::Answer);
        row.provider_status = Some(status);
        row.attempted_at = Some(at(-50));
        row.wake_at = None;
    })
}

fn but(mut row: Message, change: impl FnOnce(&mut Message)) -> Message {
    change(&mut row);
    row
}

#[test]
#[rustfmt::skip] // one rule, one line
fn what_is_not_retried_and_why() {
    use RetryRefused::{InDoubt, InFlight, InStep, NoMessage, NotDelivered, Uncertain, Waits};
    let send = begun(Act::Deliver, -5);
    let note = begun(Act::Note, -5);
    for (rule, row, why) in [
        ("what is being sent", ours(|row| row.in_flight = Some(send)), InFlight(send)),
        ("what is being told", but(parked(Parked::Refused), |row| row.in_flight = Some(note)), InFlight(note)),
        ("what may have been sent", ours(|row| row.doubt = Some(send)), InDoubt(send)),
        ("what may have been told", but(parked(Parked::Refused), |row| row.doubt = Some(note)), InDoubt(note)),
        ("what an operator has to settle", uncertain(), Uncertain),
        ("what is uncertain without a doubt", parked(Parked::Uncertain), Uncertain),
        ("what was taken for the provider's own", theirs(|row| (row.parked, row.provider_message_id) = (Some(Parked::Uncertain), None)), NoMessage),
        ("what is to be tried anyway", ours(|row| row.wake_at = Some(at(30))), Waits),
        ("what is delivered", sent(Status::Delivered), InStep),
        ("what is on its way", sent(Status::Sent), InStep),
        ("what the provider could not deliver", sent(Status::Undelivered), NotDelivered),
        ("what was refused and is there all the same", but(sent(Status::Sent), |row| row.parked = Some(Parked::Refused)), InStep),
        ("what the customer wrote and is in the helpdesk", theirs(|row| row.helpdesk_message_id = Some("msg_1".to_owned())), InStep),
    ] {
        assert_eq!(retry(&row, at(0)), Err(why), "{rule}");
        assert!(!why.words("42").is_empty());
    }
}

#[test]
fn what_was_put_aside_is_tried_anew_and_nothing_of_the_old_failure_stays() {
    for (why, told) in [
        (Parked::Refused, Some(Told::Failed)),
        (Parked::Refused, None),
        (Parked::GaveUp, Some(Told::Noted)),
        (Parked::TooOld, Some(Told::Untold)),
    ] {
        let row = but(parked(why), |row| {
            row.helpdesk_status = told;
            row.provider_error_code = Some("21610".to_owned());
            row.provider_error_message = Some("Blocked".to_owned());
            row.failures = 50;
        });
        let again = retry(&row, at(0)).unwrap();
        assert_eq!((again.need(), again.wake_at), (Need::Deliver, Some(at(0))), "{why:?}");
        let expected = Message {
            parked: None,
            helpdesk_status: None,
            provider_error_code: None,
            provider_error_message: None,
            failures: 0,
            last_error: None,
            attempted_at: Some(at(0)),
            wake_at: Some(at(0)),
            ..row
        };
        assert_eq!(again, expected, "{why:?}");
    }
}

#[test]
fn a_message_that_was_too_old_is_not_put_aside_for_its_age_again() {
    let old = but(parked(Parked::TooOld), |row| row.occurred_at = at(-72 * 3600));
    assert!(is_too_old(&Message { parked: None, ..old.clone() }, Policy::default().too_old, at(0)));
    assert!(!is_too_old(&retry(&old, at(0)).unwrap(), Policy::default().too_old, at(0)));
}

#[test]
fn a_customers_text_that_the_helpdesk_refused_keeps_what_the_provider_says_of_it() {
    let row = theirs(|row| {
        row.parked = Some(Parked::Refused);
        row.provider_status = Some(Status::Received);
    });
    let again = retry(&row, at(0)).unwrap();
    assert_eq!((again.need(), again.provider_status), (Need::Deliver, Some(Status::Received)));
}

#[test]
fn a_second_failure_is_told_anew_and_the_first_one_was_told_once() {
    let again = retry(&but(parked(Parked::Refused), |row| row.helpdesk_status = Some(Told::Failed)), at(0));
    let begun = begin(&again.unwrap(), Act::Deliver, at(1));
    let refused = Came::Refused(Refusal::permanent(Some("30007".to_owned()), "Filtered"));
    let failed = apply(&begun, Act::Deliver, &refused, at(2), 0.5);
    assert_eq!((failed.need(), failed.parked), (Need::Tell, Some(Parked::Refused)));
    assert_eq!(failed.provider_error_code.as_deref(), Some("30007"));
}

#[test]
fn hurry_wakes_what_waits_and_is_refused_like_a_retry_otherwise() {
    let waits = ours(|row| row.wake_at = Some(at(30)));
    assert_eq!(hurry(&waits, at(0)), Ok(Message { wake_at: Some(at(0)), ..waits }));
    let doubt = ours(|row| (row.doubt, row.wake_at) = (Some(begun(Act::Deliver, -5)), Some(at(30))));
    assert_eq!(hurry(&doubt, at(0)), Ok(Message { wake_at: Some(at(0)), ..doubt }));
    let untold = but(sent(Status::Failed), |row| row.wake_at = Some(at(30)));
    assert_eq!(hurry(&untold, at(0)), Ok(Message { wake_at: Some(at(0)), ..untold }));
    let told = but(sent(Status::Failed), |row| row.helpdesk_status = Some(Told::Failed));
    assert_eq!(hurry(&told, at(0)), Err(RetryRefused::NotDelivered));
    assert_eq!(hurry(&sent(Status::Sent), at(0)), Err(RetryRefused::InStep));
    assert_eq!(hurry(&uncertain(), at(0)), Err(RetryRefused::Uncertain));
    let flying = ours(|row| row.in_flight = Some(begun(Act::Deliver, -5)));
    assert!(matches!(hurry(&flying, at(0)), Err(RetryRefused::InFlight(_))));
    assert_eq!(hurry(&parked(Parked::GaveUp), at(0)), retry(&parked(Parked::GaveUp), at(0)));
}

#[test]
fn an_uncertain_message_that_did_not_arrive_stays_aside_and_can_be_retried() {
    let told = but(uncertain(), |row| row.helpdesk_status = Some(Told::Failed));
    let settled = not_arrived(&told, at(0)).unwrap();
    assert_eq!((settled.parked, settled.doubt, settled.need()), (Some(Parked::GaveUp), None, Need::Nothing));
    assert_eq!((settled.helpdesk_status, settled.wake_at), (Some(Told::Failed), None));
    assert_eq!(retry(&settled, at(0)).unwrap().need(), Need::Deliver);
    let untold = not_arrived(&uncertain(), at(0)).unwrap();
    assert_eq!((untold.need(), untold.wake_at), (Need::Tell, Some(at(0))));
}

#[test]
#[rustfmt::skip] // one rule, one line
fn only_an_uncertain_message_is_settled() {
    let send = begun(Act::Deliver, -5);
    let note = begun(Act::Note, -5);
    let telling = but(uncertain(), |row| (row.in_flight, row.wake_at) = (Some(note), Some(at(0))));
    let told_perhaps = but(uncertain(), |row| row.doubt = Some(note));
    for (rule, row, arrived, not) in [
        ("sent", sent(Status::Sent), Some(RetryRefused::NotUncertain), Some(RetryRefused::NotUncertain)),
        ("refused", parked(Parked::Refused), Some(RetryRefused::NotUncertain), Some(RetryRefused::NotUncertain)),
        ("in doubt", ours(|row| row.doubt = Some(send)), Some(RetryRefused::NotUncertain), Some(RetryRefused::NotUncertain)),
        ("being told", telling, Some(RetryRefused::InFlight(note)), Some(RetryRefused::InFlight(note))),
        ("told perhaps", told_perhaps, None, Some(RetryRefused::InDoubt(note))),
        ("uncertain", uncertain(), None, None),
    ] {
        assert_eq!(may_have_arrived(&row).err(), arrived, "{rule}");
        assert_eq!(not_arrived(&row, at(0)).err(), not, "{rule}");
    }
}

#[test]
fn a_file_that_could_not_be_had_is_wanted_again_however_long_ago_that_was() {
    let missing = Medium { file: File::default(), state: State::Missing { why: "gone".to_owned() } };
    let mut row = parked(Parked::Refused);
    row.media = vec![missing];
    let again = retry(&row, at(7_200)).unwrap();
    assert_eq!((again.media[0].state.clone(), again.attempted_at), (State::Wanted, Some(at(7_200))));
}
