//! What a run stands on: a database, the doubles, an address for both, channels and conversations.

use super::args::Args;
use super::ledger::{Ledger, Taken};
use super::plan::{Ending, LEASE, POLL, Plan, SETTLING, Vendor};
use super::worker::Recipe;
use crate::config::Config;
use crate::scratch::Scratch;
use anyhow::Context;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;
use twinwire_core::setting::Settings;
use twinwire_engine::{Engine, setup};
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Faults, Front, FrontOptions, SignalWire, SignalWireOptions};
use twinwire_store::channels::{self, StoredChannel};

const PAIR: &str = "front_signalwire";
/// The agent's first words in every conversation.
const GREETING: &str = "How can we help?";
/// Of whom the double lets texts come while its list is being read. Somebody whom the agents know, as all the others.
const PASSER_BY: &str = "+15005550199";
/// What Front allows, and how fast a number sends. By the usual limits, of a few a second, the workers would hardly ever
/// have anything to do at once.
const REQUESTS_A_MINUTE: usize = 60_000;
const SEGMENTS_A_SECOND: &str = "50";
/// Requests that a double remembers: enough to look at, few enough for any run.
const REMEMBERED: usize = 20_000;

/// A channel at both ends.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) number: String,
    /// Front's id of it.
    pub(super) inbox: String,
    /// Twinwire's.
    pub(super) channel: StoredChannel,
}

/// A customer and the number that they write to.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) line: usize,
    pub(super) phone: String,
}

impl Conversation {
    /// Whether it is that of somebody whose texts a double makes up.
    pub(super) fn is_passer_by(&self) -> bool {
        self.phone == PASSER_BY
    }
}

/// Everything that a run plays with.
pub(super) struct Stage {
    pub(super) front: Front,
    pub(super) signalwire: SignalWire,
    pub(super) engine: Engine,
    pub(super) lines: Vec<Line>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) ledger: Ledger,
    faults: f64,
    seeds: [u64; 4],
}

/// The doubles, quiet as yet.
pub(super) async fn doubles(plan: &Plan) -> anyhow::Result<(Front, SignalWire)> {
    let [front, signalwire, ..] = plan.seeds;
    let front = FrontOptions {
        seed: front,
        remembers: Some(REMEMBERED),
        rate_limit: Some(REQUESTS_A_MINUTE),
        ..FrontOptions::default()
    };
    let signalwire =
        SignalWireOptions { seed: signalwire, remembers: Some(REMEMBERED), ..SignalWireOptions::default() };
    let signalwire = SignalWire::start(signalwire).await?;
    let refused =
        Fate::RefuseSync { status: 422, code: 21_610, message: "The recipient has opted out".into() };
    signalwire.script_saying(Ending::Refused.mark(), refused);
    let fails = Fate::FailLater {
        code: 30_005,
        message: "Unknown destination handset".into(),
        status: "undelivered".into(),
    };
    signalwire.script_saying(Ending::FailsLater.mark(), fails);
    Ok((Front::start(front).await?, signalwire))
}

