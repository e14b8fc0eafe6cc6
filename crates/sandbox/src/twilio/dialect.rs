//! Twilio's own ways (messaging and webhook reference, its `OpenAPI` description, read 2026-11).

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::media::MEDIA;
use crate::misbehaviour::Operation;
use crate::sms::dialect::{Dialect, Fields, Wrong};
use crate::sms::life::{Step, field, media, steps};
use crate::sms::list::{Listed, Lists};
use crate::sms::media::MediaListed;
use crate::sms::model::{Fate, SmsMessage, rfc2822};
use crate::sms::routes::{Call, json_response};
use crate::sms::send::{Limits, contents, is_address};
use crate::sms::sign;
use crate::sms::state::State;
use crate::storage::Way;

pub(super) static DIALECT: Dialect = Dialect {
    name: "twilio",
    root: "/2010-04-01",
    suffix: true,
    refused: 400,
    unauthorized: "Authenticate",
    error,
    sid: |ids, media| format!("{}{}", if media { "MM" } else { "SM" }, ids.uid()),
    media_sid: |ids| format!("ME{}", ids.uid()),
    check,
    rewrite,
    resource,
    lists: Lists { page_size: 20007, argument: 20001, no_token: 20001, token: 20001, order },
    page,
    media: MEDIA,
    media_page,
    media_way: Way::Redirects(StatusCode::TEMPORARY_REDIRECT),
    passes_parts: false,
    steps: life,
    event,
    sign: sign::different,
    attempts,
    // 5 s to connect, 15 s in all.
    timeout: Duration::from_secs(15),
    keeps_opt_outs: true,
};

const LIMITS: Limits = Limits { media: 10, callback: 21609, validity: 36_000, not_valid: 90007 };

fn error(status: u16, code: i64, message: &str) -> Response {
    let line = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    json_response(line, &json!({ "code": code, "message": message, "more_info": more, "status": status }))
}

/// The network of an address and the number in it.
fn network(address: &str) -> (&str, &str) {
    address.split_once(':').unwrap_or(("", address))
}

fn check(call: &Call, state: &State) -> Result<(), Wrong> {
    let to = call.field("To").ok_or((21604, "A 'To' phone number is required."))?;
    let (theirs, number) = network(to);
    if !is_address(number) || !["", "whatsapp"].contains(&theirs) {
        return Err((21211, "Invalid 'To' Phone Number"));
    }
    let service = call.field("MessagingServiceSid");
    let numbers =
        service.map(|sid| state.numbers_of(sid).ok_or((21705, "The Messaging Service Sid is invalid")));
    if numbers.transpose()?.is_some_and(<[String]>::is_empty) {
        return Err((21704, "The Messaging Service contains no phone numbers"));
    }
    let none = (21603, "A 'From' phone number is required.");
    let from = call.field("From").or_else(|| state.picked(service?, to)).ok_or(none)?;
    if network(from).0 != theirs || (!theirs.is_empty() && !state.owns(from)) {
        return Err((63007, "Twilio could not find a Channel with the specified From address"));
    }
    if !is_address(network(from).1) {
        return Err((21212, "Invalid From Number"));
    }
    if !state.owns(from) {
        return Err((
            21606,
            "The 'From' phone number provided is not a valid message-capable Twilio phone number",
        ));
    }
    contents(call, &LIMITS)?;
    if state.is_blocked(to, from) {
        return Err((21610, "Attempt to send to unsubscribed recipient"));
    }
    Ok(())
}

/// Smart encoding, as far as tests need it.
fn rewrite(call: &Call, body: &str) -> String {
    if call.field("SmartEncoded") != Some("true") {
        return body.to_owned();
    }
    let plain = |c| match c {
        '\u{2018}' | '\u{2019}' => "'".to_owned(),
        '\u{201C}' | '\u{201D}' => "\"".to_owned(),
        '\u{2013}' | '\u{2014}' => "-".to_owned(),
        '\u{2026}' => "...".to_owned(),
        '\u{A0}' => " ".to_owned(),
        c => c.to_string(),
    };
    body.chars().map(plain).collect()
}

/// By the time of sending, those without one at the head (the first is documented, the second assumed).
fn order(message: &SmsMessage) -> (bool, i64, u64) {
    let sent = message.date_sent.map(|at| at.timestamp());
    (sent.is_none(), sent.unwrap_or_else(|| message.date_created.timestamp()), message.seq)
}

/// What a messaging service accepted is queued first.
fn life(message: &SmsMessage, fate: &Fate) -> Vec<Step> {
    let queued = (message.status == "accepted").then_some(("queued", None));
    queued.into_iter().chain(steps(fate, true)).collect()
}

