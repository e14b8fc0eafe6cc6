//! What SignalWire can do, what it asks for, and the account that the answers name.

use crate::texts;
use std::time::Duration;
use twinwire_core::caps::{Caps, LookUp, Worse};
use twinwire_core::media::fit::{Limits, Way};
use twinwire_core::outcome::{Refusal, RefusalKind};
use twinwire_core::pace::{Pace, rate};
use twinwire_core::setting::{Missing, Scope, Setting, Settings};

/// The connector's name.
pub(super) const NAME: &str = "signalwire";

/// The number's own hook, for messages from customers.
pub(super) const INBOUND: &str = "inbound";
/// The hook for what became of our messages.
pub(super) const STATUS: &str = "status";

pub(super) const PHONE: &str = "phone";
pub(super) const SPACE: &str = "space";
pub(super) const PROJECT: &str = "project";
pub(super) const TOKEN: &str = "token";
pub(super) const SIGNING_KEY: &str = "signing_key";
pub(super) const SEGMENTS_PER_SECOND: &str = "segments_per_second";
pub(super) const API_URL: &str = "api_url";

const SPACE_MARK: &str = "{space}";
const DEFAULT_API_URL: &str = "https://{space}.signalwire.com";

/// How long to wait for an answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Characters that one message takes.
pub(super) const LONGEST_TEXT: usize = 1600;

/// What it can do.
pub(super) static CAPS: Caps = Caps {
    look_up: LookUp::Always,
    worse: Worse::Twice,
    settling: Duration::from_secs(60),
    longest_text: Some(LONGEST_TEXT),
    // It has no opt-out management (read 2026-11).
    keeps_opt_outs: false,
    shows_standing: false,
};

/// Files of a text message. SignalWire changes none of them. Local numbers take 1.2 MB in all, of which it advises
/// against more than half a megabyte a file (docs, MMS mime types; and messages/create for their number; read 2026-11).
pub(super) static MMS: Limits = Limits {
    way: Way::ByUrl,
    most: 8,
    total: 1_190_000,
    types: &[
        ("image/jpeg", 500_000),
        ("image/png", 500_000),
        ("image/gif", 1_190_000),
        ("image/bmp", 500_000),
        ("audio/mp4", 1_190_000),
        ("audio/mpeg", 1_190_000),
        ("audio/mpeg3", 1_190_000),
        ("audio/ogg", 1_190_000),
        ("audio/vorbis", 1_190_000),
        ("audio/vnd.wav", 1_190_000),
        ("audio/ac3", 1_190_000),
        ("audio/amr", 1_190_000),
        ("audio/midi", 1_190_000),
        ("text/plain", 1_190_000),
        ("text/calendar", 1_190_000),
        ("text/vcard", 1_190_000),
        ("text/x-vcard", 1_190_000),
        ("video/mpeg", 1_190_000),
        ("video/mp4", 1_190_000),
        ("video/quicktime", 1_190_000),
        ("video/h264", 1_190_000),
        ("video/3gp", 1_190_000),
    ],
};

/// Where files may be beside the API: attested for recordings and faxes, of messages' files nobody says.
pub(super) static FILE_HOSTS: &[&str] = &[".signalwire.com", "s3.us-east-2.amazonaws.com"];

/// What it asks for.
pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        name: PHONE,
        prompt: "Phone number at SignalWire, with + and country code",
        scope: Scope::Channel,
        secret: false,
        required: true,
        default: None,
    },
    Setting {
        name: SPACE,
        prompt: "Space: the first part of <space>.signalwire.com",
        scope: Scope::Account,
        secret: false,
        required: true,
        default: None,
    },
    Setting {
        name: PROJECT,
        prompt: "Project ID",
        scope: Scope::Account,
        secret: false,
        required: true,
        default: None,
    },
    Setting {
        name: TOKEN,
        prompt: "API token (PT…) with the Messaging scope",
        scope: Scope::Account,
        secret: true,
        required: true,
        default: None,
    },
    Setting {
        name: SIGNING_KEY,
        prompt: "Signing key (PSK_…); without it nothing comes by webhook, only by polling",
        scope: Scope::Account,
        secret: true,
        required: false,
        default: None,
    },
    texts::SMART_ENCODED,
    texts::LONG_TEXTS,
    // A number's own speed depends on its kind (Canadian long code 1, toll-free 3, 10DLC 4, short code 10) and cannot
    // be asked for. What comes faster is queued by SignalWire, so a middle value costs nothing but a little order.
    Setting {
        name: SEGMENTS_PER_SECOND,
        prompt: "Text segments a second that a number sends",
        scope: Scope::Account,
        secret: false,
        required: false,
        default: Some("3"),
    },
    Setting {
        name: API_URL,
        prompt: "Base URL of the API",
        scope: Scope::Installation,
        secret: false,
        required: true,
        default: Some(DEFAULT_API_URL),
    },
];

/// How fast it may be called.
pub(super) fn pace(settings: &Settings) -> Result<Pace, String> {
    Ok(Pace { segments_per_second: rate(settings, SEGMENTS_PER_SECOND)?, ..Pace::default() })
}

/// Whether this can be a part of a host name between two dots.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether this can stand in a path as an id: SignalWire's are UUIDs, which nobody promises.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The account that a request is made for.
pub(super) struct Account<'a> {
    /// Scheme, host and where needed a path, without a slash at the end.
    pub(super) base: String,
    /// The project's id.
    pub(super) project: &'a str,
    /// The API token.
    pub(super) token: &'a str,
}

impl<'a> Account<'a> {
    /// Reads the settings. What is missing there is for the operator, not for the agent whose message waits.
    pub(super) fn of(settings: &'a Settings) -> Result<Self, Refusal> {
        let need = |name| {
            settings.need(name).map_err(|Missing(name)| incomplete(format!("setting `{name}` is missing")))
        };
        let (project, token) = (need(PROJECT)?, need(TOKEN)?);
        if !is_id(project) {
            return Err(incomplete("setting `project` is not a project ID"));
        }
        let template = settings.get(API_URL).unwrap_or(DEFAULT_API_URL).trim_end_matches('/');
        let mut base = template.to_owned();
        if template.contains(SPACE_MARK) {
            let space = need(SPACE)?;
            if !is_label(space) {
                return Err(incomplete("setting `space` is not the name of a space"));
            }
            base = template.replace(SPACE_MARK, space);
        }
        if !is_http(&base) {
            return Err(incomplete("setting `api_url` is not an http or https URL"));
        }
        Ok(Self { base, project, token })
    }

    /// Where the project's messages are; `rest` starts with a dot or a slash.
    pub(super) fn messages(&self, rest: &str) -> String {
        format!("{}/api/laml/2010-04-01/Accounts/{}/Messages{rest}", self.base, self.project)
    }

    /// Where its numbers are; `rest` starts with a dot or a slash.
    pub(super) fn numbers(&self, rest: &str) -> String {
        format!("{}/api/laml/2010-04-01/Accounts/{}/IncomingPhoneNumbers{rest}", self.base, self.project)
    }
}

/// Whether this is the beginning of a URL that can be called.
pub(super) fn is_http(url: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal { kind: RefusalKind::Credentials, code: None, message: message.into() }
}
