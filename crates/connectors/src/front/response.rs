//! What we answer Front, and what Front's answers mean.

use super::config;
use super::id;
use super::json::{self, items, word};
use chrono::TimeDelta;
use serde_json::{Value, json};
use twinwire_core::connector::{Call, Channel, Context, Reading};
use twinwire_core::http::{Answer, Hook, Reply};
use twinwire_core::model::Message;
use twinwire_core::observe::{AtHelpdesk, Observation};
use twinwire_core::outcome::{Done, Outcome, Page, Refusal, RefusalKind};
use twinwire_core::text::first_chars;
use url::Url;

/// How much of Front's words is kept.
const LONGEST_MESSAGE: usize = 300;
/// So long after an order a report may come before Front has read our answer to that order, and knows our id.
const KNOWN_WITHIN: TimeDelta = TimeDelta::seconds(5);

/// What is stored is a success to Front, whether it has been sent yet or not: a later failure is reported.
pub(super) fn answer(
    hook: &Hook<'_>,
    reading: &Reading,
    channel: &Channel,
    rows: &[Message],
    public_url: &str,
) -> Answer {
    let mut body = json!({ "type": "success" });
    match reading.event.as_str() {
        "authorization" => body["webhook_url"] = webhook_url(hook, channel, public_url).into(),
        "message" | "message_autoreply" => {
            if let Some((external_id, conversation)) = first(reading, rows) {
                body["external_id"] = external_id.into();
                body["external_conversation_id"] = conversation.into();
            }
        }
        _ => {}
    }
    Answer::json(200, &body)
}

/// An error whose message Front shows to its user. Front is known to understand this one type.
pub(super) fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "type": "bad_request", "message": message }))
}

/// An installation that came from WebhookDB keeps its one URL for everything.
fn webhook_url(hook: &Hook<'_>, channel: &Channel, public_url: &str) -> String {
    match hook.name {
        "channel" => format!("{public_url}/v1/install/{}/channel", channel.pair),
        _ => channel.install_url(public_url, "message"),
    }
}

/// The first recipient's ids. The answer has room for one message in one conversation; the other recipients live in
/// conversations of their own, and ids joined together would never match anything again.
fn first<'a>(reading: &'a Reading, rows: &'a [Message]) -> Option<(&'a str, &'a str)> {
    let ordered = || {
        reading.observations.iter().find_map(|observation| match observation {
            Observation::Ordered(order) => Some((order.external_id.as_str(), order.recipient.as_str())),
            _ => None,
        })
    };
    rows.first().map(|row| (row.external_id.as_str(), row.conversation.as_str())).or_else(ordered)
}

/// Judges what came back.
pub(super) fn judge(call: &Call<'_>, context: &Context<'_>, reply: &Reply) -> Outcome {
    match reply {
        Reply::NotSent(why) => Outcome::Refused(Refusal::later(why)),
        Reply::NoAnswer(why) => doubtful(call, why.clone()),
        Reply::Answer(answer) if answer.is_success() => accepted(call, answer),
        Reply::Answer(answer) => {
            moved(call, context, answer).unwrap_or_else(|| refused(call, context, answer))
        }
    }
}

/// Only what people would see twice leaves a doubt; anything else is simply done again.
fn doubtful(call: &Call<'_>, why: String) -> Outcome {
    match call {
        Call::Deliver(_) | Call::Note { .. } => Outcome::Unknown(why),
        _ => Outcome::Refused(Refusal::later(why)),
    }
}

fn accepted(call: &Call<'_>, answer: &Answer) -> Outcome {
    let body = json::parse(&answer.body).unwrap_or_default();
    let uid = json::name(&body["message_uid"]);
    match (call, uid) {
        (Call::Deliver(message), Some(uid)) => delivered(message, uid),
        (Call::Note { .. }, Some(_)) | (Call::Report { .. } | Call::Show { .. }, _) => {
            Outcome::Done(Done::Told)
        }
        (Call::LookUp { .. }, _) if body["_results"].is_array() => Outcome::Done(Done::Page(page(&body))),
        (Call::Check, _) => Outcome::Done(Done::Checked),
        _ => doubtful(call, format!("Front answered {} with something that cannot be read", answer.status)),
    }
}