/// In the vendor's types: counts and price are strings, the error code is a number.
fn resource(message: &SmsMessage, account: &str) -> Value {
    let uri = format!("/2010-04-01/Accounts/{account}/Messages/{}", message.sid);
    let from = Some(message.shown_from()).filter(|from| !from.is_empty());
    // Nobody knows how many it takes before the service has picked a sender.
    let segments = if from.is_some() { message.num_segments } else { 0 };
    json!({
        "sid": message.sid,
        "account_sid": account,
        "api_version": "2010-04-01",
        "messaging_service_sid": message.messaging_service_sid,
        "to": message.to,
        "from": from,
        "body": message.body,
        "status": message.status,
        "direction": message.direction,
        "num_segments": segments.to_string(),
        "num_media": message.media_urls.len().to_string(),
        "price": (message.status == "delivered").then_some("-0.00750"),
        "price_unit": "USD",
        "error_code": message.error_code.as_deref().and_then(|code| code.parse::<i64>().ok()),
        "error_message": message.error_message,
        "date_created": rfc2822(message.date_created),
        "date_updated": rfc2822(message.date_updated),
        "date_sent": message.date_sent.map(rfc2822),
        "uri": format!("{uri}.json"),
        "subresource_uris": {
            "media": format!("{uri}/Media.json"),
            "feedback": format!("{uri}/Feedback.json"),
        },
    })
}

fn page(listed: &Listed) -> Value {
    json!({
        "uri": listed.uri,
        "first_page_uri": listed.first,
        "next_page_uri": listed.next,
        "previous_page_uri": listed.previous,
        "page": listed.number,
        "page_size": listed.size,
        "start": listed.start,
        "end": (listed.start + listed.messages.len()).saturating_sub(1),
        "messages": listed.messages,
    })
}

fn media_page(listed: &MediaListed) -> Value {
    json!({
        "uri": listed.uri,
        "first_page_uri": listed.uri,
        "next_page_uri": null,
        "previous_page_uri": null,
        "page": 0,
        "page_size": listed.size,
        "start": 0,
        "end": listed.media.len().saturating_sub(1),
        "media_list": listed.media,
    })
}

fn event(operation: Operation, message: &SmsMessage, account: &str) -> Fields {
    let mut fields = vec![
        field("MessageSid", &message.sid),
        field("SmsSid", &message.sid),
        field("SmsStatus", &message.status),
        field("AccountSid", account),
        field("To", &message.to),
        field("ApiVersion", "2010-04-01"),
    ];
    let from = Some(message.shown_from()).filter(|from| !from.is_empty());
    fields.extend(from.map(|from| field("From", from)));
    fields.extend(message.messaging_service_sid.as_deref().map(|sid| field("MessagingServiceSid", sid)));
    if operation == Operation::StatusCallback {
        fields.push(field("MessageStatus", &message.status));
        fields.extend(message.error_code.as_deref().map(|code| field("ErrorCode", code)));
        fields.extend(message.error_message.as_deref().map(|text| field("ErrorMessage", text)));
        if ["delivered", "undelivered"].contains(&message.status.as_str()) {
            let done = message.date_updated.format("%y%m%d%H%M").to_string();
            fields.push(field("RawDlrDoneDate", &done));
        }
    } else {
        fields.extend(received(message));
    }
    fields
}

/// What a text from a customer says besides. Fields without a value are there and are signed.
fn received(message: &SmsMessage) -> Fields {
    let mut fields = vec![
        field("SmsMessageSid", &message.sid),
        field("Body", &message.body),
        field("NumMedia", &message.media_urls.len().to_string()),
        field("NumSegments", &message.num_segments.to_string()),
    ];
    fields.extend(media(message));
    match network(&message.from) {
        ("whatsapp", number) => {
            fields.push(field("WaId", number.trim_start_matches('+')));
            fields.push(field("ProfileName", "Somebody"));
        }
        _ => {
            let places = ["FromCity", "FromState", "FromZip", "ToCity", "ToState", "ToZip"];
            fields.extend(places.map(|name| field(name, "")));
            fields.extend(["FromCountry", "ToCountry"].map(|name| field(name, "US")));
        }
    }
    // Without a messaging service nobody says that a text opted out.
    let opt_out = message.opt_out.filter(|_| message.messaging_service_sid.is_some());
    fields.extend(opt_out.map(|kind| field("OptOutType", kind)));
    fields
}

/// Once, for what fails after connecting is not repeated; unless the fragment of the URL asks for more, as in
/// `#rc=5&rp=all`.
fn attempts(_: Operation, url: &str) -> usize {
    let (_, fragment) = url.split_once('#').unwrap_or_default();
    let asked = |name: &str| {
        fragment.split('&').find_map(|part| part.split_once('=').filter(|(key, _)| *key == name))
    };
    let repeats =
        asked("rp").is_some_and(|(_, what)| what.split(',').any(|what| ["all", "5xx"].contains(&what)));
    let count = asked("rc").and_then(|(_, count)| count.parse::<usize>().ok()).unwrap_or(1);
    if repeats { 1 + count.min(5) } else { 1 }
}
