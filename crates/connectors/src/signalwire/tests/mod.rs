//! Every test is a value in and a value out. The people and numbers are invented.

mod hook;
mod media;
mod number;
mod request;
mod response;
mod setup;
mod signature;

use super::errors::CODES;
use super::*;
use crate::lenient::time;
use crate::testing::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeZone;
use serde_json::{Value, json};
use std::time::Duration;
use twinwire_core::http::Method;
use twinwire_core::media::File;
use twinwire_core::model::{Direction, Status};
use twinwire_core::observe::AtProvider;
use twinwire_core::outcome::{Done, Page, RefusalKind};

const VENDOR: Vendor =
    Vendor { connector: &SignalWire, settings, signed_in: "x-signalwire-signature", key: KEY };

const PROJECT: &str = "6e5f2c1a-90d4-4c7b-8f3e-2b1a7d9c4e60";
const KEY: &str = "PSK_not-a-real-key";

fn settings() -> Settings {
    let answers =
        [("space", "acme"), ("project", PROJECT), ("token", "PT-not-a-real-token"), ("signing_key", KEY)];
    answers.into_iter().collect()
}

fn with(name: &str, value: &str) -> Settings {
    let mut settings = settings();
    settings.set(name, value);
    settings
}

fn built(call: &Call<'_>, settings: &Settings) -> Result<Request, Refusal> {
    VENDOR.built(call, settings)
}

fn judged(call: &Call<'_>, reply: &Reply) -> Outcome {
    VENDOR.judged(call, reply)
}

fn base() -> String {
    format!("https://acme.signalwire.com/api/laml/2010-04-01/Accounts/{PROJECT}/Messages")
}

fn refusal_of(reply: &Reply) -> Refusal {
    VENDOR.refusal_of(reply)
}
