//! The double of Twilio: one account's Messages API, and the customers with their phones.

mod dialect;
mod media;

use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

pub use crate::sms::{CustomerText, Fate, Media, SmsMessage};

use crate::faults::Faults;
use crate::sms::Sms;
use crate::sms::dialect::{DayBounds, Setup};
use dialect::DIALECT;

/// How a Twilio double is set up.
#[derive(Clone)]
pub struct TwilioOptions {
    /// The account's SID, user name of Basic authentication.
    pub account_sid: String,
    /// The primary auth token: its password, and what signs webhooks.
    pub auth_token: String,
    /// An API key, SID and secret, with which calls can be made as well.
    pub api_key: Option<(String, String)>,
    /// Where to listen; any free port of the loopback interface by default.
    pub listen: Option<SocketAddr>,
    /// How long each step from queued to delivered takes.
    pub step_delay: Duration,
    /// Messages keep their first status until [`Sms::advance`] is called.
    pub manual: bool,
    /// The faults to begin with.
    pub faults: Faults,
    /// Ids are made from this; random by default, so that two runs never share any.
    pub seed: u64,
    /// How many requests and callbacks are remembered at most; all of them by default.
    pub remembers: Option<usize>,
}

impl Default for TwilioOptions {
    fn default() -> TwilioOptions {
        TwilioOptions {
            account_sid: "AC2f0f6c1e5a534d0b9c7e0c1d5b1f7a10".into(),
            auth_token: "sandbox_auth_token".into(),
            api_key: None,
            listen: None,
            step_delay: Duration::from_millis(30),
            manual: false,
            faults: Faults::default(),
            seed: rand::random(),
            remembers: None,
        }
    }
}

/// A running double of Twilio. A cheap handle; clones are the same double. What it does is in [`Sms`].
#[derive(Clone)]
pub struct Twilio {
    sms: Sms,
    options: Box<TwilioOptions>,
}

impl Twilio {
    /// Starts to listen and to answer.
    pub async fn start(options: TwilioOptions) -> std::io::Result<Twilio> {
        let account = (options.account_sid.clone(), options.auth_token.clone());
        let setup = Setup {
            account: options.account_sid.clone(),
            callers: [Some(account), options.api_key.clone()].into_iter().flatten().collect(),
            key: options.auth_token.clone(),
            header: "X-Twilio-Signature",
            listen: options.listen,
            step_delay: options.step_delay,
            manual: options.manual,
            day_bounds: DayBounds::Inclusive,
            protects_media: true,
            faults: options.faults.clone(),
            seed: options.seed,
            remembers: options.remembers,
            shown: vec![("account_sid", options.account_sid.clone())],
        };
        let sms = Sms::start(&DIALECT, setup).await?;
        Ok(Twilio { sms, options: Box::new(options) })
    }

    /// The options it was started with.
    pub fn options(&self) -> &TwilioOptions {
        &self.options
    }

    /// Puts numbers into a new messaging service; buys them if need be. Returns its SID.
    pub fn add_service(&self, numbers: &[&str]) -> String {
        for number in numbers {
            self.add_number(number);
        }
        let sid = format!("MG{}", self.core().ids.uid());
        let numbers = numbers.iter().map(|number| (*number).to_owned()).collect();
        self.state().services.push((sid.clone(), numbers));
        sid
    }

    /// What Twilio answered to STOP, START and HELP by itself, and to whom. It is in no list: whether the vendor's own lists
    /// show it, nobody says.
    pub fn own_answers(&self) -> Vec<(String, &'static str)> {
        self.state().own_answers.clone()
    }
}

impl Deref for Twilio {
    type Target = Sms;

    fn deref(&self) -> &Sms {
        &self.sms
    }
}
