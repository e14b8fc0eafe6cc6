//! Every test is a value in and a value out. The people and numbers are invented. The signature's own vectors are in
//! `crates/connectors/tests/signatures.rs`.

mod hook;
mod media;
mod number;
mod request;
mod response;
mod setup;
mod signature;

use super::errors::CODES;
use super::*;
use crate::testing::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeZone;
use serde_json::{Value, json};
use std::time::Duration;
use twinwire_core::consent::Word;
use twinwire_core::http::Method;
use twinwire_core::model::{Act, Direction, Status};
use twinwire_core::observe::AtProvider;
use twinwire_core::outcome::{Done, Page, RefusalKind};
use twinwire_core::settle::begin;

const VENDOR: Vendor = Vendor { connector: &Twilio, settings, signed_in: "x-twilio-signature", key: TOKEN };

const ACCOUNT: &str = "AC0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const SERVICE: &str = "MG0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const KEY_SID: &str = "SK00112233445566778899aabbccddeeff";
const TOKEN: &str = "not-a-real-token";

fn settings() -> Settings {
    [("account_sid", ACCOUNT), ("auth_token", TOKEN)].into_iter().collect()
}

fn with(changed: &[(&str, &str)]) -> Settings {
    let mut settings = settings();
    for (name, value) in changed {
        settings.set(*name, *value);
    }
    settings
}

fn built(call: &Call<'_>, settings: &Settings) -> Result<Request, Refusal> {
    VENDOR.built(call, settings)
}

fn sent(message: &Message, settings: &Settings, address: &str) -> Result<Vec<(String, String)>, Refusal> {
    let channel = Channel { address: address.to_owned(), ..channel() };
    let request = Twilio.build(&Call::Deliver(message), &context(settings, Some(&channel)))?;
    Ok(form_urlencoded::parse(&request.body).into_owned().collect())
}

fn judged(call: &Call<'_>, reply: &Reply) -> Outcome {
    VENDOR.judged(call, reply)
}

fn base() -> String {
    format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages")
}

fn refusal_of(reply: &Reply) -> Refusal {
    VENDOR.refusal_of(reply)
}
