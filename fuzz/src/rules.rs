//! What holds for everything that is read, whoever said it.

use super::files::on_the_way;
use super::world::{FRONT, OURS, SIGNALWIRE, TWILIO, channel, context, facts, now, ours, settings};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::collections::BTreeSet;
use twinwire_core::connector::{Call, Connector, Context};
use twinwire_core::identity::{Identity, Known, identify};
use twinwire_core::model::{Act, BoundBy, Direction, Message, Need, Parked, Side, Status};
use twinwire_core::observe::{
    AtHelpdesk, AtProvider, Observation, Ordered, fold_helpdesk, fold_order, fold_provider,
};
use twinwire_core::phone::can_be_texted;
use twinwire_core::plan::{Action, Policy, plan};
use twinwire_core::settle::begin;

/// Front takes no longer id; and what stands in a key of the database has to be short.
const LONGEST_ID: usize = 200;
/// Longest entry of an index of Postgres, in bytes, less what stands beside it.
const LONGEST_KEY: usize = 2_000;

/// What a vendor showed can be stored, and means the same however often it is folded.
pub(crate) fn all(observations: &[Observation]) {
    let mut names = BTreeSet::new();
    for seen in observations {
        match seen {
            Observation::Ordered(order) => {
                assert!(names.insert(&order.external_id), "two orders have one name");
                ordered(order);
            }
            Observation::AtProvider(seen) => at_provider(seen),
            Observation::AtHelpdesk(seen) => at_helpdesk(seen),
            Observation::Connected { helpdesk_channel_id } => id(helpdesk_channel_id),
            Observation::Disconnected => {}
        }
    }
}

/// A name that both vendors, the database and the log can take.
fn id(id: &str) {
    assert!(!id.trim().is_empty(), "an empty id");
    assert!(id.chars().count() <= LONGEST_ID, "an id of {} characters", id.chars().count());
    text(id);
}

/// Postgres holds no NUL.
pub(crate) fn text(text: &str) {
    assert!(!text.contains('\0'), "a NUL in {text:?}");
}

fn key(key: &str) {
    text(key);
    assert!(key.len() <= LONGEST_KEY, "a key of {} bytes", key.len());
}

fn json(value: &Value) {
    match value {
        Value::String(string) => text(string),
        Value::Array(items) => items.iter().for_each(json),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            text(key);
            json(value);
        }),
        _ => {}
    }
}

/// Postgres keeps microseconds: anything finer looks like a change whenever it is read again. Its calendar ends sooner than
/// ours, and arithmetic with hours and days must not leave ours.
fn time(at: Option<DateTime<Utc>>) {
    let Some(at) = at else { return };
    assert_eq!(DateTime::from_timestamp_micros(at.timestamp_micros()), Some(at), "finer than microseconds");
    let year = TimeDelta::days(366);
    assert!(at.checked_sub_signed(year).is_some() && at.checked_add_signed(year).is_some(), "{at}");
    assert!(at.timestamp() > -210_000_000_000, "{at} is before Postgres' calendar");
}

fn ordered(order: &Ordered) {
    id(&order.external_id);
    id(&order.helpdesk_message_id);
    assert_eq!(order.external_id, format!("{}-{}", order.helpdesk_message_id, order.recipient));
    assert!(can_be_texted(&order.recipient), "an order to {:?}", order.recipient);
    let says_something = !order.body.trim().is_empty() || !order.files.is_empty();
    assert!(says_something, "an order without a text or a file");
    text(&order.body);
    json(&order.data);
    time(order.occurred_at);
    order.thread.iter().for_each(|thread| id(thread));

    let row = fold_order(None, order, OURS, now());
    storable(&row);
    assert_eq!(row.need(), Need::Deliver);
    assert_eq!(fold_order(Some(&row), order, OURS, now() + TimeDelta::seconds(9)), row, "folded twice");
    let late = now() - row.occurred_at > TimeDelta::hours(48);
    let first = if order.files.is_empty() { Act::Deliver } else { Act::Fetch };
    let due = if late { Action::Park(Parked::TooOld) } else { Action::Do(first) };
    assert_eq!(plan(&row, &facts(&Policy::default()), now()), due);

    assert_eq!(order.clone().named(Some(&row)).external_id, order.external_id, "it is itself");
    if let Some(second) = &order.second_choice {
        id(&second.external_id);
        assert!(second.external_id != order.external_id && second.external_id.ends_with(&order.recipient));
        let other = Message { body: format!("{}!", order.body), ..row.clone() };
        assert_eq!(order.clone().named(Some(&other)).external_id, second.external_id);
    }
    sent_as_written(SIGNALWIRE, &row);
    sent_as_written(TWILIO, &row);
    look_up_of(&row);
}

