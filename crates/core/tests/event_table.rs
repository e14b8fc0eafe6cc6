//! Which change of a row is news of what.

mod support;

use support::{begun, ours, theirs};
use twinwire_core::event::{Happened, between};
use twinwire_core::model::{Act, Message, Parked, Status};

fn sent(status: Option<Status>) -> Message {
    ours(|row| {
        row.provider_message_id = Some("SM1".to_owned());
        row.provider_status = status;
    })
}

fn parked(why: Parked) -> Message {
    ours(|row| row.parked = Some(why))
}

#[test]
fn each_transition_is_told_once() {
    let (new, queued) = (ours(|_| {}), sent(Some(Status::Queued)));
    let (delivered, read) = (sent(Some(Status::Delivered)), sent(Some(Status::Read)));
    let (undelivered, failed) = (sent(Some(Status::Undelivered)), sent(Some(Status::Failed)));
    let imported = theirs(|row| row.helpdesk_message_id = Some("msg_2".to_owned()));
    for (before, after, happened) in [
        (None, &new, vec![Happened::Created]),
        (Some(&new), &new, vec![]),
        // What is only being tried is no news.
        (Some(&new), &ours(|row| row.in_flight = Some(begun(Act::Deliver, -10))), vec![]),
        (Some(&new), &queued, vec![Happened::Sent]),
        (Some(&queued), &delivered, vec![Happened::Delivered]),
        (Some(&delivered), &read, vec![]),
        (Some(&queued), &read, vec![Happened::Delivered]),
        (Some(&queued), &undelivered, vec![Happened::Failed]),
        (Some(&undelivered), &failed, vec![]),
        (Some(&delivered), &failed, vec![Happened::Failed]),
        (Some(&failed), &read, vec![Happened::Delivered]),
        // The answer to our own call may already say more.
        (Some(&new), &failed, vec![Happened::Sent, Happened::Failed]),
        (Some(&theirs(|_| {})), &imported, vec![Happened::Imported]),
        (None, &imported, vec![Happened::Created, Happened::Imported]),
        // An id gives way to a better one: it was sent before.
        (Some(&queued), &ours(|row| row.provider_message_id = Some("SM2".to_owned())), vec![]),
    ] {
        assert_eq!(between(before, after), happened, "{before:?} -> {after:?}");
    }
}

#[test]
fn putting_aside_is_told_for_each_reason() {
    let new = ours(|_| {});
    assert_eq!(between(Some(&new), &parked(Parked::Uncertain)), [Happened::Parked]);
    assert_eq!(between(Some(&parked(Parked::Uncertain)), &parked(Parked::Uncertain)), []);
    assert_eq!(between(Some(&parked(Parked::Uncertain)), &parked(Parked::GaveUp)), [Happened::Parked]);
    assert_eq!(between(Some(&parked(Parked::GaveUp)), &new), []);
    assert_eq!(between(None, &parked(Parked::TooOld)), [Happened::Created, Happened::Parked]);
}
