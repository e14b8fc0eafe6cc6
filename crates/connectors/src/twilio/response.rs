//! Answers: ours to Twilio's webhooks, and what Twilio's answers to our calls mean.

use super::config::{Account, INBOUND, SERVICE};
use super::errors::CODES;
use super::request::{number_of, ours};
use super::resource;
use crate::fault::{Fault, LONGEST_WORDS, Leads, json, unclear};
use crate::lenient::word;
use crate::media;
use crate::number::{self, Ours};
use serde_json::Value;
use twinwire_core::connector::{Call, Context};
use twinwire_core::http::{Answer, Hook, Method, Reply};
use twinwire_core::identity::could_be;
use twinwire_core::model::Message;
use twinwire_core::observe::{AtProvider, Observation};
use twinwire_core::outcome::{Done, Outcome, Page, Refusal};
use twinwire_core::phone::address;
use twinwire_core::setup::NumberHook;
use twinwire_core::text::first_chars;

/// A script that does nothing. Any text in its place would be sent to the customer.
const NOTHING_TO_DO: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

const LEADS: Leads = Leads {
    refused: "Twilio refuses the account SID or its credentials",
    unpaid: "the Twilio account cannot pay for messages",
    forbidden: "Twilio does not permit this",
    no_message: "Twilio has no such message",
    no_account: "Twilio has no such account: check the setting `account_sid`",
};

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
        Reply::Answer(answer) => {
            let fault = || fault(answer).judge(call, answer, &CODES, &LEADS);
            media::gone(call, context, answer).unwrap_or_else(fault)
        }
    }
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
        Call::Files(_) => {
            let account = Account::of(context.settings).ok()?;
            media::in_list(&body, account.base).map(Done::Files)
        }
        Call::ReadHook => hook(context, |ours| number::in_list(&body, ours)),
        Call::SetHook { .. } => hook(context, |ours| number::resource(&body, ours)),
        Call::File { .. } | Call::Report { .. } | Call::Note { .. } | Call::Show { .. } => None,
    }
}

/// What a number does that nobody has set yet: Twilio's own demonstration answers.
const DEMO: &[&str] =
    &["https://demo.twilio.com/welcome/sms/reply", "http://demo.twilio.com/welcome/sms/reply"];

/// Where the number's messages go, as `read` finds it.
fn hook(context: &Context<'_>, read: impl Fn(&Ours<'_>) -> Option<NumberHook>) -> Option<Done> {
    let (address, url) = number_of(context).ok()?;
    read(&Ours { address, url: &url, methods: &[Method::Post, Method::Get], idle: DEMO }).map(Done::Hook)
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

/// What an unsuccessful answer says. The vendor's own words go first: they name what was wrong with this request.
fn fault(answer: &Answer) -> Fault {
    let body = json(&answer.body).unwrap_or_default();
    let code = word(&body, "code");
    let known = || code.as_deref().and_then(|code| CODES.meaning(code)).map(str::to_owned);
    let words = word(&body, "message").or_else(known);
    let words = words.unwrap_or_else(|| format!("Twilio answered {}", answer.status));
    Fault::new(code, &words)
}