/// What goes to the provider is what the agent wrote, to whom they wrote it.
fn sent_as_written(connector: &dyn Connector, row: &Message) {
    let (settings, channel) = (settings(connector, "https://api.example.test"), channel());
    let files = if row.media.is_empty() { Vec::new() } else { vec![on_the_way()] };
    let context = Context { files: &files, ..context(&settings, &channel, None) };
    let Ok(request) = connector.build(&Call::Deliver(row), &context) else {
        assert!(row.body.chars().count() > 1600, "a sound order is refused");
        return;
    };
    let fields: Vec<_> = form_urlencoded::parse(&request.body).collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
    let body = Some(&*row.body).filter(|body| !body.trim().is_empty());
    assert_eq!((field("From"), field("To"), field("Body")), (Some(OURS), Some(&*row.recipient), body));
    assert_eq!(fields.iter().filter(|(name, _)| name == "MediaUrl").count(), files.len());
    let callback = field("StatusCallback").and_then(|url| url.split_once("?ref="));
    let reference = callback.map(|(_, query)| form_urlencoded::parse(query.as_bytes()).next());
    // A form reads `ref` alone, as its only name: our id came through whole.
    let reference = reference.flatten().map(|(name, _)| name.into_owned());
    assert_eq!(reference.as_deref(), Some(&*row.external_id));
}

/// Once its outcome is unknown, it is asked about and not sent again.
fn look_up_of(row: &Message) {
    let begun = begin(row, Act::Deliver, now());
    storable(&begun);
    let later = now() + TimeDelta::minutes(2);
    assert_eq!(plan(&begun, &facts(&Policy::default()), later), Action::Do(Act::LookUp));
}

fn at_provider(seen: &AtProvider) {
    id(&seen.id);
    key(&seen.from);
    key(&seen.to);
    [&seen.body, &seen.error_code, &seen.error_message].into_iter().flatten().for_each(|said| text(said));
    seen.reference.iter().for_each(|reference| text(reference));
    seen.data.iter().for_each(|data| json(data));
    [seen.created_at, seen.sent_at, seen.updated_at].into_iter().for_each(time);
    assert!(seen.updated_at.is_none() || seen.data.is_some(), "a time of change without a payload");
    assert_eq!(seen.clone().join(seen.clone()), *seen, "joined with itself");

    match identify(seen, OURS, Known::default()) {
        Identity::New => new_row(seen),
        Identity::Foreign => {}
        other => panic!("nothing is known, and yet it is {other:?}"),
    }
    // Our reference in it, or our own question, says which row it is.
    let row = begin(&ours(), Act::Deliver, now());
    let known = Known { by_reference: Some(&row), ..Known::default() };
    let Identity::Row(row, by) = identify(seen, OURS, known) else { panic!("the reference is not believed") };
    let bound = fold_provider(Some(row), seen, by, now());
    assert_eq!(bound.provider_message_id.as_deref(), Some(&*seen.id));
    assert_eq!(
        (&bound.body, &bound.recipient),
        (&row.body, &row.recipient),
        "an answer rewrote what was sent"
    );
    settled(&bound);
    let failed = Message { provider_status: Some(Status::Failed), ..bound.clone() };
    let after = fold_provider(Some(&failed), seen, by, now());
    assert!(after.provider_status >= failed.provider_status, "a failure is hidden by what came late");
    assert_eq!(fold_provider(Some(&bound), seen, by, now() + TimeDelta::seconds(9)), bound, "folded twice");
}

