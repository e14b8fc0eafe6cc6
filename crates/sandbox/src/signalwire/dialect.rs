//! `SignalWire`'s own ways (Compatibility API reference and webhook documentation, read 2026-11).

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::media::MEDIA;
use crate::ids::Ids;
use crate::misbehaviour::Operation;
use crate::sms::dialect::{Dialect, Fields, Wrong};
use crate::sms::life::{field, media, steps};
use crate::sms::list::{Listed, Lists};
use crate::sms::media::MediaListed;
use crate::sms::model::{SmsMessage, rfc2822};
use crate::sms::routes::{Call, json_response};
use crate::sms::send::{Limits, contents, is_address};
use crate::sms::sign;
use crate::sms::state::State;
use crate::storage::Way;

pub(super) static DIALECT: Dialect = Dialect {
    name: "signalwire",
    // The path without `/api/laml` is gone since 2025, so it is unknown here too.
    root: "/api/laml/2010-04-01",
    suffix: false,
    refused: 422,
    unauthorized: "Unauthorized",
    error,
    sid: |ids, _| ids.uuid(),
    media_sid: Ids::uuid,
    check,
    rewrite: |_, body| body.to_owned(),
    resource,
    lists: Lists {
        page_size: 54454,
        argument: 90000,
        no_token: 54453,
        token: 21481,
        order: |message| (false, message.date_created.timestamp(), message.seq),
    },
    page,
    media: MEDIA,
    media_page,
    media_way: Way::Itself,
    passes_parts: true,
    // Messages with files get no delivery receipt, so `sent` is their end.
    steps: |message, fate| steps(fate, message.media_urls.is_empty()),
    event,
    sign: sign::in_order,
    // An inbound webhook that is not answered is not repeated; without a fallback URL it is lost.
    attempts: |operation, _| if operation == Operation::StatusCallback { 3 } else { 1 },
    // 2 s to connect and 5 s to answer.
    timeout: Duration::from_secs(7),
    keeps_opt_outs: false,
};

const LIMITS: Limits = Limits { media: 8, callback: 21456, validity: 172_800, not_valid: 21624 };

/// As documented with numbers for `code` and `status`, and for a refused send as it has been seen in the field, with the
/// code as a string and 422 on the status line over 400 in the body.
fn error(status: u16, code: i64, message: &str) -> Response {
    let (told, shown) = if status == 422 { (400, json!(code.to_string())) } else { (status, json!(code)) };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let more = format!("https://developer.signalwire.com/errors/{code}");
    json_response(status, &json!({ "code": shown, "message": message, "more_info": more, "status": told }))
}

fn check(call: &Call, state: &State) -> Result<(), Wrong> {
    let to = call.field("To").ok_or((21604, "A 'To' phone number is required"))?;
    if !is_address(to) {
        return Err((21211, "The 'To' number is not a valid phone number"));
    }
    let from = call.field("From").ok_or((21705, "A 'From' number or number group is required"))?;
    if !is_address(from) {
        return Err((21603, "The 'From' number is not a valid phone number"));
    }
    if !state.owns(from) {
        return Err((21210, "The 'From' number was not purchased by this project"));
    }
    contents(call, &LIMITS)
}

/// In the vendor's types: counts are integers, the error code is a string.
fn resource(message: &SmsMessage, project: &str) -> Value {
    let uri = format!("/api/laml/2010-04-01/Accounts/{project}/Messages/{}", message.sid);
    json!({
        "sid": message.sid,
        "account_sid": project,
        "api_version": "2010-04-01",
        "messaging_service_sid": null,
        "to": message.to,
        "from": message.from,
        "body": message.shown_body(),
        "status": message.status,
        "direction": message.direction,
        "num_segments": message.num_segments,
        "num_media": message.media_urls.len(),
        "price": (message.status == "delivered").then_some(0.0079),
        "price_unit": "USD",
        "error_code": message.error_code,
        "error_message": message.error_message,
        "date_created": rfc2822(message.date_created),
        "date_updated": rfc2822(message.date_updated),
        "date_sent": message.date_sent.map(rfc2822),
        "uri": uri,
        "subresource_uris": { "media": format!("{uri}/Media") },
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
        "media_list": listed.media,
    })
}

fn event(operation: Operation, message: &SmsMessage, project: &str) -> Fields {
    let mut fields = vec![
        field("MessageSid", &message.sid),
        field("SmsSid", &message.sid),
        field("AccountSid", project),
        field("ApiVersion", "2010-04-01"),
        field("From", &message.from),
        field("To", &message.to),
        field("Body", message.shown_body().unwrap_or_default()),
        field("NumMedia", &message.media_urls.len().to_string()),
        field("NumSegments", &message.num_segments.to_string()),
    ];
    fields.extend(media(message));
    if operation == Operation::StatusCallback {
        fields.push(field("MessageStatus", &message.status));
        fields.extend(message.error_code.as_deref().map(|code| field("ErrorCode", code)));
    }
    fields.push(field("SmsStatus", &message.status));
    fields
}
