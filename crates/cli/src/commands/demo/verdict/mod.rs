//! Whether every message ended where it should: once at each side, with every failure told once, and nothing open.
//!
//! * [`files`] — the same of its file.

mod files;

use super::cast::Cast;
use super::expected::{End, Expected, Route};
use super::rows::Row;
use twinwire_sandbox::Operation;
use twinwire_sandbox::front::{Message, Source};
use twinwire_sandbox::signalwire::SmsMessage;

/// Everything that is not as it should be, a sentence each.
pub(super) async fn differences(cast: &Cast, expected: &[Expected]) -> anyhow::Result<Vec<String>> {
    let rows = cast.rows().await?;
    let front = cast.front.all_messages(&cast.inbox);
    let sms = cast.signalwire.messages();
    let mut found = Vec::new();
    for one in expected {
        let at_front: Vec<&Message> = front
            .iter()
            .filter(|message| message.text == one.text && message.contact() == one.contact)
            .collect();
        let at_provider: Vec<&SmsMessage> = sms
            .iter()
            .filter(|message| one.is_carried_by(&message.body) && message.contact() == one.contact)
            .collect();
        let of_row: Vec<&Row> = rows.iter().filter(|row| one.is_carried_by(&row.body)).collect();
        let (inside, sent) = (at_front.first().copied(), at_provider.first().copied());
        let mut wrong = wrong_in_front(one, &at_front);
        wrong.extend(wrong_at_provider(one, &at_provider));
        wrong.extend(wrong_in_table(one, &of_row, inside, &at_provider));
        wrong.extend(files::wrong(one, inside, sent));
        found.extend(wrong.into_iter().map(|what| format!("“{}”: {what}", one.title())));
    }
    found.extend(too_many(expected, &front, &sms, &rows));
    found.extend(wrongly_told(cast, expected));
    found
        .extend(cast.signalwire.complaints().into_iter().map(|what| format!("SignalWire complains: {what}")));
    Ok(found)
}

/// The verdict in a line.
pub(super) fn sentence(expected: &[Expected], differences: &[String]) -> String {
    let failures = expected.iter().filter(|one| one.end.code().is_some()).count();
    match differences.len() {
        0 => format!(
            "All {} messages ended where they should: {failures} failures told, none lost, none twice.",
            expected.len()
        ),
        1 => "One thing is not as it should be:".to_owned(),
        many => format!("{many} things are not as they should be:"),
    }
}

fn wrong_in_front(one: &Expected, messages: &[&Message]) -> Vec<String> {
    let [message] = messages else { return vec![format!("{} times in Front, not once", messages.len())] };
    let source = match one.route {
        Route::Agent => Source::Agent,
        Route::AutoReply => Source::AutoReply,
        Route::Customer => Source::Sync,
    };
    let mut wrong = Vec::new();
    if message.source != source || message.is_inbound != (one.route == Route::Customer) {
        wrong.push("in Front as another kind of message".to_owned());
    }
    match (&message.error, one.end.code()) {
        (None, None) => {}
        (Some(reason), Some(code)) if reason.contains(&code.to_string()) => {}
        (Some(reason), None) => wrong.push(format!("the agent is told of a failure: {reason}")),
        (reason, Some(code)) => wrong.push(format!("the agent is not told of {code} but of {reason:?}")),
    }
    wrong
}

fn wrong_at_provider(one: &Expected, messages: &[&SmsMessage]) -> Vec<String> {
    let status = one.end.at_provider();
    let should = status.map_or(0, |_| one.parts);
    if messages.len() != should {
        return vec![format!("{} times at SignalWire, not {should}", messages.len())];
    }
    let Some(status) = status else { return Vec::new() };
    let others = messages.iter().filter(|message| message.status != status);
    let mut wrong: Vec<String> =
        others.map(|message| format!("{} at SignalWire, not {status}", message.status)).collect();
    let bodies: Vec<&str> = messages.iter().map(|message| message.body.as_str()).collect();
    if !one.is_whole_in(&bodies) {
        wrong.push("its parts at SignalWire are not the whole text in order".to_owned());
    }
    wrong
}

fn wrong_in_table(
    one: &Expected,
    rows: &[&Row],
    front: Option<&Message>,
    sms: &[&SmsMessage],
) -> Vec<String> {
    if rows.len() != one.parts {
        return vec![format!("{} rows, not {}", rows.len(), one.parts)];
    }
    let sids = sms.iter().map(|message| Some(message.sid.as_str())).chain(std::iter::repeat(None));
    rows.iter().zip(sids).flat_map(|(row, sid)| wrong_in_row(one, row, front, sid)).collect()
}

fn wrong_in_row(one: &Expected, row: &Row, front: Option<&Message>, sid: Option<&str>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |good: bool, what: String| {
        if !good {
            wrong.push(what);
        }
    };
    // Front shows no id for automatic replies; the one that Twinwire makes of what they answer must be there.
    let front = front.and_then(|message| message.id.as_deref()).or(row.helpdesk_message_id.as_deref());
    check(
        front.is_some() && row.helpdesk_message_id.as_deref() == front,
        "the row lacks Front's id".to_owned(),
    );
    check(
        row.provider_message_id.as_deref() == sid,
        "the row's id at SignalWire is not the message's".to_owned(),
    );
    check(row.is_settled(), "the row still waits for something".to_owned());
    let parked = matches!(one.end, End::Refused(_)).then_some("refused");
    check(row.parked.as_deref() == parked, format!("the row is parked: {:?}", row.parked));
    let told = one.end.code().map(|_| "failed");
    check(
        row.helpdesk_status.as_deref() == told,
        format!("the row says of Front: {:?}", row.helpdesk_status),
    );
    wrong
}

fn too_many(expected: &[Expected], front: &[Message], sms: &[SmsMessage], rows: &[Row]) -> Vec<String> {
    let taken = expected.iter().filter(|one| one.end.at_provider().is_some()).map(|one| one.parts).sum();
    let parts = expected.iter().map(|one| one.parts).sum();
    let counts = [
        ("messages in Front", front.len(), expected.len()),
        ("messages at SignalWire", sms.len(), taken),
        ("rows", rows.len(), parts),
    ];
    let wrong = counts.into_iter().filter(|(_, are, should)| are != should);
    wrong.map(|(what, are, should)| format!("{are} {what}, not {should}")).collect()
}

/// Each failure is told once: Front was asked to mark as many messages, and marked as many.
fn wrongly_told(cast: &Cast, expected: &[Expected]) -> Vec<String> {
    let should = expected.iter().filter(|one| one.end.code().is_some()).count();
    let asked =
        cast.front.requests().iter().filter(|seen| seen.operation == Some(Operation::UpdateStatus)).count();
    let reopened: usize = cast.front.conversations(&cast.inbox).iter().map(|known| known.reopened).sum();
    let mut wrong = Vec::new();
    if asked != should || reopened != should {
        wrong.push(format!("{should} failures, and Front was told {asked} times and marked {reopened}"));
    }
    wrong
}
