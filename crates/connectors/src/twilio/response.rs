//! Answers: ours to Twilio's webhooks, and what Twilio's answers to our calls mean.

use super::config::{INBOUND, SERVICE};
use super::errors::{self, Class};
use super::request::ours;
use super::resource::{self, LONGEST_WORDS};
use crate::lenient::word;
use serde_json::Value;
use twinwire_core::connector::{Call, Context};
use twinwire_core::http::{Answer, Hook, Reply};
use twinwire_core::identity::could_be;
use twinwire_core::model::Message;
use twinwire_core::observe::{AtProvider, Observation};
use twinwire_core::outcome::{Done, Outcome, Page, Refusal, RefusalKind};
use twinwire_core::phone::address;
use twinwire_core::text::{clean_json, first_chars};

/// A script that does nothing. Any text in its place would be sent to the customer.
const NOTHING_TO_DO: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

/// Characters of an error's code that are kept; a genuine one has five.
const LONGEST_CODE: usize = 64;

/// The answer to a hook that was taken.
pub(super) fn answer(hook: &Hook<'_>) -> Answer {
    match hook.name {
        INBOUND => Answer::of(200, "text/xml", NOTHING_TO_DO),
        _ => Answer { status: 204, headers: Vec::new(), body: Vec::new() },
    }
}

/// An error. The hook for messages gets the same script: words there could reach the customer.
pub(super) fn error(hook: &Hook<'_>, status: u16, message: &str) -> Answer {
    match hook.name {
        INBOUND => Answer::of(status, "text/xml", NOTHING_TO_DO),
        _ => Answer::json(status, &serde_json::json!({ "message": message })),
    }
}

/// Judges what came back.
pub(super) fn judge(call: &Call<'_>, context: &Context<'_>, reply: &Reply) -> Outcome {
    match reply {
        Reply::NotSent(why) => Outcome::Refused(Refusal::later(first_chars(why, LONGEST_WORDS))),
        Reply::NoAnswer(why) => unclear(call, why),
        Reply::Answer(answer) if answer.is_success() => match success(call, context, &answer.body) {
            Some(done) => Outcome::Done(done),
            None => unclear(call, &format!("Twilio answered {}, but not as agreed", answer.status)),
        },
        Reply::Answer(answer) => failure(call, answer),
    }
}

/// What nobody knows of a call that changes nothing is simply not done.
fn unclear(call: &Call<'_>, why: &str) -> Outcome {
    let why = first_chars(why, LONGEST_WORDS);
    if call.only_reads() { Outcome::Refused(Refusal::later(why)) } else { Outcome::Unknown(why) }
}

/// What a successful answer brought; none when it cannot be read.
fn success(call: &Call<'_>, context: &Context<'_>, body: &[u8]) -> Option<Done> {
    let body = json(body)?;
    match *call {
        Call::Deliver(message) => {
            let seen = resource::message(&body)?;
            let (from, to) = (or(seen.from, ours(message, context)), or(seen.to, &message.recipient));
            Some(Done::Delivered(Box::new(Observation::AtProvider(AtProvider { from, to, ..seen }))))
        }
        Call::LookUp { message, .. } => {
            let page = page(&body, true, |seen| by_our_service(seen, message, context))?;
            Some(Done::Page(page))
        }
        Call::List { .. } => page(&body, false, |seen| seen).map(Done::Page),
        Call::Fetch { .. } => {
            let observations = vec![Observation::AtProvider(resource::message(&body)?)];
            Some(Done::Page(Page { observations, next: None }))
        }
        Call::Check => page(&body, false, |seen| seen).map(|_| Done::Checked),
        Call::Report { .. } | Call::Note { .. } | Call::Show { .. } => None,
    }
}

