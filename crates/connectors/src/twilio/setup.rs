//! The set-up: the answers of a person, checked and tidied.

use super::config::{ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, PHONE, SERVICE, pace};
use crate::texts;
use twinwire_core::connector::Prepared;
use twinwire_core::phone::{e164, network, region_of};
use twinwire_core::setting::Settings;

/// Checks and tidies the answers.
pub(super) fn prepare(answers: &Settings) -> Result<Prepared, String> {
    let answer = |name| answers.get(name).map(str::trim).filter(|answer| !answer.is_empty());
    let need = |name: &'static str| answer(name).ok_or_else(|| format!("`{name}` is missing"));
    let phone = phone(need(PHONE)?)?;
    let account_sid = sid(ACCOUNT_SID, "AC", need(ACCOUNT_SID)?)?;
    let mut tidy = answers.clone();
    tidy.set(PHONE, phone.clone());
    tidy.set(ACCOUNT_SID, account_sid.clone());
    let (key, secret, token) = (answer(API_KEY_SID), answer(API_KEY_SECRET), answer(AUTH_TOKEN));
    match (key, secret, token) {
        (None, None, None) => {
            return Err(format!("`{AUTH_TOKEN}` is missing, or an API key in its place"));
        }
        (Some(_), None, _) => return Err(format!("`{API_KEY_SECRET}` is missing: an API key needs both")),
        (None, Some(_), _) => return Err(format!("`{API_KEY_SID}` is missing: an API key needs both")),
        _ => {}
    }
    for (name, secret) in [(AUTH_TOKEN, token), (API_KEY_SECRET, secret)] {
        if let Some(secret) = secret {
            tidy.set(name, one_word(name, secret)?.to_owned());
        }
    }
    if let Some(key) = key {
        tidy.set(API_KEY_SID, sid(API_KEY_SID, "SK", key)?);
    }
    // The service is a part of what makes the account: its channels send by the same rules.
    let mut account = account_sid;
    if let Some(service) = answer(SERVICE) {
        let service = sid(SERVICE, "MG", service)?;
        account = format!("{account}/{service}");
        tidy.set(SERVICE, service);
    }
    texts::prepare(answers, &mut tidy)?;
    pace(answers)?;
    let region = region_of(network(&phone).1);
    Ok(Prepared { account: Some(account), answers: tidy, address: Some((phone, region)) })
}

/// Tidies one answer by itself.
pub(super) fn tidy(setting: &str, answer: &str) -> Result<String, String> {
    let answer = answer.trim();
    match setting {
        PHONE => phone(answer),
        ACCOUNT_SID => sid(ACCOUNT_SID, "AC", answer),
        API_KEY_SID => sid(API_KEY_SID, "SK", answer),
        SERVICE => sid(SERVICE, "MG", answer),
        AUTH_TOKEN => one_word(AUTH_TOKEN, answer).map(str::to_owned),
        API_KEY_SECRET => one_word(API_KEY_SECRET, answer).map(str::to_owned),
        _ => {
            pace(&[(setting, answer)].into_iter().collect())?;
            texts::tidy(setting, answer)
        }
    }
}

/// A number without its country code could be at home in any country, so none is guessed.
fn phone(answer: &str) -> Result<String, String> {
    let (network, number) = network(answer);
    let number = e164(number, None).ok_or_else(|| {
        format!(
            "`{PHONE}` is no phone number with its country code: write it starting with +, like +12015550123, and a \
             number on WhatsApp like whatsapp:+12015550123"
        )
    })?;
    Ok(format!("{network}{number}"))
}

/// An id of Twilio's: two letters that say what it is, and 32 hexadecimal digits.
fn sid(name: &str, kind: &str, answer: &str) -> Result<String, String> {
    let digits = answer.strip_prefix(kind).unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(answer.to_owned());
    }
    Err(format!(
        "`{name}` is not such a SID, which is {kind} and 32 digits and letters: copy it from the console"
    ))
}

fn one_word<'a>(name: &str, answer: &'a str) -> Result<&'a str, String> {
    let sid = ["AC", "SK", "MG"].iter().any(|kind| sid(name, kind, answer).is_ok());
    if sid {
        return Err(format!("`{name}` is a SID and no secret: copy the secret that belongs to it"));
    }
    if answer.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(answer);
    }
    Err(format!("`{name}` has spaces or strange characters in it: copy it again"))
}
