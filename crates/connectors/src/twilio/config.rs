//! What Twilio can do, what it asks for, and the account that the answers name.

use crate::texts;
use std::time::Duration;
use twinwire_core::caps::{Caps, LookUp, Worse};
use twinwire_core::media::fit::{Limits, Way};
use twinwire_core::outcome::{Refusal, RefusalKind};
use twinwire_core::pace::{Pace, rate};
use twinwire_core::setting::{Scope, Setting, Settings};

/// The connector's name.
pub(super) const NAME: &str = "twilio";

/// The number's own hook, for messages from customers.
pub(super) const INBOUND: &str = "inbound";
/// The hook for what became of our messages.
pub(super) const STATUS: &str = "status";

pub(super) const PHONE: &str = "phone";
pub(super) const ACCOUNT_SID: &str = "account_sid";
pub(super) const AUTH_TOKEN: &str = "auth_token";
pub(super) const API_KEY_SID: &str = "api_key_sid";
pub(super) const API_KEY_SECRET: &str = "api_key_secret";
pub(super) const SERVICE: &str = "messaging_service_sid";
pub(super) const SEGMENTS_PER_SECOND: &str = "segments_per_second";
pub(super) const API_URL: &str = "api_url";

const DEFAULT_API_URL: &str = "https://api.twilio.com";

/// How long to wait for an answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Characters that one message takes.
pub(super) const LONGEST_TEXT: usize = 1600;

/// What it can do.
pub(super) static CAPS: Caps = Caps {
    look_up: LookUp::Always,
    worse: Worse::Twice,
    // Nobody promises how soon the list shows a message; a messaging service queues it first.
    settling: Duration::from_secs(120),
    longest_text: Some(LONGEST_TEXT),
    keeps_opt_outs: true,
    shows_standing: false,
};

/// Files of a text message. Images are resized by Twilio for the phone; the carriers take little of anything else, and
/// how much differs between them (docs, Accepted content types for media, read 2026-11). The text counts with the files.
pub(super) static MMS: Limits = Limits {
    way: Way::ByUrl,
    most: 10,
    total: 4_990_000,
    types: &[
        ("image/jpeg", 4_990_000),
        ("image/png", 4_990_000),
        ("image/gif", 4_990_000),
        ("image/heic", OTHERS),
        ("image/heif", OTHERS),
        ("image/tiff", OTHERS),
        ("image/bmp", OTHERS),
        ("video/mpeg", OTHERS),
        ("video/mp4", OTHERS),
        ("video/quicktime", OTHERS),
        ("video/webm", OTHERS),
        ("video/3gpp", OTHERS),
        ("video/3gpp2", OTHERS),
        ("video/h263", OTHERS),
        ("video/h264", OTHERS),
        ("video/h265", OTHERS),
        ("audio/basic", OTHERS),
        ("audio/mp3", OTHERS),
        ("audio/mp4", OTHERS),
        ("audio/mpeg", OTHERS),
        ("audio/ogg", OTHERS),
        ("audio/webm", OTHERS),
        ("audio/3gpp", OTHERS),
        ("audio/3gpp2", OTHERS),
        ("audio/amr", OTHERS),
        ("audio/amr-nb", OTHERS),
        ("audio/ac3", OTHERS),
        ("audio/vnd.wave", OTHERS),
        ("text/vcard", OTHERS),
        ("text/x-vcard", OTHERS),
        ("text/csv", OTHERS),
        ("text/rtf", OTHERS),
        ("text/calendar", OTHERS),
        ("application/pdf", OTHERS),
        ("application/vcard", OTHERS),
    ],
};

/// Bytes of a file that is no common image.
const OTHERS: u64 = 500_000;

/// Files on `WhatsApp`: one in a message, further ones would be dropped without a word (docs, Media on `WhatsApp`, read
/// 2026-11).
pub(super) static WHATSAPP: Limits = Limits {
    way: Way::ByUrl,
    most: 1,
    total: 16_000_000,
    types: &[
        ("image/jpeg", 5_000_000),
        ("image/png", 5_000_000),
        ("audio/ogg", 16_000_000),
        ("audio/amr", 16_000_000),
        ("audio/3gpp", 16_000_000),
        ("audio/aac", 16_000_000),
        ("audio/mpeg", 16_000_000),
        ("video/mp4", 16_000_000),
        ("text/vcard", 16_000_000),
        ("text/x-vcard", 16_000_000),
        ("application/pdf", 16_000_000),
        ("application/msword", 16_000_000),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", 16_000_000),
        ("application/vnd.openxmlformats-officedocument.presentationml.presentation", 16_000_000),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 16_000_000),
    ],
};

