//! Answers: ours to SignalWire's webhooks, and what SignalWire's answers to our calls mean.

use super::config::{Account, INBOUND};
use super::errors::CODES;
use super::request::ours_of;
use super::resource;
use crate::fault::{Fault, LONGEST_WORDS, Leads, json, unclear};
use crate::lenient::word;
use crate::media;
use crate::number::{self, Ours};
use serde_json::Value;
use twinwire_core::connector::{Call, Context};
use twinwire_core::http::{Answer, Hook, Method, Reply};
use twinwire_core::observe::{AtProvider, Observation};
use twinwire_core::outcome::{Done, Outcome, Page, Refusal};
use twinwire_core::phone::address;
use twinwire_core::setup::NumberHook;
use twinwire_core::text::first_chars;

/// A script that does nothing. Any text in its place would be sent to the customer.
const NOTHING_TO_DO: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

const LEADS: Leads = Leads {
    refused: "SignalWire refuses the project ID or the API token",
    unpaid: "the SignalWire account cannot pay for messages",
    forbidden: "SignalWire does not permit this",
    no_message: "SignalWire has no such message",
    no_account: "SignalWire has no such project in this space: check the settings `space` and `project`",
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
            None => unclear(call, &format!("SignalWire answered {}, but not as agreed", answer.status)),
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
        Call::Files(_) => {
            let account = Account::of(context.settings).ok()?;
            media::in_list(&body, &account.base).map(Done::Files)
        }
        Call::ReadHook => hook(context, |ours| number::in_list(&body, ours)),
        Call::SetHook { .. } => hook(context, |ours| number::resource(&body, ours)),
        Call::File { .. } | Call::Report { .. } | Call::Note { .. } | Call::Show { .. } => None,
    }
}

/// Where the number's messages go, as `read` finds it.
fn hook(context: &Context<'_>, read: impl Fn(&Ours<'_>) -> Option<NumberHook>) -> Option<Done> {
    let (address, url) = ours_of(context).ok()?;
    read(&Ours { address, url: &url, methods: &[Method::Post], idle: &[] }).map(Done::Hook)
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

/// What an unsuccessful answer says. Other surfaces of SignalWire put the same two fields into a list.
fn fault(answer: &Answer) -> Fault {
    let body = json(&answer.body).unwrap_or_default();
    let body = if body.get("code").is_some() { &body } else { body.pointer("/errors/0").unwrap_or(&body) };
    let code = word(body, "code");
    let words = resource::error_words(word(body, "message"), code.as_deref());
    Fault::new(code, &words.unwrap_or_else(|| format!("SignalWire answered {}", answer.status)))
}
