//! The set-up: the answers of a person, checked and tidied.

use super::config::{PHONE, PROJECT, SIGNING_KEY, SPACE, TOKEN, is_id, is_label, pace};
use crate::texts;
use twinwire_core::connector::Prepared;
use twinwire_core::phone::{e164, region_of};
use twinwire_core::setting::Settings;

/// Checks and tidies the answers.
pub(super) fn prepare(answers: &Settings) -> Result<Prepared, String> {
    let phone = phone(need(answers, PHONE)?)?;
    let space = space(need(answers, SPACE)?)?;
    let project = project(need(answers, PROJECT)?)?;
    let token = token(need(answers, TOKEN)?)?;
    let mut tidy = answers.clone();
    tidy.set(PHONE, phone.clone());
    tidy.set(SPACE, space.clone());
    tidy.set(PROJECT, project.clone());
    tidy.set(TOKEN, token.to_owned());
    if let Some(key) = answers.get(SIGNING_KEY) {
        tidy.set(SIGNING_KEY, signing_key(key)?.to_owned());
    }
    texts::prepare(answers, &mut tidy)?;
    pace(answers)?;
    let region = region_of(&phone);
    Ok(Prepared {
        account: Some(format!("{space}/{project}")),
        answers: tidy,
        address: Some((phone, region)),
    })
}

/// Tidies one answer by itself.
pub(super) fn tidy(setting: &str, answer: &str) -> Result<String, String> {
    let answer = answer.trim();
    match setting {
        PHONE => phone(answer),
        SPACE => space(answer),
        PROJECT => project(answer),
        TOKEN => token(answer).map(str::to_owned),
        SIGNING_KEY => signing_key(answer).map(str::to_owned),
        _ => {
            pace(&[(setting, answer)].into_iter().collect())?;
            texts::tidy(setting, answer)
        }
    }
}

fn need<'a>(answers: &'a Settings, name: &str) -> Result<&'a str, String> {
    let answer = answers.get(name).map(str::trim).filter(|answer| !answer.is_empty());
    answer.ok_or_else(|| format!("`{name}` is missing"))
}

/// A number without its country code could be at home in any country, so none is guessed.
fn phone(answer: &str) -> Result<String, String> {
    e164(answer, None).ok_or_else(|| {
        format!(
            "`{PHONE}` is no phone number with its country code: write it starting with +, like +12015550123"
        )
    })
}

/// People paste the address of their space; its first label is the name.
fn space(answer: &str) -> Result<String, String> {
    let host = answer.split_once("://").map_or(answer, |(_, host)| host);
    let label = host.split(['.', '/', ':', '?', '#']).next().unwrap_or_default().trim().to_ascii_lowercase();
    if is_label(&label) {
        return Ok(label);
    }
    Err(format!("`{SPACE}` is not the name of a space: write the part before .signalwire.com, as in acme"))
}

fn project(answer: &str) -> Result<String, String> {
    if is_id(answer) {
        return Ok(answer.to_owned());
    }
    Err(format!(
        "`{PROJECT}` is not a project ID, which has letters, digits and -: copy it from the space's API page"
    ))
}

fn token(answer: &str) -> Result<&str, String> {
    if answer.starts_with("PSK_") {
        return Err(format!("`{TOKEN}` is a signing key: the API token starts with PT"));
    }
    one_word(TOKEN, answer)
}

fn signing_key(answer: &str) -> Result<&str, String> {
    let answer = answer.trim();
    if answer.starts_with("PT") {
        return Err(format!("`{SIGNING_KEY}` is an API token: the signing key starts with PSK_"));
    }
    one_word(SIGNING_KEY, answer)
}

fn one_word<'a>(name: &str, answer: &'a str) -> Result<&'a str, String> {
    if answer.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(answer);
    }
    Err(format!("`{name}` has spaces or strange characters in it: copy it again"))
}
