//! A Twinwire with a second channel, on Twilio.

use crate::stack::{CUSTOMER, Setting, Stack};
use crate::wait::eventually;
use std::time::Duration;
use twinwire_core::setting::Settings;
use twinwire_engine::jobs::read_list;
use twinwire_engine::setup::{self, Installed};
use twinwire_sandbox::{Twilio, TwilioOptions};
use twinwire_store::backfills::{self, Backfill, Kind};

/// Our number at Twilio.
pub const NUMBER: &str = "+12015553000";

/// A stack with a second channel, on Twilio.
pub struct OnTwilio {
    /// The stack.
    pub stack: Stack,
    /// The provider of the second channel.
    pub twilio: Twilio,
    /// What the set-up gave.
    pub made: Installed,
    /// Front's id of the channel.
    pub inbox: String,
    /// Where Twilio posts what customers write.
    pub inbound_url: String,
}

impl OnTwilio {
    /// A stack with a channel of that number.
    pub async fn start(number: &str) -> Self {
        let setting = Setting { settling: Duration::from_millis(1200), ..Setting::default() };
        Self::with(number, setting).await
    }

    /// The same on a stack that differs.
    pub async fn with(number: &str, setting: Setting) -> Self {
        let twilio = Twilio::start(TwilioOptions::default()).await.unwrap();
        twilio.add_number(number);
        let stack = Stack::with(Setting { twilio_url: Some(twilio.url()), ..setting }).await;
        let made = setup::install(stack.engine(), "front_twilio", &answers(&twilio, number)).await.unwrap();
        stack.front.set_server_url(&format!("{}/v1/install/front_twilio/authorization", stack.url()));
        let inbox = stack.front.connect(&made.api_key).await.unwrap().id;
        let inbound_url = made.channel.provider_url(&stack.url(), "twilio", "inbound");
        twilio.set_webhook(number, &inbound_url);
        Self { stack, twilio, made, inbox, inbound_url }
    }

    /// Where Twilio posts to.
    pub fn hook_url(&self, hook: &str) -> String {
        self.made.channel.provider_url(&self.stack.url(), "twilio", hook)
    }

    /// The fields of a text as Twilio has them.
    pub fn text(&self, sid: &str, body: &str) -> Vec<(String, String)> {
        let account = &self.twilio.options().account_sid;
        let fields = [
            ("MessageSid", sid),
            ("AccountSid", account),
            ("From", CUSTOMER),
            ("To", NUMBER),
            ("Body", body),
            ("NumMedia", "0"),
        ];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// An agent writes.
    pub async fn agent_writes(&self, to: &str, text: &str) {
        let sent = self.stack.front.agent_writes(&self.inbox, &[to], text).await.unwrap();
        assert!(sent.answer.is_success(), "{sent:?}");
    }

    /// Runs an incremental backfill of the account to its end, and waits until what it found is delivered.
    ///
    /// # Panics
    /// When it cannot be asked for.
    pub async fn backfill(&self) {
        let account = self.stack.count("select id from accounts where connector = 'twilio'").await;
        let reading = read_list::request(self.stack.engine(), account, None, Kind::Incremental, "test").await;
        let id = reading.unwrap();
        eventually("the backfill ends", || async {
            backfills::get(&self.stack.pool, id).await.unwrap().filter(Backfill::is_over)
        })
        .await;
        self.stack.settle().await;
    }

    /// Texts that customers got.
    pub fn texts_to(&self, customer: &str) -> Vec<String> {
        self.twilio.outbound_to(customer).into_iter().map(|message| message.body).collect()
    }

    /// A conversation as agents see it.
    pub fn thread(&self, customer: &str) -> Vec<String> {
        self.stack.front.messages(&self.inbox, customer).into_iter().map(|message| message.text).collect()
    }
}

/// The answers of the set-up for a number.
pub fn answers(twilio: &Twilio, number: &str) -> Settings {
    let options = twilio.options();
    Settings::from_iter([
        ("phone", number),
        ("account_sid", options.account_sid.as_str()),
        ("auth_token", options.auth_token.as_str()),
        ("segments_per_second", "100"),
    ])
}
