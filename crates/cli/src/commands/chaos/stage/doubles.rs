//! The doubles of all vendors of a run, and what is done to all of them alike.

use super::super::plan::{Plan, Seeds, Vendor};
use super::super::providers::{Kind, Provider};
use std::collections::BTreeMap;
use twinwire_core::setting::Settings;
use twinwire_sandbox::signalwire::SmsMessage;
use twinwire_sandbox::{Fault, Faults, Front, FrontOptions, Operation};

/// Requests that a double remembers: enough to look at, few enough for any run.
pub(in super::super) const REMEMBERED: usize = 20_000;
/// What Front allows. By its usual limit the workers would hardly ever have anything to do at once.
const REQUESTS_A_MINUTE: usize = 60_000;

/// What is done with files.
const ON_FILES: [(Operation, &str); 5] = [
    (Operation::ListMedia, "list_media"),
    (Operation::FetchMedia, "fetch_media"),
    (Operation::FetchStored, "fetch_stored"),
    (Operation::DownloadFile, "download_file"),
    (Operation::CollectMedia, "collect_media"),
];

/// Front and the providers.
#[derive(Clone)]
pub(in super::super) struct Doubles {
    pub(in super::super) front: Front,
    pub(in super::super) providers: Vec<Provider>,
}

impl Doubles {
    /// Starts them, quiet as yet.
    pub(in super::super) async fn start(plan: &Plan, kinds: &'static [Kind]) -> anyhow::Result<Self> {
        let front = FrontOptions {
            seed: plan.seeds_of_front.ids,
            remembers: Some(REMEMBERED),
            rate_limit: Some(REQUESTS_A_MINUTE),
            ..FrontOptions::default()
        };
        let front = Front::start(front).await?;
        let mut providers = Vec::new();
        for (kind, seeds) in kinds.iter().zip(&plan.seeds_of_providers) {
            providers.push(kind.start(seeds.ids).await?);
        }
        Ok(Self { front, providers })
    }

    pub(in super::super) async fn stop(&self) {
        self.front.stop().await;
        for provider in &self.providers {
            provider.sms.stop().await;
        }
    }

    /// The installation's settings with which Twinwire finds them, by connector.
    pub(super) fn settings(&self) -> BTreeMap<String, Settings> {
        let (front, options) = (&self.front, self.front.options());
        let at_front = [
            ("app_id", options.app_id.clone()),
            ("app_secret", options.app_secret.clone()),
            ("api_url", front.url()),
            ("requests_per_minute", REQUESTS_A_MINUTE.to_string()),
            ("requests_per_second", (REQUESTS_A_MINUTE / 60).to_string()),
        ];
        let at = |provider: &Provider| Settings::from_iter([("api_url", provider.sms.url())]);
        let mut all: BTreeMap<String, Settings> =
            self.providers.iter().map(|provider| (provider.name().to_owned(), at(provider))).collect();
        all.insert("front".to_owned(), Settings::from_iter(at_front));
        all
    }

    /// All vendors, each with its name.
    pub(in super::super) fn vendors(&self) -> impl Iterator<Item = (Vendor, &'static str)> {
        let providers = self.providers.iter().enumerate();
        let providers = providers.map(|(at, provider)| (Vendor::Provider(at), provider.title()));
        std::iter::once((Vendor::Front, "Front")).chain(providers)
    }

    /// From now on they misbehave.
    pub(super) fn let_loose(&self, faults: f64, of_front: Seeds, of_providers: &[Seeds]) {
        self.front.faults().randomly(of_front.faults, faults, Fault::survivable());
        for (provider, seeds) in self.providers.iter().zip(of_providers) {
            provider.sms.faults().randomly(seeds.faults, faults, Fault::survivable());
        }
    }

    /// From now on they behave, whatever was.
    pub(in super::super) fn calm(&self) {
        for (vendor, _) in self.vendors() {
            self.faults(vendor).clear();
            self.shut(vendor, false);
        }
    }

    pub(in super::super) fn faults(&self, vendor: Vendor) -> &Faults {
        match vendor {
            Vendor::Front => self.front.faults(),
            Vendor::Provider(at) => self.providers[at].sms.faults(),
        }
    }

    pub(in super::super) fn shut(&self, vendor: Vendor, shut: bool) {
        match vendor {
            Vendor::Front => self.front.shut(shut),
            Vendor::Provider(at) => self.providers[at].sms.shut(shut),
        }
    }

    /// How many faults struck, by vendor.
    pub(in super::super) fn faults_struck(&self) -> BTreeMap<&'static str, usize> {
        self.vendors().map(|(vendor, title)| (title, self.faults(vendor).struck_count())).collect()
    }

    /// How many of them struck what is done with files, by what that is.
    pub(in super::super) fn faults_struck_on_files(&self) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<&'static str, usize> = ON_FILES.iter().map(|(_, name)| (*name, 0)).collect();
        for struck in self.vendors().flat_map(|(vendor, _)| self.faults(vendor).struck()) {
            let name = ON_FILES.iter().find(|(operation, _)| *operation == struck.operation);
            if let Some(count) = name.and_then(|(_, name)| counts.get_mut(name)) {
                *count += 1;
            }
        }
        counts
    }

    /// Whether a provider still fetches files of a message that it was asked to send.
    pub(in super::super) fn are_fetching(&self) -> bool {
        let waits = |sms: &SmsMessage| {
            !sms.media_urls.is_empty() && sms.media.is_empty() && sms.media_problem.is_none()
        };
        self.providers.iter().any(|provider| provider.sms.messages().iter().any(waits))
    }

    /// Whether Front shows every channel as well.
    pub(in super::super) fn channels_are_ok(&self) -> bool {
        self.front.channels().iter().all(|channel| channel.status == "ok")
    }
}