fn delivered(message: &Message, uid: String) -> Outcome {
    let seen = AtHelpdesk {
        external_id: Some(message.external_id.clone()),
        accepted_as: Some(uid),
        id: None,
        thread: None,
        conversation: None,
        created_at: None,
    };
    Outcome::Done(Done::Delivered(Box::new(Observation::AtHelpdesk(seen))))
}

fn page(body: &Value) -> Page {
    let seen = items(&body["_results"]).filter_map(|message| {
        let created_at = word(&message["created_at"]).as_deref().and_then(json::instant);
        Some(AtHelpdesk { created_at, ..id::at_helpdesk(message, None)? })
    });
    Page {
        observations: seen.map(Observation::AtHelpdesk).collect(),
        next: word(&body["_pagination"]["next"]),
    }
}

/// A conversation that was merged into another redirects to it, and our message is there. One step only, so that a
/// redirection in a circle comes to an end.
fn moved(call: &Call<'_>, context: &Context<'_>, answer: &Answer) -> Option<Outcome> {
    let Call::LookUp { page: None, .. } = call else { return None };
    let location = answer.header("location").filter(|_| (300..400).contains(&answer.status))?;
    let next = Url::parse(config::api_url(context.settings)).ok()?.join(location).ok()?;
    Some(Outcome::Done(Done::Page(Page { observations: Vec::new(), next: Some(next.into()) })))
}

fn refused(call: &Call<'_>, context: &Context<'_>, answer: &Answer) -> Outcome {
    let mut message = words(answer);
    let kind = match (answer.status, call) {
        (429, _) => RefusalKind::Throttled(answer.retry_after()),
        // Of everything else than a delivery it is only that conversation, message or file which our token may not touch.
        (401, _) | (403, Call::Deliver(_)) => RefusalKind::Credentials,
        // The one thing that these requests name is the channel.
        (404 | 410, Call::Deliver(_) | Call::Note { .. }) => {
            let lead = "Front does not know this channel any more: connect it again in Front";
            message = first_chars(&format!("{lead} ({message})"), LONGEST_MESSAGE);
            RefusalKind::Credentials
        }
        (400 | 404, Call::Report { message, .. }) if context.now - message.occurred_at < KNOWN_WITHIN => {
            RefusalKind::Later
        }
        // Not taken up at all (too early), or somewhere else.
        (425 | 300..400, _) => RefusalKind::Later,
        // Perhaps taken up, perhaps there already.
        (408 | 409, _) => return doubtful(call, format!("({}) {message}", answer.status)),
        (400..500, _) => RefusalKind::Permanent,
        _ => return doubtful(call, format!("({}) {message}", answer.status)),
    };
    Outcome::Refused(Refusal { kind, code: Some(answer.status.to_string()), message })
}

/// Front's own words for an error, as far as there are any.
fn words(answer: &Answer) -> String {
    let body = json::parse(&answer.body).unwrap_or_default();
    let error = &body["_error"];
    let said = [&error["message"], &error["title"], error, &body["message"], &body];
    let text = said.into_iter().find_map(|value| value.as_str().and_then(tidy)).or_else(|| plain(answer));
    text.unwrap_or_else(|| format!("Front answered with HTTP {}", answer.status))
}

/// A body that is neither JSON nor a page for a browser.
fn plain(answer: &Answer) -> Option<String> {
    let text =
        str::from_utf8(&answer.body).ok().filter(|text| !text.trim_start().starts_with(['<', '{', '[']))?;
    tidy(text)
}

fn tidy(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    (!words.is_empty()).then(|| first_chars(&words.join(" "), LONGEST_MESSAGE))
}
