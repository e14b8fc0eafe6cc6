//! Rows to start from. What a test does not name is as in a message that nothing has happened to yet.

use chrono::{DateTime, TimeDelta, Utc};
use twinwire_core::model::{Act, Begun, BoundBy, Direction, Message, Side};
use twinwire_core::observe::{AtProvider, Ordered, fold_order, fold_provider};
use twinwire_core::parts::Part;

pub(crate) const OURS: &str = "+12015550100";
pub(crate) const CUSTOMER: &str = "+12015550111";

/// A time, in seconds from the one that the tests call now.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_750_000_000 + seconds)
}

pub(crate) fn begun(act: Act, seconds: i64) -> Begun {
    Begun { act, at: at(seconds) }
}

/// A message that an agent wrote a minute ago.
pub(crate) fn ours(change: impl FnOnce(&mut Message)) -> Message {
    let order = Ordered {
        external_id: "ours".to_owned(),
        second_choice: None,
        helpdesk_message_id: "msg_1".to_owned(),
        thread: None,
        recipient: CUSTOMER.to_owned(),
        body: "Hello".to_owned(),
        files: Vec::new(),
        part: Part::WHOLE,
        data: serde_json::Value::from(true).into(),
        occurred_at: Some(at(-60)),
    };
    let mut row = fold_order(None, &order, OURS, at(-60));
    change(&mut row);
    row
}

/// A message that the customer sent a minute ago.
pub(crate) fn theirs(change: impl FnOnce(&mut Message)) -> Message {
    let seen =
        AtProvider { direction: Direction::Inbound, from: CUSTOMER.into(), to: OURS.into(), ..shown("SM1") };
    let mut row = fold_provider(None, &seen, BoundBy::Answer, at(-60));
    change(&mut row);
    assert_eq!(row.origin, Side::Provider);
    row
}

/// An outgoing message, as the provider has it.
pub(crate) fn shown(id: &str) -> AtProvider {
    AtProvider {
        id: id.to_owned(),
        direction: Direction::Outbound,
        from: OURS.to_owned(),
        to: CUSTOMER.to_owned(),
        body: Some("Hello".to_owned()),
        status: None,
        error_code: None,
        error_message: None,
        created_at: Some(at(-60)),
        sent_at: None,
        updated_at: None,
        reference: None,
        data: None,
        files: Vec::new(),
        said: None,
    }
}
