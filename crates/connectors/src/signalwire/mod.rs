//! SignalWire, by its Compatibility API: text messages to and from one phone number.
//!
//! Outgoing: `POST …/Messages.json` with Basic authentication. There is no idempotency key, so a send of
//! unknown outcome is looked up in the list by sender and recipient; and our own id travels in the status
//! callback's URL, so that the callback of a send whose answer was lost says which message it was.
//!
//! Incoming: the number's message webhook and the status callbacks, both signed with the project's signing
//! key. Both are optional: with the four required answers alone everything comes by the list.
//!
//! What the vendor promises, and what nobody could say, is in this folder's `README.md`.

mod config;
mod errors;
mod guide;
mod hook;
mod request;
mod resource;
mod response;
mod setup;
mod signature;
#[cfg(test)]
mod tests;

use crate::texts;
use chrono::{DateTime, Utc};
use twinwire_core::caps::Caps;
use twinwire_core::connector::{
    Call, Channel, Connector, Context, Prepared, Reading, Unreadable, Unverified,
};
use twinwire_core::http::{Answer, Hook, Reply, Request};
use twinwire_core::media::fit::Limits;
use twinwire_core::model::{Message, Side};
use twinwire_core::outcome::{Outcome, Refusal};
use twinwire_core::pace::Pace;
use twinwire_core::setting::{Setting, Settings};
use twinwire_core::setup::Guide;

/// SignalWire.
#[derive(Clone, Copy, Debug)]
pub struct SignalWire;

impl Connector for SignalWire {
    fn name(&self) -> &'static str {
        config::NAME
    }

    fn title(&self) -> &'static str {
        "SignalWire"
    }

    fn side(&self) -> Side {
        Side::Provider
    }

    fn caps(&self) -> &'static Caps {
        &config::CAPS
    }

    fn pace(&self, settings: &Settings) -> Result<Pace, String> {
        config::pace(settings)
    }

    fn media(&self, _: &Message) -> Option<&'static Limits> {
        Some(&config::MMS)
    }

    fn file_hosts(&self) -> &'static [&'static str] {
        config::FILE_HOSTS
    }

    fn splits_at(&self, settings: &Settings) -> Option<usize> {
        texts::splits_at(settings, config::LONGEST_TEXT)
    }

    fn settings(&self) -> &'static [Setting] {
        config::SETTINGS
    }

    fn guide(&self) -> &'static Guide {
        &guide::GUIDE
    }

    fn tidy(&self, setting: &str, answer: &str) -> Result<String, String> {
        setup::tidy(setting, answer)
    }

    fn signed_with(&self) -> Option<&'static str> {
        Some(config::SIGNING_KEY)
    }

    fn prepare(&self, answers: &Settings) -> Result<Prepared, String> {
        setup::prepare(answers)
    }

    fn verify(&self, hook: &Hook<'_>, settings: &Settings, _: DateTime<Utc>) -> Result<(), Unverified> {
        hook::verify(hook, settings)
    }

    fn is_of_other_account(&self, hook: &Hook<'_>, settings: &Settings) -> bool {
        hook::is_of_other_account(hook, settings)
    }

    fn read(&self, hook: &Hook<'_>, _: &Channel, _: &Settings) -> Result<Reading, Unreadable> {
        hook::read(hook)
    }

    fn answer(&self, hook: &Hook<'_>, _: &Reading, _: &Channel, _: &[Message], _: &str) -> Answer {
        response::answer(hook)
    }

    fn error(&self, hook: &Hook<'_>, status: u16, message: &str) -> Answer {
        response::error(hook, status, message)
    }

    fn build(&self, call: &Call<'_>, context: &Context<'_>) -> Result<Request, Refusal> {
        request::build(call, context)
    }

    fn judge(&self, call: &Call<'_>, context: &Context<'_>, reply: &Reply) -> Outcome {
        response::judge(call, context, reply)
    }
}
