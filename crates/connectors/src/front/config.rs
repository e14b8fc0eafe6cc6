//! What Front asks its operator for. Nearly all of it belongs to the app that is registered with Front, so it is set once
//! for the whole installation.

use twinwire_core::media::fit::{Limits, Way};
use twinwire_core::pace::{Budget, Pace, rate};
use twinwire_core::setting::{Missing, Scope, Setting, Settings};

/// Setting: the app's UID, which issues our tokens.
pub(super) const APP_ID: &str = "app_id";
/// Setting: the app's secret, which signs Front's requests to us and our tokens to Front.
pub(super) const APP_SECRET: &str = "app_secret";
/// Setting: where the API is; another place only in tests and demonstrations.
pub(super) const API_URL: &str = "api_url";
/// Setting: calls a minute that Front takes from one company.
const REQUESTS_PER_MINUTE: &str = "requests_per_minute";
/// Setting: calls a second that Front takes for one channel.
const REQUESTS_PER_SECOND: &str = "requests_per_second";
/// Setting: which company's limit a channel shares, where one installation serves several.
const COMPANY: &str = "company";
/// The API for everyone.
pub(super) const DEFAULT_API_URL: &str = "https://api2.frontapp.com";

/// All settings.
pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        name: APP_ID,
        prompt: "App UID of your Front app",
        scope: Scope::Installation,
        secret: false,
        required: true,
        default: None,
    },
    Setting {
        name: APP_SECRET,
        prompt: "App secret of your Front app",
        scope: Scope::Installation,
        secret: true,
        required: true,
        default: None,
    },
    Setting {
        name: API_URL,
        prompt: "URL of Front's API",
        scope: Scope::Installation,
        secret: false,
        required: true,
        default: Some(DEFAULT_API_URL),
    },
    // Starter 50, Professional 100, Enterprise 200 a minute, published apps 120; which of them a channel's calls fall
    // under is not said anywhere (dev.frontapp.com, Rate limiting, read 2026-11).
    Setting {
        name: REQUESTS_PER_MINUTE,
        prompt: "Requests a minute that Front takes from your company",
        scope: Scope::Installation,
        secret: false,
        required: true,
        default: Some("100"),
    },
    // Five a second for one resource, the same page.
    Setting {
        name: REQUESTS_PER_SECOND,
        prompt: "Requests a second that Front takes for one channel",
        scope: Scope::Installation,
        secret: false,
        required: true,
        default: Some("5"),
    },
    Setting {
        name: COMPANY,
        prompt: "Company at Front, if this installation serves several: its channels share one limit",
        scope: Scope::Account,
        secret: false,
        required: false,
        default: None,
    },
];

/// Files of a message: 25 MB (Channel API, sync-inbound-message, read 2026-11; of one file or of the whole request is not
/// said). The rest of the request takes a little of it.
pub(super) static FILES: Limits =
    Limits { way: Way::Uploaded, most: 20, total: LARGEST, types: &[("*/*", LARGEST)] };
const LARGEST: u64 = 24_900_000;

/// Where files of agents' messages are: at a company's own host, which sends to storage.
pub(super) static FILE_HOSTS: &[&str] = &[".api.frontapp.com", ".amazonaws.com"];

/// How fast Front may be called.
pub(super) fn pace(settings: &Settings) -> Result<Pace, String> {
    let company = settings.get(COMPANY).unwrap_or_default();
    let budget = rate(settings, REQUESTS_PER_MINUTE)?
        .map(|per_minute| Budget { key: format!("front/{company}"), per_minute });
    Ok(Pace { segments_per_second: None, calls_per_second: rate(settings, REQUESTS_PER_SECOND)?, budget })
}

/// What a request to Front is made with.
pub(super) struct Config<'a> {
    /// See [`APP_ID`].
    pub(super) app_id: &'a str,
    /// See [`APP_SECRET`].
    pub(super) app_secret: &'a str,
    /// See [`API_URL`]; no slash at the end.
    pub(super) api_url: &'a str,
}

impl<'a> Config<'a> {
    /// Takes what is needed out of the settings.
    pub(super) fn of(settings: &'a Settings) -> Result<Self, Missing> {
        Ok(Self {
            app_id: settings.need(APP_ID)?,
            app_secret: settings.need(APP_SECRET)?,
            api_url: api_url(settings),
        })
    }
}

/// Where the API is, without a slash at the end.
pub(super) fn api_url(settings: &Settings) -> &str {
    settings.get(API_URL).unwrap_or(DEFAULT_API_URL).trim_end_matches('/')
}
