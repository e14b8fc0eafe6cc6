//! The double of `SignalWire`: one project's Messages API, and the customers with their phones.

mod dialect;
mod media;

use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

pub use crate::sms::{CustomerText, DayBounds, Fate, Media, SmsMessage};

use crate::faults::Faults;
use crate::sms::Sms;
use crate::sms::dialect::Setup;
use dialect::DIALECT;

/// How a `SignalWire` double is set up.
#[derive(Clone)]
pub struct SignalWireOptions {
    /// The name of the space, for pages only.
    pub space: String,
    /// The project id, user name of Basic authentication.
    pub project: String,
    /// The API token, its password.
    pub token: String,
    /// The signing key of webhooks.
    pub signing_key: String,
    /// Where to listen; any free port of the loopback interface by default.
    pub listen: Option<SocketAddr>,
    /// How long each step from queued to delivered takes.
    pub step_delay: Duration,
    /// Messages stay queued until [`Sms::advance`] is called.
    pub manual: bool,
    /// Signs under the name `X-Twilio-Signature`, the compatible alias.
    pub twilio_header: bool,
    /// How date filters treat the day they name.
    pub day_bounds: DayBounds,
    /// Customers' files are given to the project only, not to everybody who knows their address.
    pub protects_media: bool,
    /// The faults to begin with.
    pub faults: Faults,
    /// Ids are made from this; random by default, so that two runs never share any.
    pub seed: u64,
    /// How many requests and callbacks are remembered at most; all of them by default.
    pub remembers: Option<usize>,
}

impl Default for SignalWireOptions {
    fn default() -> SignalWireOptions {
        SignalWireOptions {
            space: "sandbox".into(),
            project: "2f0f6c1e-5a53-4d0b-9c7e-0c1d5b1f7a10".into(),
            token: "PT_sandbox_token".into(),
            signing_key: "PSK_sandbox_signing_key".into(),
            listen: None,
            step_delay: Duration::from_millis(30),
            manual: false,
            twilio_header: false,
            day_bounds: DayBounds::default(),
            protects_media: false,
            faults: Faults::default(),
            seed: rand::random(),
            remembers: None,
        }
    }
}

/// A running double of `SignalWire`. A cheap handle; clones are the same double. What it does is in [`Sms`].
#[derive(Clone)]
pub struct SignalWire {
    sms: Sms,
    options: Box<SignalWireOptions>,
}

impl SignalWire {
    /// Starts to listen and to answer.
    pub async fn start(options: SignalWireOptions) -> std::io::Result<SignalWire> {
        let setup = Setup {
            account: options.project.clone(),
            callers: vec![(options.project.clone(), options.token.clone())],
            key: options.signing_key.clone(),
            header: if options.twilio_header { "X-Twilio-Signature" } else { "X-SignalWire-Signature" },
            listen: options.listen,
            step_delay: options.step_delay,
            manual: options.manual,
            day_bounds: options.day_bounds,
            protects_media: options.protects_media,
            faults: options.faults.clone(),
            seed: options.seed,
            remembers: options.remembers,
            shown: vec![("space", options.space.clone()), ("project", options.project.clone())],
        };
        let sms = Sms::start(&DIALECT, setup).await?;
        Ok(SignalWire { sms, options: Box::new(options) })
    }

    /// The options it was started with.
    pub fn options(&self) -> &SignalWireOptions {
        &self.options
    }
}

impl Deref for SignalWire {
    type Target = Sms;

    fn deref(&self) -> &Sms {
        &self.sms
    }
}
