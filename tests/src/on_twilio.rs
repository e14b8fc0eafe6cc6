//! A Twinwire with a second channel, on Twilio.

use crate::stack::{Setting, Stack};
use std::time::Duration;
use twinwire_core::setting::Settings;
use twinwire_engine::setup;
use twinwire_sandbox::{Twilio, TwilioOptions};

/// Our number at Twilio.
pub const NUMBER: &str = "+12015553000";

/// A stack with a second channel, on Twilio.
pub struct OnTwilio {
    /// The stack.
    pub stack: Stack,
    /// The provider of the second channel.
    pub twilio: Twilio,
    /// Front's id of the channel.
    pub inbox: String,
}

impl OnTwilio {
    /// A stack with a channel of that number.
    pub async fn start(number: &str) -> Self {
        let twilio = Twilio::start(TwilioOptions::default()).await.unwrap();
        twilio.add_number(number);
        let setting = Setting {
            settling: Duration::from_millis(1200),
            twilio_url: Some(twilio.url()),
            ..Setting::default()
        };
        let stack = Stack::with(setting).await;
        let options = twilio.options();
        let answers = Settings::from_iter([
            ("phone", number),
            ("account_sid", options.account_sid.as_str()),
            ("auth_token", options.auth_token.as_str()),
            ("segments_per_second", "100"),
        ]);
        let made = setup::install(stack.engine(), "front_twilio", &answers).await.unwrap();
        stack.front.set_server_url(&format!("{}/v1/install/front_twilio/authorization", stack.url()));
        let inbox = stack.front.connect(&made.api_key).await.unwrap().id;
        twilio.set_webhook(number, &made.channel.provider_url(&stack.url(), "twilio", "inbound"));
        Self { stack, twilio, inbox }
    }

    /// An agent writes.
    pub async fn agent_writes(&self, to: &str, text: &str) {
        let sent = self.stack.front.agent_writes(&self.inbox, &[to], text).await.unwrap();
        assert!(sent.answer.is_success(), "{sent:?}");
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
