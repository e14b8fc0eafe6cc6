//! Twilio's webhooks: whether they are genuine, and what they say.

use super::config::{ACCOUNT_SID, AUTH_TOKEN, INBOUND, STATUS};
use super::{resource, signature};
use crate::form;
use crate::lenient::word;
use serde_json::Value;
use twinwire_core::connector::{Reading, Unreadable, Unverified};
use twinwire_core::consent::Word;
use twinwire_core::http::Hook;
use twinwire_core::model::{Direction, Status};
use twinwire_core::observe::{AtProvider, Observation};
use twinwire_core::setting::Settings;
use twinwire_core::text::{clean, clean_json};

const SIGNATURE: &str = "x-twilio-signature";

/// The query parameter in which our own id goes out and comes back. The signature covers it.
pub(super) const REFERENCE: &str = "ref";

/// Checks that a hook comes from Twilio and is about this account. Only the primary auth token signs, whichever credential
/// makes the calls.
pub(super) fn verify(hook: &Hook<'_>, settings: &Settings) -> Result<(), Unverified> {
    let key = settings.get(AUTH_TOKEN).ok_or(Unverified::NoKey)?;
    let given = hook.header(SIGNATURE).map(str::trim).filter(|given| !given.is_empty());
    signature::check(hook, key, given.ok_or(Unverified::Missing)?)?;
    if is_of_other_account(hook, settings) {
        return Err(Unverified::OtherAccount);
    }
    Ok(())
}

/// A payload that cannot be read names no account; reading it says so later, in better words.
pub(super) fn is_of_other_account(hook: &Hook<'_>, settings: &Settings) -> bool {
    let account = settings.get(ACCOUNT_SID).unwrap_or_default();
    let Ok(payload) = payload(hook) else { return false };
    let differs = |value: &Value| !value.as_str().unwrap_or_default().eq_ignore_ascii_case(account);
    match payload.get("AccountSid") {
        None | Some(Value::Null) => false,
        Some(Value::Array(values)) => values.iter().any(differs),
        Some(value) => differs(value),
    }
}

fn payload(hook: &Hook<'_>) -> Result<Value, Unreadable> {
    if signature::is_get(hook) {
        Ok(clean_json(form::object(form::fields(query(hook).as_bytes()))))
    } else {
        form::payload(hook)
    }
}

/// Reads a verified hook.
pub(super) fn read(hook: &Hook<'_>) -> Result<Reading, Unreadable> {
    let seen = match hook.name {
        INBOUND => inbound(payload(hook)?)?,
        STATUS => status(hook, &payload(hook)?)?,
        name => return Err(Unreadable(format!("there is no hook `{name}`"))),
    };
    Ok(Reading { event: hook.name.to_owned(), observations: vec![Observation::AtProvider(seen)] })
}

/// A message from a customer. The whole payload is kept: the addresses of media are in it, by number, and whether the text
/// opted out or in (`OptOutType`).
fn inbound(payload: Value) -> Result<AtProvider, Unreadable> {
    let seen = resource::event(&payload, Direction::Inbound)?;
    let status = seen.status.or(Some(Status::Received));
    Ok(AtProvider { status, said: said(&payload), data: Some(payload.into()), ..seen })
}

/// What a messaging service with Advanced Opt-Out took the text for: the words may be the account's own.
fn said(payload: &Value) -> Option<Word> {
    match word(payload, "OptOutType")?.to_ascii_uppercase().as_str() {
        "STOP" => Some(Word::Stop),
        "START" => Some(Word::Start),
        "HELP" => Some(Word::Help),
        _ => None,
    }
}

/// What became of a message of ours. It has no time of its own and may come late, twice or in any order.
fn status(hook: &Hook<'_>, payload: &Value) -> Result<AtProvider, Unreadable> {
    Ok(AtProvider { reference: reference(hook), ..resource::event(payload, Direction::Outbound)? })
}

fn reference(hook: &Hook<'_>) -> Option<String> {
    let (_, value) = form_urlencoded::parse(query(hook).as_bytes()).find(|(name, _)| name == REFERENCE)?;
    Some(clean(&value)).filter(|value| !value.is_empty())
}

/// The query, without the fragment of a configured address, which is never sent.
fn query<'a>(hook: &Hook<'a>) -> &'a str {
    hook.url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query)
}
