//! What Front asks its operator for. All of it belongs to the app that is registered with Front, so it is set once for
//! the whole installation; a channel adds nothing of its own.

use twinwire_core::setting::{Missing, Scope, Setting, Settings};

/// Setting: the app's UID, which issues our tokens.
pub(super) const APP_ID: &str = "app_id";
/// Setting: the app's secret, which signs Front's requests to us and our tokens to Front.
pub(super) const APP_SECRET: &str = "app_secret";
/// Setting: where the API is; another place only in tests and demonstrations.
pub(super) const API_URL: &str = "api_url";
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
];

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