/// Where the API sends those who fetch a file (support article 223183748, read 2026-11).
pub(super) static FILE_HOSTS: &[&str] =
    &["mms.twiliocdn.com", "media.twiliocdn.com", "s3-external-1.amazonaws.com"];

/// What it asks for.
pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        name: PHONE,
        prompt: "Phone number at Twilio, with + and country code; for WhatsApp with whatsapp: before it",
        scope: Scope::Channel,
        secret: false,
        required: true,
        default: None,
    },
    Setting {
        name: ACCOUNT_SID,
        prompt: "Account SID (AC…)",
        scope: Scope::Account,
        secret: false,
        required: true,
        default: None,
    },
    Setting {
        name: AUTH_TOKEN,
        prompt: "Primary auth token; with an API key alone nothing comes by webhook, only by polling",
        scope: Scope::Account,
        secret: true,
        required: false,
        default: None,
    },
    Setting {
        name: API_KEY_SID,
        prompt: "API key (SK…) for calls in place of the auth token",
        scope: Scope::Account,
        secret: false,
        required: false,
        default: None,
    },
    Setting {
        name: API_KEY_SECRET,
        prompt: "Secret of the API key",
        scope: Scope::Account,
        secret: true,
        required: false,
        default: None,
    },
    Setting {
        name: SERVICE,
        prompt: "Messaging service (MG…) whose rules are to hold; the number has to be one of its senders",
        scope: Scope::Account,
        secret: false,
        required: false,
        default: None,
    },
    texts::SMART_ENCODED,
    texts::LONG_TEXTS,
    // A number's own speed depends on its kind (long code of the US or Canada 1, toll-free 3, of other countries 10, short
    // code 100) and cannot be asked for. What comes faster is queued by Twilio, and refused once ten hours of it wait.
    Setting {
        name: SEGMENTS_PER_SECOND,
        prompt: "Text segments a second that a number sends",
        scope: Scope::Account,
        secret: false,
        required: false,
        default: Some("1"),
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

/// Whether this can stand in a path as an id: Twilio's are two letters and 32 hexadecimal digits, today.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// The account that a request is made for.
pub(super) struct Account<'a> {
    /// Scheme, host and where needed a path, without a slash at the end.
    pub(super) base: &'a str,
    /// The account's SID.
    pub(super) sid: &'a str,
    /// Who calls: the account itself or an API key of it, with the secret.
    pub(super) caller: (&'a str, &'a str),
}

impl<'a> Account<'a> {
    /// Reads the settings. What is missing there is for the operator, not for the agent whose message waits.
    pub(super) fn of(settings: &'a Settings) -> Result<Self, Refusal> {
        let sid = settings.get(ACCOUNT_SID).ok_or_else(|| missing(ACCOUNT_SID))?;
        if !is_id(sid) {
            return Err(incomplete("setting `account_sid` is not an account SID"));
        }
        let caller = match [API_KEY_SID, API_KEY_SECRET, AUTH_TOKEN].map(|name| settings.get(name)) {
            [Some(key), Some(secret), _] => (key, secret),
            [Some(_), None, _] => return Err(missing(API_KEY_SECRET)),
            [None, Some(_), _] => return Err(missing(API_KEY_SID)),
            [None, None, Some(token)] => (sid, token),
            [None, None, None] => return Err(missing(AUTH_TOKEN)),
        };
        let base = settings.get(API_URL).unwrap_or(DEFAULT_API_URL).trim_end_matches('/');
        if !is_http(base) {
            return Err(incomplete("setting `api_url` is not an http or https URL"));
        }
        Ok(Self { base, sid, caller })
    }

    /// Where the account's messages are; `rest` starts with a dot or a slash.
    pub(super) fn messages(&self, rest: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}/Messages{rest}", self.base, self.sid)
    }

    /// Where its numbers are; `rest` starts with a dot or a slash.
    pub(super) fn numbers(&self, rest: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}/IncomingPhoneNumbers{rest}", self.base, self.sid)
    }
}

/// Whether this is the beginning of a URL that can be called.
pub(super) fn is_http(url: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn missing(name: &str) -> Refusal {
    incomplete(format!("setting `{name}` is missing"))
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal { kind: RefusalKind::Credentials, code: None, message: message.into() }
}
