//! Answers: ours to SignalWire's webhooks, and what SignalWire's answers to our calls mean.

use super::config::INBOUND;
use super::errors::{self, Class};
use super::resource::{self, LONGEST_WORDS};
use crate::lenient::word;
use serde_json::Value;
use twinwire_core::connector::{Call, Context};
use twinwire_core::http::{Answer, Hook, Reply};
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
            None => unclear(call, &format!("SignalWire answered {}, but not as agreed", answer.status)),
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
    match call {
        Call::Deliver(message) => {
            let seen = resource::message(&body)?;
            let ours = context.channel.map_or(&message.sender, |channel| &channel.address);
            let seen = AtProvider { from: or(seen.from, ours), to: or(seen.to, &message.recipient), ..seen };
            Some(Done::Delivered(Box::new(Observation::AtProvider(seen))))
        }
        Call::LookUp { .. } => page(&body, true).map(Done::Page),
        Call::List { .. } => page(&body, false).map(Done::Page),
        Call::Fetch { .. } => {
            let observations = vec![Observation::AtProvider(resource::message(&body)?)];
            Some(Done::Page(Page { observations, next: None }))
        }
        Call::Check => page(&body, false).map(|_| Done::Checked),
        Call::Report { .. } | Call::Note { .. } | Call::Show { .. } => None,
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
fn page(body: &Value, whole: bool) -> Option<Page> {
    let listed = body.get("messages")?.as_array()?;
    let observations: Vec<_> =
        listed.iter().filter_map(resource::message).map(Observation::AtProvider).collect();
    if whole && observations.len() < listed.len() {
        return None;
    }
    Some(Page { observations, next: word(body, "next_page_uri") })
}

/// Judges an answer that is not a success: by its code where that is known, else by the status line. The
/// status that the body repeats is not looked at; it has been seen to differ.
fn failure(call: &Call<'_>, answer: &Answer) -> Outcome {
    let fault = Fault::of(answer);
    let class = fault.code.as_deref().and_then(errors::class);
    match (answer.status, class) {
        (429, _) | (_, Some(Class::RateLimit)) => {
            fault.refused(RefusalKind::Throttled(answer.retry_after()), None)
        }
        (401, _) => fault
            .refused(RefusalKind::Credentials, Some("SignalWire refuses the project ID or the API token")),
        (408 | 500.., _) | (_, Some(Class::Ambiguous)) => unclear(call, &fault.words),
        (300..400, _) => fault.refused(RefusalKind::Later, None),
        (400..500, Some(Class::Balance)) => {
            fault.refused(RefusalKind::Credentials, Some("the SignalWire account cannot pay for messages"))
        }
        (404, None | Some(Class::NotFound)) => not_found(call, fault),
        (403, None) => fault.refused(RefusalKind::Credentials, Some("SignalWire does not permit this")),
        (400..500, class) => {
            fault.refused(class.and_then(Class::kind).unwrap_or(RefusalKind::Permanent), None)
        }
        _ => unclear(call, &fault.words),
    }
}

/// What is not there: the message that was asked for, a page whose token has run out, or the account.
fn not_found(call: &Call<'_>, fault: Fault) -> Outcome {
    match call {
        Call::Fetch { .. } => fault.refused(RefusalKind::Permanent, Some("SignalWire has no such message")),
        Call::LookUp { page: Some(_), .. } | Call::List { page: Some(_), .. } => {
            fault.refused(RefusalKind::Later, None)
        }
        _ => {
            let lead =
                "SignalWire has no such project in this space: check the settings `space` and `project`";
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
    fn of(answer: &Answer) -> Self {
        let body = json(&answer.body).unwrap_or_default();
        // Other surfaces of SignalWire put the same two fields into a list.
        let body =
            if body.get("code").is_some() { &body } else { body.pointer("/errors/0").unwrap_or(&body) };
        let code = word(body, "code").map(|code| first_chars(&code, LONGEST_CODE));
        let words = resource::error_words(word(body, "message"), code.as_deref());
        Self { code, words: words.unwrap_or_else(|| format!("SignalWire answered {}", answer.status)) }
    }

    fn refused(self, kind: RefusalKind, lead: Option<&str>) -> Outcome {
        let message = lead.map_or(self.words.clone(), |lead| format!("{lead}: {}", self.words));
        Outcome::Refused(Refusal { kind, code: self.code, message: first_chars(&message, LONGEST_WORDS) })
    }
}
