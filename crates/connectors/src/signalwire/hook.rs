//! SignalWire's webhooks: whether they are genuine, and what they say.

use super::config::{INBOUND, PROJECT, SIGNING_KEY, STATUS};
use super::{resource, signature};
use crate::form;
use serde_json::Value;
use twinwire_core::connector::{Reading, Unreadable, Unverified};
use twinwire_core::http::Hook;
use twinwire_core::model::{Direction, Status};
use twinwire_core::observe::{AtProvider, Observation};
use twinwire_core::setting::Settings;
use twinwire_core::text::clean;

/// Both names are sent; the second is for programs written for another vendor.
const SIGNATURES: [&str; 2] = ["x-signalwire-signature", "x-twilio-signature"];

/// The query parameter in which our own id goes out and comes back. The signature covers it.
pub(super) const REFERENCE: &str = "ref";

/// Checks that a hook comes from SignalWire and is about this account.
pub(super) fn verify(hook: &Hook<'_>, settings: &Settings) -> Result<(), Unverified> {
    let key = settings.get(SIGNING_KEY).ok_or(Unverified::NoKey)?;
    let given =
        SIGNATURES.iter().find_map(|name| hook.header(name)).map(str::trim).filter(|given| !given.is_empty());
    signature::check(hook, key, given.ok_or(Unverified::Missing)?)?;
    if is_of_other_account(hook, settings) {
        return Err(Unverified::OtherAccount);
    }
    Ok(())
}

/// A payload that cannot be read names no account; reading it says so later, in better words.
pub(super) fn is_of_other_account(hook: &Hook<'_>, settings: &Settings) -> bool {
    let project = settings.get(PROJECT).unwrap_or_default();
    let Ok(payload) = form::payload(hook) else { return false };
    let differs = |value: &Value| !value.as_str().unwrap_or_default().eq_ignore_ascii_case(project);
    match payload.get("AccountSid") {
        None | Some(Value::Null) => false,
        Some(Value::Array(values)) => values.iter().any(differs),
        Some(value) => differs(value),
    }
}

/// Reads a verified hook.
pub(super) fn read(hook: &Hook<'_>) -> Result<Reading, Unreadable> {
    let seen = match hook.name {
        INBOUND => inbound(form::payload(hook)?)?,
        STATUS => status(hook, &form::payload(hook)?)?,
        name => return Err(Unreadable(format!("there is no hook `{name}`"))),
    };
    Ok(Reading { event: hook.name.to_owned(), observations: vec![Observation::AtProvider(seen)] })
}

/// A message from a customer. The whole payload is kept: the addresses of media are in it, by number.
fn inbound(payload: Value) -> Result<AtProvider, Unreadable> {
    let seen = resource::event(&payload, Direction::Inbound)?;
    Ok(AtProvider { status: seen.status.or(Some(Status::Received)), data: Some(payload.into()), ..seen })
}

/// What became of a message of ours. It has no time of its own and may come late, twice or in any order.
fn status(hook: &Hook<'_>, payload: &Value) -> Result<AtProvider, Unreadable> {
    Ok(AtProvider { reference: reference(hook), ..resource::event(payload, Direction::Outbound)? })
}

fn reference(hook: &Hook<'_>) -> Option<String> {
    let query = hook.query().split('#').next().unwrap_or_default();
    let (_, value) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == REFERENCE)?;
    Some(clean(&value)).filter(|value| !value.is_empty())
}