/// How the workers are started.
pub(super) fn recipe(
    config: &Config,
    args: &Args,
    scratch: &Scratch,
    doubles: (&Front, &SignalWire),
    public_url: &str,
    folder: &Path,
) -> anyhow::Result<Recipe> {
    let mut env: BTreeMap<String, OsString> = BTreeMap::new();
    for kept in ["PATH", "HOME"] {
        env.extend(std::env::var_os(kept).map(|value| (kept.to_owned(), value)));
    }
    let (front, signalwire) = doubles;
    let time = |time: Duration| humantime::format_duration(time).to_string();
    let log = config.log.clone().unwrap_or_else(|| "info,sqlx::postgres::notice=warn".to_owned());
    let set = [
        ("DATABASE_URL", scratch.database.url.expose_secret().to_owned()),
        ("TWINWIRE_SECRET_KEY", scratch.key.expose_secret().to_owned()),
        ("TWINWIRE_LISTEN", "127.0.0.1:0".to_owned()),
        ("TWINWIRE_PUBLIC_URL", public_url.to_owned()),
        ("TWINWIRE_FRONT_APP_ID", front.options().app_id.clone()),
        ("TWINWIRE_FRONT_APP_SECRET", front.options().app_secret.clone()),
        ("TWINWIRE_FRONT_API_URL", front.url()),
        ("TWINWIRE_FRONT_REQUESTS_PER_MINUTE", REQUESTS_A_MINUTE.to_string()),
        ("TWINWIRE_FRONT_REQUESTS_PER_SECOND", (REQUESTS_A_MINUTE / 60).to_string()),
        ("TWINWIRE_SIGNALWIRE_API_URL", signalwire.url()),
        ("TWINWIRE_SETTLING", time(SETTLING)),
        ("TWINWIRE_LEASE", time(LEASE)),
        ("TWINWIRE_POLL_INTERVAL", time(POLL)),
        ("TWINWIRE_LOG", log),
    ];
    env.extend(set.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    let program = std::env::current_exe().context("this program's own file cannot be found")?;
    Ok(Recipe { program, folder: folder.to_owned(), env, without: args.without })
}

impl Stage {
    /// Makes and connects the channels, by what is usual for both vendors. The workers run already.
    pub(super) async fn set(
        config: &Config,
        args: &Args,
        plan: &Plan,
        scratch: &Scratch,
        doubles: (Front, SignalWire),
        public_url: &str,
    ) -> anyhow::Result<Self> {
        let (front, signalwire) = doubles;
        front.set_server_url(&format!("{public_url}/v1/install/{PAIR}/authorization"));
        let engine = scratch.database.engine(&settings(config, &front, &signalwire), public_url)?;
        let mut lines = Vec::new();
        for at in 0..args.channels {
            let number = format!("+1201555{at:04}");
            lines.push(line(&engine, &front, &signalwire, number, public_url).await?);
        }
        let conversation =
            |at: usize| Conversation { line: at % lines.len(), phone: format!("+1212{:07}", 2_000_000 + at) };
        let mut conversations: Vec<Conversation> =
            (0..args.conversations as usize).map(conversation).collect();
        conversations.push(Conversation { line: 0, phone: PASSER_BY.to_owned() });
        let ledger = Ledger::new(conversations.len());
        let (faults, seeds) = (args.faults, plan.seeds);
        Ok(Self { front, signalwire, engine, lines, conversations, ledger, faults, seeds })
    }

    /// The agents begin every conversation, so that its id at Front is known and Front can be asked what is in it.
    pub(super) async fn begin_conversations(&self) -> anyhow::Result<()> {
        for (at, conversation) in self.conversations.iter().enumerate() {
            let inbox = &self.line(conversation).inbox;
            let order = self.front.message_request(inbox, None, &[&conversation.phone], GREETING)?;
            let sent = loop {
                let sent = self.front.post(&order).await?;
                if sent.answer.is_success() {
                    break sent;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            };
            let taken = Taken {
                id: sent.message.id.unwrap_or_default(),
                uid: order.message_uid,
                text: GREETING.to_owned(),
                ending: Ending::Delivered,
                at_home: true,
            };
            self.ledger.take(at, taken);
        }
        Ok(())
    }

    /// From now on the vendors misbehave.
    pub(super) fn let_loose(&self) {
        let [.., front, signalwire] = self.seeds;
        self.front.faults().randomly(front, self.faults, Fault::survivable());
        self.signalwire.faults().randomly(signalwire, self.faults, Fault::survivable());
    }

    /// From now on they behave, whatever was.
    pub(super) fn calm(&self) {
        for vendor in [Vendor::Front, Vendor::SignalWire] {
            self.faults(vendor).clear();
            self.shut(vendor, false);
        }
    }

    pub(super) fn faults(&self, vendor: Vendor) -> &Faults {
        match vendor {
            Vendor::Front => self.front.faults(),
            Vendor::SignalWire => self.signalwire.faults(),
        }
    }

    pub(super) fn shut(&self, vendor: Vendor, shut: bool) {
        match vendor {
            Vendor::Front => self.front.shut(shut),
            Vendor::SignalWire => self.signalwire.shut(shut),
        }
    }

    pub(super) fn faults_struck(&self) -> usize {
        self.front.faults().struck_count() + self.signalwire.faults().struck_count()
    }

    /// Whether Front shows every channel as well.
    pub(super) fn channels_are_ok(&self) -> bool {
        self.front.channels().iter().all(|channel| channel.status == "ok")
    }

    pub(super) fn line(&self, conversation: &Conversation) -> &Line {
        &self.lines[conversation.line]
    }
}

/// The user's settings, with the doubles in place of the vendors.
fn settings(config: &Config, front: &Front, signalwire: &SignalWire) -> Config {
    let (app_id, app_secret) = (&front.options().app_id, &front.options().app_secret);
    let at_front = [("app_id", app_id.clone()), ("app_secret", app_secret.clone()), ("api_url", front.url())];
    let mut config = config.clone();
    config.connectors = [
        ("front".to_owned(), Settings::from_iter(at_front)),
        ("signalwire".to_owned(), Settings::from_iter([("api_url", signalwire.url())])),
    ]
    .into();
    config
}

async fn line(
    engine: &Engine,
    front: &Front,
    signalwire: &SignalWire,
    number: String,
    public_url: &str,
) -> anyhow::Result<Line> {
    signalwire.add_number(&number);
    let account = signalwire.options();
    let answers = Settings::from_iter([
        ("phone", number.as_str()),
        ("space", &account.space),
        ("project", &account.project),
        ("token", &account.token),
        ("signing_key", &account.signing_key),
        ("segments_per_second", SEGMENTS_A_SECOND),
    ]);
    let api_key = setup::install(engine, PAIR, &answers).await?.api_key;
    let inbox = front.connect(&api_key).await.context("Front could not connect a channel")?.id;
    let channel = channels::by_api_key(engine.pool(), &api_key).await?.context("a channel is not there")?;
    signalwire.set_webhook(&number, &channel.channel.provider_url(public_url, "signalwire", "inbound"));
    Ok(Line { number, inbox, channel })
}
