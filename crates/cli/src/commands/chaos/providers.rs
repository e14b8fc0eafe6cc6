//! The providers of a run, each with its double. To add one: its line in [`ALL`], and how its double is started.

use super::plan::Ending;
use super::stage::REMEMBERED;
use futures_util::future::BoxFuture;
use std::io;
use twinwire_connectors::{signalwire, twilio};
use twinwire_core::connector::Connector;
use twinwire_core::setting::Settings;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{SignalWire, SignalWireOptions, Sms, Twilio, TwilioOptions};

/// All of them, in the order in which channels take turns with them.
static ALL: &[Kind] = &[
    Kind { connector: &signalwire::SignalWire, refuses_with: 422, start: |seed| Box::pin(signalwire(seed)) },
    Kind { connector: &twilio::Twilio, refuses_with: 400, start: |seed| Box::pin(twilio(seed)) },
];

/// How fast a number sends. By the usual limits, of one to a few a second, the workers would hardly ever have anything to
/// do at once.
const PACE: (&str, &str) = ("segments_per_second", "50");

/// What is to be known of a provider.
pub(super) struct Kind {
    connector: &'static dyn Connector,
    /// The status with which it refuses a message for good.
    refuses_with: u16,
    /// Starts its double, whose ids come from the seed.
    start: fn(u64) -> BoxFuture<'static, io::Result<Started>>,
}

/// A double, and what the set-up is told beside the phone number.
type Started = (Sms, Settings);

/// A provider with its double.
#[derive(Clone)]
pub(super) struct Provider {
    kind: &'static Kind,
    pub(super) sms: Sms,
    account: Settings,
}

/// Those that so many channels need.
pub(super) fn of_channels(channels: u32) -> &'static [Kind] {
    let count = usize::try_from(channels).unwrap_or(usize::MAX);
    ALL.get(..count).unwrap_or(ALL)
}

impl Kind {
    /// Starts the double, quiet as yet but for what it is to refuse and to let fail.
    pub(super) async fn start(&'static self, seed: u64) -> io::Result<Provider> {
        let (sms, account) = (self.start)(seed).await?;
        let refused = Fate::RefuseSync {
            status: self.refuses_with,
            code: 21_614,
            message: "The recipient is not a mobile number".into(),
        };
        sms.script_saying(Ending::Refused.mark(), refused);
        let fails = Fate::FailLater {
            code: 30_005,
            message: "Unknown destination handset".into(),
            status: "undelivered".into(),
        };
        sms.script_saying(Ending::FailsLater.mark(), fails);
        Ok(Provider { kind: self, sms, account })
    }
}

impl Provider {
    /// The connector's name.
    pub(super) fn name(&self) -> &'static str {
        self.kind.connector.name()
    }

    /// Its name for people.
    pub(super) fn title(&self) -> &'static str {
        self.kind.connector.title()
    }

    /// The name of its pair with Front.
    pub(super) fn pair(&self) -> String {
        format!("front_{}", self.name())
    }

    /// The status with which it refuses a message for good.
    pub(super) fn refuses_with(&self) -> u16 {
        self.kind.refuses_with
    }

    /// What the set-up is told of a number.
    pub(super) fn answers(&self, number: &str) -> Settings {
        self.account.overlaid(&Settings::from_iter([("phone", number), PACE]))
    }
}

async fn signalwire(seed: u64) -> io::Result<Started> {
    let options = SignalWireOptions { seed, remembers: Some(REMEMBERED), ..SignalWireOptions::default() };
    let double = SignalWire::start(options).await?;
    let own = double.options();
    let account = [
        ("space", own.space.as_str()),
        ("project", &own.project),
        ("token", &own.token),
        ("signing_key", &own.signing_key),
    ];
    Ok(((*double).clone(), Settings::from_iter(account)))
}

async fn twilio(seed: u64) -> io::Result<Started> {
    let options = TwilioOptions { seed, remembers: Some(REMEMBERED), ..TwilioOptions::default() };
    let double = Twilio::start(options).await?;
    let own = double.options();
    let account = [("account_sid", own.account_sid.as_str()), ("auth_token", &own.auth_token)];
    Ok(((*double).clone(), Settings::from_iter(account)))
}