fn new_row(seen: &AtProvider) {
    let row = fold_provider(None, seen, BoundBy::Answer, now());
    storable(&row);
    assert!(!row.conversation.is_empty(), "a message without a person");
    assert_eq!((row.origin, row.need()), (Side::Provider, Need::Deliver));
    let (customer, ours) = match row.direction {
        Direction::Inbound => (&row.sender, &row.recipient),
        Direction::Outbound => (&row.recipient, &row.sender),
    };
    assert_eq!((customer, ours.as_str()), (&row.conversation, OURS));
    let again = fold_provider(Some(&row), seen, BoundBy::Answer, now() + TimeDelta::seconds(9));
    assert_eq!(again, row, "folded twice");
    let action = plan(&row, &facts(&Policy::default()), now());
    let first = if seen.files.is_empty() { Act::Deliver } else { Act::Fetch };
    let as_it_is = matches!(action, Action::Do(act) if act == first);
    assert!(as_it_is || action == Action::Park(Parked::TooOld), "{action:?}");

    let (settings, channel) = (settings(FRONT, "https://api.example.test"), channel());
    let Ok(request) = FRONT.build(&Call::Deliver(&row), &context(&settings, &channel, None)) else {
        assert!(row.conversation.chars().count() > LONGEST_ID, "a sound message is refused");
        return;
    };
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    assert_eq!(body["metadata"]["external_id"], row.external_id);
    assert!(body["body"].as_str().is_some_and(|text| !text.trim().is_empty()), "Front refuses an empty text");
}

fn at_helpdesk(seen: &AtHelpdesk) {
    let names = [&seen.external_id, &seen.accepted_as, &seen.id];
    names.into_iter().flatten().for_each(|name| id(name));
    [&seen.thread, &seen.conversation].into_iter().flatten().for_each(|name| id(name));
    time(seen.created_at);
    assert!(seen.external_id.is_some() || seen.accepted_as.is_some(), "nobody can tell which row this is");
    let theirs = begin(&super::world::theirs(), Act::Deliver, now());
    for row in [theirs, ours()] {
        let after = fold_helpdesk(&row, seen, now());
        storable(&after);
        let again = fold_helpdesk(&after, seen, now() + TimeDelta::seconds(9));
        assert_eq!(again, after, "folded twice");
        if after.origin == Side::Provider && (seen.id.is_some() || seen.accepted_as.is_some()) {
            settled(&after);
        }
    }
}

/// A row with its destination's id is never delivered again, and stands in no doubt about it.
pub(crate) fn settled(row: &Message) {
    storable(row);
    assert!(row.destination_id().is_some(), "the id is lost");
    assert!(
        row.standing_doubt().is_none_or(|doubt| doubt.act != Act::Deliver),
        "a doubt about what is there"
    );
    for minutes in [0, 2, 600, 6_000] {
        let action = plan(row, &facts(&Policy::default()), now() + TimeDelta::minutes(minutes));
        assert!(
            !matches!(action, Action::Do(Act::Deliver) | Action::Park(Parked::TooOld | Parked::GaveUp)),
            "{action:?} of a message that is there"
        );
    }
}

/// The database takes the row.
pub(crate) fn storable(row: &Message) {
    let keys = [&row.external_id, &row.conversation, &row.sender, &row.recipient];
    for name in keys {
        key(name);
    }
    [&row.helpdesk_message_id, &row.provider_message_id].into_iter().flatten().for_each(|name| key(name));
    text(&row.body);
    let said = [&row.provider_error_code, &row.provider_error_message, &row.last_error];
    said.into_iter().flatten().for_each(|words| text(words));
    json(&row.data);
    let times = [Some(row.occurred_at), row.provider_updated_at, row.attempted_at];
    times.into_iter().for_each(time);
    // What sleeps with something to do is never looked at again.
    let asleep = row.wake_at.is_none() && matches!(row.need(), Need::Deliver | Need::Settle(_));
    assert!(!asleep, "it asks for {:?} and sleeps", row.need());
}
