//! Checking the answers of the set-up.

use super::config::{API_URL, SETTINGS};
use twinwire_core::connector::Prepared;
use twinwire_core::setting::Settings;
use url::Url;

/// Tidies the answers.
///
/// Nothing can be tried out yet: our tokens are made for a channel, and there is none before a Front user has connected
/// it. Every channel is an account of its own, so that trouble with one inbox never pauses another.
pub(super) fn prepare(answers: &Settings) -> Result<Prepared, String> {
    let mut tidied = Settings::default();
    for name in SETTINGS.iter().map(|setting| setting.name) {
        let Some(answer) = answers.get(name).map(str::trim).filter(|answer| !answer.is_empty()) else {
            continue;
        };
        tidied.set(name, if name == API_URL { api_url(answer)? } else { answer.to_owned() });
    }
    Ok(Prepared { account: None, answers: tidied, address: None })
}

fn api_url(answer: &str) -> Result<String, String> {
    let url =
        Url::parse(answer).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    match url {
        Some(url) if url.query().is_none() && url.fragment().is_none() => {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        _ => Err(format!("`{API_URL}` has to be a URL such as https://api2.frontapp.com")),
    }
}
