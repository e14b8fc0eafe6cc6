//! What the tests of several providers share: a channel and its people, all invented, a hook as it comes, and outcomes in one
//! word.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeZone, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use twinwire_core::connector::{
    Attachment, Call, Channel, Connector, Content, Context, Reading, Unreadable, Unverified,
};
use twinwire_core::http::{Answer, Hook, Reply, Request};
use twinwire_core::media::File;
use twinwire_core::model::Message;
use twinwire_core::observe::{AtProvider, Observation, Ordered, fold_order};
use twinwire_core::outcome::{Done, Outcome, Page, Refusal, RefusalKind};
use twinwire_core::parts::Part;
use twinwire_core::setting::Settings;

pub(crate) const OURS: &str = "+12015550123";
pub(crate) const THEIRS: &str = "+12015550188";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const PUBLIC: &str = "https://hooks.example.test";

pub(crate) fn channel() -> Channel {
    Channel {
        id: "chn_1".to_owned(),
        pair: "front_provider".to_owned(),
        address: OURS.to_owned(),
        region: Some("US".to_owned()),
        helpdesk_channel_id: None,
    }
}

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap()
}

/// What an agent wrote.
pub(crate) fn order(recipient: &str, body: &str) -> Message {
    order_with(recipient, body, 0)
}

/// What an agent wrote, with so many files.
pub(crate) fn order_with(recipient: &str, body: &str, files: usize) -> Message {
    let order = Ordered {
        external_id: format!("msg_7-{recipient}"),
        second_choice: None,
        helpdesk_message_id: "msg_7".to_owned(),
        thread: None,
        recipient: recipient.to_owned(),
        body: body.to_owned(),
        files: File::unnamed(files),
        part: Part::WHOLE,
        data: Value::Null,
        occurred_at: Some(noon()),
    };
    fold_order(None, &order, OURS, noon())
}

/// A file that the provider is to fetch.
pub(crate) fn by_url(nth: usize, url: &str) -> Attachment {
    let (name, content_type) = ("map.pdf".to_owned(), "application/pdf".to_owned());
    Attachment { nth, name, content_type, content: Content::Url(url.to_owned()) }
}

pub(crate) fn context<'a>(settings: &'a Settings, channel: Option<&'a Channel>) -> Context<'a> {
    Context { channel, settings, thread: None, files: &[], public_url: PUBLIC, now: noon(), nonce: 7 }
}

pub(crate) fn replied(status: u16, body: &Value) -> Reply {
    Reply::Answer(Answer::json(status, body))
}

/// A provider under test.
#[derive(Clone, Copy)]
pub(crate) struct Vendor {
    pub(crate) connector: &'static dyn Connector,
    pub(crate) settings: fn() -> Settings,
    /// The header in which it signs, and with what.
    pub(crate) signed_in: &'static str,
    pub(crate) key: &'static str,
}

impl Vendor {
    pub(crate) fn built(&self, call: &Call<'_>, settings: &Settings) -> Result<Request, Refusal> {
        self.connector.build(call, &context(settings, Some(&channel())))
    }

    pub(crate) fn judged(&self, call: &Call<'_>, reply: &Reply) -> Outcome {
        self.connector.judge(call, &context(&(self.settings)(), Some(&channel())), reply)
    }

    /// What a send is refused with.
    pub(crate) fn refusal_of(&self, reply: &Reply) -> Refusal {
        match self.judged(&Call::Deliver(&order(THEIRS, "Hi")), reply) {
            Outcome::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    /// The fields of a send.
    pub(crate) fn form(&self, message: &Message, context: &Context<'_>) -> Vec<(String, String)> {
        let request = self.connector.build(&Call::Deliver(message), context).unwrap();
        form_urlencoded::parse(&request.body).into_owned().collect()
    }

    pub(crate) fn came(
        self,
        name: &'static str,
        url: &str,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Came {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Came { vendor: self, name, method: "POST", url: url.to_owned(), headers, body: body.into() }
    }
}

/// A hook as it comes, with what signs it.
pub(crate) struct Came {
    vendor: Vendor,
    name: &'static str,
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Came {
    pub(crate) fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs `text`, which is what the vendor is taken to have put together.
    pub(crate) fn signed(self, text: &str) -> Self {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(self.vendor.key.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let header = self.vendor.signed_in;
        self.header(header, &signature)
    }

    pub(crate) fn hook(&self) -> Hook<'_> {
        let Self { name, method, url, headers, body, .. } = self;
        Hook { name, method, url, headers, body }
    }

    pub(crate) fn verify(&self, settings: &Settings) -> Result<(), Unverified> {
        self.vendor.connector.verify(&self.hook(), settings, noon())
    }

    pub(crate) fn read(&self) -> Result<Reading, Unreadable> {
        self.vendor.connector.read(&self.hook(), &channel(), &(self.vendor.settings)())
    }

    pub(crate) fn seen(&self) -> AtProvider {
        match self.read().unwrap().observations.as_slice() {
            [Observation::AtProvider(seen)] => seen.clone(),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn at_provider(observation: &Observation) -> &AtProvider {
    match observation {
        Observation::AtProvider(seen) => seen,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn page_of(outcome: Outcome) -> Page {
    match outcome {
        Outcome::Done(Done::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

/// What an outcome is, in one word.
pub(crate) fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Unknown(_) => "unknown",
        Outcome::Refused(refusal) => match refusal.kind {
            RefusalKind::Permanent => "permanent",
            RefusalKind::OptedOut => "opted out",
            RefusalKind::Later => "later",
            RefusalKind::Throttled(_) => "throttled",
            RefusalKind::Credentials => "credentials",
        },
    }
}
