//! Who writes what to whom, and when.

use super::super::args::Args;
use super::super::files::File;
use super::extras::LONGEST;
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::iter::Sum;
use std::time::Duration;

/// Said word for word again and again: the texts alone do not tell one from the other.
const REPEATED: [&str; 4] = ["OK", "Thanks!", "Yes", "One moment please"];

/// What becomes of an agent's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Ending {
    /// It gets to the customer.
    Delivered,
    /// The provider never takes it.
    Refused,
    /// The provider takes it, and it does not arrive.
    FailsLater,
}

impl Ending {
    /// What stands in the text, so that the double knows.
    pub(in super::super) fn mark(self) -> &'static str {
        match self {
            Self::Delivered => "",
            Self::Refused => " (to be refused)",
            Self::FailsLater => " (to fail later)",
        }
    }
}

/// What is put in.
#[derive(Clone, Debug)]
pub(in super::super) enum What {
    /// An agent writes to the customers of one or two conversations of a channel.
    Agent { to: Vec<usize>, text: String, files: Vec<File>, ending: Ending },
    /// A customer texts.
    Customer { from: usize, text: String, files: Vec<File>, text_in_a_part: bool },
    /// Another application sends from our number.
    Application { to: usize, text: String },
    /// Somebody texts of whom nobody has heard.
    Stranger { which: usize },
}

/// A message, and when.
#[derive(Clone, Debug)]
pub(in super::super) struct Planned {
    pub(in super::super) at: Duration,
    pub(in super::super) what: What,
}

/// As many as asked for; one to two people counts twice.
pub(super) fn draw(args: &Args, chance: &mut StdRng) -> Vec<Planned> {
    let mut all = Vec::new();
    let (mut left, mut number) = (args.messages, 0);
    while left > 0 {
        let at = Duration::from_secs_f64(
            (f64::from(args.messages - left) + chance.random_range(0.0..1.0)) / args.rate,
        );
        number += 1;
        let what = one(args, number, left, chance);
        left -= if matches!(&what, What::Agent { to, .. } if to.len() > 1) { 2 } else { 1 };
        all.push(Planned { at, what });
    }
    let lasts = f64::from(args.messages) / args.rate;
    for which in 0..args.strangers() as usize {
        let at = Duration::from_secs_f64(lasts * chance.random_range(0.0..0.9));
        all.push(Planned { at, what: What::Stranger { which } });
    }
    all.sort_by_key(|planned| planned.at);
    all
}

fn one(args: &Args, number: u32, left: u32, chance: &mut StdRng) -> What {
    let conversations = args.conversations as usize;
    let with = chance.random_range(0..conversations);
    let repeated = chance.random_bool(0.2).then(|| REPEATED[chance.random_range(0..REPEATED.len())]);
    let share = chance.random_range(0..100);
    match share {
        0..5 => {
            let text = repeated.map_or_else(|| format!("#{number} from another application"), str::to_owned);
            What::Application { to: with, text }
        }
        5..50 => {
            let text = repeated.map_or_else(|| format!("#{number} from a customer"), str::to_owned);
            What::Customer { from: with, text, files: Vec::new(), text_in_a_part: false }
        }
        50..54 => agent(vec![with], number, Ending::Refused),
        54..58 => agent(vec![with], number, Ending::FailsLater),
        58..66 if left > 1 => {
            // Conversations of a channel lie as far apart as there are channels.
            let other = (with + args.channels as usize) % conversations;
            let same = other % args.channels as usize == with % args.channels as usize && other != with;
            let ending = [Ending::Delivered, Ending::Delivered, Ending::Delivered, Ending::Refused];
            let ending = ending[chance.random_range(0..4)];
            agent(if same { vec![with, other] } else { vec![with] }, number, ending)
        }
        _ => match (repeated, agent(vec![with], number, Ending::Delivered)) {
            (Some(repeated), What::Agent { to, files, ending, .. }) => {
                What::Agent { to, text: repeated.to_owned(), files, ending }
            }
            (_, own) => own,
        },
    }
}

/// The number stands first: a note about a failure repeats only the beginning of a text.
fn agent(to: Vec<usize>, number: u32, ending: Ending) -> What {
    let text = format!("#{number} from an agent{}", ending.mark());
    What::Agent { to, text, files: Vec::new(), ending }
}

/// How many messages of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(in super::super) struct PutIn {
    /// By agents, one for each recipient.
    pub(in super::super) agents: usize,
    pub(in super::super) customers: usize,
    pub(in super::super) applications: usize,
    pub(in super::super) strangers: usize,
    /// Of all these, with files.
    pub(in super::super) with_files: usize,
    /// Of the agents', too long for one message.
    pub(in super::super) in_parts: usize,
}

impl PutIn {
    /// Counts one.
    pub(in super::super) fn count(&mut self, what: &What) {
        match what {
            What::Agent { to, text, files, .. } => {
                self.agents += to.len();
                self.count_extras(to.len(), text, files);
            }
            What::Customer { files, .. } => {
                self.customers += 1;
                self.count_extras(1, "", files);
            }
            What::Application { .. } => self.applications += 1,
            What::Stranger { .. } => self.strangers += 1,
        }
    }

    /// Counts what so many messages of one kind have beside a short text.
    pub(in super::super) fn count_extras(&mut self, messages: usize, text: &str, files: &[File]) {
        self.with_files += if files.is_empty() { 0 } else { messages };
        self.in_parts += if text.chars().count() > LONGEST { messages } else { 0 };
    }

    /// How many in all, but for strangers' first texts.
    pub(in super::super) fn messages(&self) -> usize {
        self.agents + self.customers + self.applications
    }
}

impl Sum for PutIn {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            agents: sum.agents + one.agents,
            customers: sum.customers + one.customers,
            applications: sum.applications + one.applications,
            strangers: sum.strangers + one.strangers,
            with_files: sum.with_files + one.with_files,
            in_parts: sum.in_parts + one.in_parts,
        })
    }
}

/// The same for each provider, by its title.
pub(in super::super) type PutInAt = BTreeMap<&'static str, PutIn>;