/// What our messaging service has not sent yet stands in the list without a sender. Where it can be the message that is
/// looked for, it is from our number, which every send of ours names; without one no channel would be found for it.
fn by_our_service(seen: AtProvider, message: &Message, context: &Context<'_>) -> AtProvider {
    let service = seen.data.as_ref().and_then(|data| word(data, "messaging_service_sid"));
    let through_ours = service.is_some() && service.as_deref() == context.settings.get(SERVICE);
    if seen.from.is_empty() && through_ours && could_be(&seen, message) {
        AtProvider { from: address(ours(message, context)), ..seen }
    } else {
        seen
    }
}

/// An answer's JSON, without the NUL characters that cannot be stored.
fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().map(clean_json)
}

fn or(there: String, asked: &str) -> String {
    if there.is_empty() { address(asked) } else { there }
}

/// One page of the list. An element without an id is passed over, so that it costs one message and not the
/// page; but a look-up is believed only when `whole`, because what it does not show is sent again.
fn page(body: &Value, whole: bool, each: impl Fn(AtProvider) -> AtProvider) -> Option<Page> {
    let listed = body.get("messages")?.as_array()?;
    let seen = listed.iter().filter_map(resource::message).map(each);
    let observations: Vec<_> = seen.map(Observation::AtProvider).collect();
    if whole && observations.len() < listed.len() {
        return None;
    }
    Some(Page { observations, next: word(body, "next_page_uri") })
}

/// Judges an answer that is not a success: by its code where that is known, else by the status line.
fn failure(call: &Call<'_>, answer: &Answer) -> Outcome {
    let fault = Fault::of(answer);
    let class = fault.code.as_deref().and_then(errors::class);
    match (answer.status, class) {
        (429, _) | (_, Some(Class::RateLimit)) => {
            fault.refused(RefusalKind::Throttled(answer.retry_after()), None)
        }
        (401, _) => {
            fault.refused(RefusalKind::Credentials, Some("Twilio refuses the account SID or its credentials"))
        }
        (408 | 500.., _) | (_, Some(Class::Ambiguous)) => unclear(call, &fault.words),
        (300..400, _) => fault.refused(RefusalKind::Later, None),
        (404, None | Some(Class::NotFound)) => not_found(call, fault),
        (403, None) => fault.refused(RefusalKind::Credentials, Some("Twilio does not permit this")),
        (400..500, class) => {
            fault.refused(class.and_then(Class::kind).unwrap_or(RefusalKind::Permanent), None)
        }
        _ => unclear(call, &fault.words),
    }
}

/// What is not there: the message that was asked for, a page whose token has run out, or the account.
fn not_found(call: &Call<'_>, fault: Fault) -> Outcome {
    match call {
        Call::Fetch { .. } => fault.refused(RefusalKind::Permanent, Some("Twilio has no such message")),
        Call::LookUp { page: Some(_), .. } | Call::List { page: Some(_), .. } => {
            fault.refused(RefusalKind::Later, None)
        }
        _ => {
            let lead = "Twilio has no such account: check the setting `account_sid`";
            fault.refused(RefusalKind::Credentials, Some(lead))
        }
    }
}

/// What an unsuccessful answer says.
struct Fault {
    code: Option<String>,
    words: String,
}

impl Fault {
    /// The vendor's own words go first: they name what was wrong with this request.
    fn of(answer: &Answer) -> Self {
        let body = json(&answer.body).unwrap_or_default();
        let code = word(&body, "code").map(|code| first_chars(&code, LONGEST_CODE));
        let known = || code.as_deref().and_then(errors::meaning).map(str::to_owned);
        let words = word(&body, "message").or_else(known);
        let words = words.unwrap_or_else(|| format!("Twilio answered {}", answer.status));
        Self { words: first_chars(&words, LONGEST_WORDS), code }
    }

    fn refused(self, kind: RefusalKind, lead: Option<&str>) -> Outcome {
        let message = lead.map_or(self.words.clone(), |lead| format!("{lead}: {}", self.words));
        Outcome::Refused(Refusal { kind, code: self.code, message: first_chars(&message, LONGEST_WORDS) })
    }
}
