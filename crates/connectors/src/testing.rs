//! What the tests of several providers share: a channel and its people, all invented, a hook as it comes, and outcomes in one
//! word.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use twinwire_core::connector::{
    Attachment, Call, Channel, Connector, Content, Context, Reading, Unreadable, Unverified,
};
use twinwire_core::http::{Answer, Hook, Reply, Request};
use twinwire_core::media::File;
use twinwire_core::model::{BoundBy, Direction, Message};
use twinwire_core::observe::{AtProvider, Observation, Ordered, fold_order, fold_provider};
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
    order_of(recipient, body, Vec::new())
}

/// What an agent wrote, with a file.
pub(crate) fn order_with_file(body: &str) -> Message {
    order_of(THEIRS, body, File::unnamed(1))
}

fn order_of(recipient: &str, body: &str, files: Vec<File>) -> Message {
    let order = Ordered {
        external_id: format!("msg_7-{recipient}"),
        second_choice: None,
        helpdesk_message_id: "msg_7".to_owned(),
        thread: None,
        recipient: recipient.to_owned(),
        body: body.to_owned(),
        files,
        part: Part::WHOLE,
        data: serde_json::Value::Null.into(),
        occurred_at: Some(noon()),
    };
    fold_order(None, &order, OURS, noon())
}

/// What a customer sent at noon, with a file.
pub(crate) fn incoming(id: &str) -> Message {
    let seen = AtProvider {
        id: id.to_owned(),
        direction: Direction::Inbound,
        from: THEIRS.to_owned(),
        to: OURS.to_owned(),
        body: None,
        files: File::unnamed(1),
        said: None,
        status: None,
        error_code: None,
        error_message: None,
        created_at: None,
        sent_at: None,
        updated_at: None,
        reference: None,
        data: None,
    };
    fold_provider(None, &seen, BoundBy::Answer, noon())
}

/// Files that the provider is to fetch.
fn by_url(urls: &[&str]) -> Vec<Attachment> {
    let file = |(nth, url): (usize, &&str)| Attachment {
        nth,
        name: "map.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        content: Content::Url((*url).to_owned()),
    };
    urls.iter().enumerate().map(file).collect()
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

    /// The fields of a send with files at these addresses.
    pub(crate) fn form(
        &self,
        message: &Message,
        settings: &Settings,
        urls: &[&str],
    ) -> Result<Vec<(String, String)>, Refusal> {
        let (channel, files) = (channel(), by_url(urls));
        let context = Context { files: &files, ..context(settings, Some(&channel)) };
        let request = self.connector.build(&Call::Deliver(message), &context)?;
        Ok(form_urlencoded::parse(&request.body).into_owned().collect())
    }

    /// What an answer to a call about files means, so long after the message was seen.
    pub(crate) fn after(&self, waited: TimeDelta, call: &Call<'_>, reply: &Reply) -> Outcome {
        let settings = (self.settings)();
        let context = Context { now: noon() + waited, ..context(&settings, None) };
        self.connector.judge(call, &context, reply)
    }

    /// Whether credentials go along where a file is asked for.
    pub(crate) fn credentials_to(&self, url: &str, settings: &Settings) -> Result<bool, RefusalKind> {
        let message = incoming("a1");
        let request = self.built(&Call::File { message: &message, url }, settings);
        let request = request.map_err(|refusal| refusal.kind)?;
        Ok(request.headers.iter().any(|(name, _)| *name == "authorization"))
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

/// What holds for files at every provider whose API is like these.
impl Vendor {
    pub(crate) fn names_files_in_order(&self) {
        let urls = ["https://hooks.example.test/f/2?a=b&c", "https://hooks.example.test/f/1"];
        let fields = self.form(&order_with_file("Your map"), &(self.settings)(), &urls).unwrap();
        let expected = [
            ("From", OURS),
            ("To", THEIRS),
            ("Body", "Your map"),
            ("MediaUrl", urls[0]),
            ("MediaUrl", urls[1]),
        ];
        assert_eq!(fields[..5], expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((fields.len(), fields[5].0.as_str()), (6, "StatusCallback"));
    }

    pub(crate) fn leaves_out_an_empty_body(&self) {
        for body in ["", " \n"] {
            let (message, settings) = (order_with_file(body), (self.settings)());
            let fields = self.form(&message, &settings, &["https://h.test/1"]).unwrap();
            let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["From", "To", "MediaUrl", "StatusCallback"]);
            // That there once was a file is nothing that could be sent.
            for message in [message, order(THEIRS, body)] {
                let refusal = self.form(&message, &settings, &[]).unwrap_err();
                assert_eq!((refusal.kind, refusal.code.as_deref()), (RefusalKind::Permanent, Some("21602")));
            }
        }
    }

    pub(crate) fn reads_a_list_or_asks_again(&self) {
        let message = incoming("MM1");
        let list = Call::Files(&message);
        let files = |body: &Value| self.judged(&list, &replied(200, body));
        assert_eq!(files(&json!({"media_list": []})), Outcome::Done(Done::Files(Vec::new())));
        for body in [json!({}), json!([]), json!({"media_list": null}), json!("odd")] {
            assert_eq!(verdict(&files(&body)), "later", "{body}");
        }
        assert_eq!(verdict(&self.judged(&list, &Reply::NoAnswer("?".to_owned()))), "later");
    }

    pub(crate) fn waits_two_minutes_for_a_file(&self) {
        let message = incoming("MM1");
        for call in [Call::Files(&message), Call::File { message: &message, url: "https://h.test/1" }] {
            let judged = |status, seconds| {
                let reply = replied(status, &json!({"code": 20404, "message": "not found"}));
                verdict(&self.after(TimeDelta::seconds(seconds), &call, &reply))
            };
            assert_eq!([judged(404, 0), judged(404, 119), judged(404, 120)], ["later", "later", "permanent"]);
            assert_eq!(
                [judged(403, 0), judged(410, 0), judged(401, 500)],
                ["later", "permanent", "credentials"]
            );
            let gone = self.after(TimeDelta::hours(1), &call, &replied(404, &json!(null)));
            assert_eq!(gone, Outcome::Refused(Refusal::permanent(None, "it is not there any more")));
            for (status, expected) in [(429, "throttled"), (500, "later"), (302, "later")] {
                let outcome = self.after(TimeDelta::zero(), &call, &replied(status, &json!({})));
                assert_eq!(verdict(&outcome), expected, "{status}");
            }
        }
    }
}
