//! What can be asked for.

use std::time::Duration;
use twinwire_engine::Safeguard;

/// Kills: one for so many messages.
const MESSAGES_A_KILL: u32 = 20;
/// Crashes of the database: one for so many messages.
const MESSAGES_A_CRASH: u32 = 300;
/// Strangers: one for so many messages.
const MESSAGES_A_STRANGER: u32 = 50;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Worker processes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(super) workers: u32,
    /// Numbers, each a channel
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) channels: u32,
    /// Customers, each a conversation
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) conversations: u32,
    /// Messages to put in, both ways together
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) messages: u32,
    /// Messages a second
    #[arg(long, value_name = "N", default_value_t = 20.0)]
    pub(super) rate: f64,
    /// How likely a vendor does wrong, of each request, callback and page: 0 to 0.5
    #[arg(long, value_name = "P", default_value_t = 0.05)]
    pub(super) faults: f64,
    /// The share of agents' and of customers' messages that have files: 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.125)]
    pub(super) files: f64,
    /// Workers to kill in all [default: one for 20 messages]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(super) kills: Option<u32>,
    /// Crashes of the database [default: one for 300 messages, at least one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(super) db_restarts: Option<u32>,
    /// Conversations that a customer begins in the middle of it [default: one for 50 messages]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(super) strangers: Option<u32>,
    /// Longest wait for everything to settle
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = humantime::parse_duration)]
    pub(super) patience: Duration,
    /// What chance decides comes from this number [default: a random one]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Leave a safeguard out, to see what it is for: doubt, fence, echo, lease or start
    #[arg(long, value_name = "SAFEGUARD")]
    pub(super) without: Option<Safeguard>,
    /// Print the verdict as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Keep the database and the workers' logs also when all is well
    #[arg(long)]
    pub(super) keep: bool,
}

impl Args {
    /// What no option's own limits can say.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(self.rate > 0.0 && self.rate <= 10_000.0) {
            return Err(format!("--rate must be more than 0 and at most 10000, and is {}", self.rate));
        }
        if !(0.0..=0.5).contains(&self.faults) {
            return Err(format!("--faults must be between 0 and 0.5, and is {}", self.faults));
        }
        if !(0.0..=1.0).contains(&self.files) {
            return Err(format!("--files must be between 0 and 1, and is {}", self.files));
        }
        if self.conversations < self.channels {
            let (conversations, channels) = (self.conversations, self.channels);
            return Err(format!(
                "--conversations must be at least --channels, so that every channel has one; they are {conversations} \
                 and {channels}"
            ));
        }
        Ok(())
    }

    pub(super) fn kills(&self) -> u32 {
        self.kills.unwrap_or_else(|| self.messages.div_ceil(MESSAGES_A_KILL))
    }

    pub(super) fn crashes(&self) -> u32 {
        self.db_restarts.unwrap_or_else(|| (self.messages / MESSAGES_A_CRASH).max(1))
    }

    pub(super) fn strangers(&self) -> u32 {
        self.strangers.unwrap_or(self.messages / MESSAGES_A_STRANGER)
    }

    /// The whole command that does the same again.
    pub(super) fn again(&self, seed: u64) -> String {
        let mut words = vec!["twinwire chaos".to_owned(), format!("--seed {seed}")];
        words.push(format!("--messages {} --rate {} --faults {}", self.messages, self.rate, self.faults));
        words.push(format!("--files {}", self.files));
        words.push(format!("--kills {} --db-restarts {}", self.kills(), self.crashes()));
        words.push(format!("--workers {} --channels {}", self.workers, self.channels));
        words.push(format!("--conversations {}", self.conversations));
        words.push(format!("--strangers {}", self.strangers()));
        words.extend(self.without.map(|safeguard| format!("--without {safeguard}")));
        words.join(" ")
    }
}
