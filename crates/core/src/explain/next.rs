//! What happens next with a message, and what an operator can do about it.

use super::times::{ahead_of, clock, lasted};
use crate::media;
use crate::model::{Act, Begun, Message, Need, Parked, Side, Status, Told};
use crate::plan::{Action, Facts, side_of};
use chrono::{DateTime, Utc};

/// What is known around a row, beside what the planner asks for.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The row.
    pub row: &'a Message,
    /// How commands name it.
    pub name: &'a str,
    /// What the planner was given.
    pub facts: &'a Facts<'a>,
    /// The time.
    pub now: DateTime<Utc>,
    /// The helpdesk.
    pub helpdesk: Place<'a>,
    /// The provider.
    pub provider: Place<'a>,
    /// Why the channel is not worked, where it is not.
    pub off: Option<&'a str>,
    /// The channel as commands name it, where an operator has paused it.
    pub paused: Option<&'a str>,
    /// The first of the earlier messages that it waits for, as commands name it.
    pub ahead: Option<&'a str>,
    /// Later messages of the conversation that are delivered.
    pub passed: i64,
    /// Who works its channel.
    pub worked: Worked<'a>,
}

/// One end of a channel, in words.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The vendor's name.
    pub title: &'a str,
    /// Why its account rests, where it does.
    pub rests: Option<&'a str>,
}

/// Who works a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worked<'a> {
    /// Nobody has its lease.
    Nobody,
    /// This process does.
    By(&'a str),
    /// This process does, and it is the one that began what is in flight.
    Trying(&'a str),
}

/// What happens next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Next {
    /// In sentences, one an item.
    pub words: Vec<String>,
    /// Commands that an operator may want to run.
    pub commands: Vec<String>,
}

impl Next {
    fn say(mut self, words: impl Into<String>) -> Self {
        self.words.push(words.into());
        self
    }

    fn offer(mut self, command: String) -> Self {
        self.commands.push(command);
        self
    }
}

/// Says what happens next. `action` is the planner's answer for the row and the facts.
pub fn next(action: Action, about: &Situation<'_>) -> Next {
    if let (Some(begun), Worked::Trying(owner)) = (about.row.in_flight, about.worked) {
        let (doing, for_long) = (about.doing(begun.act), lasted(about.now - begun.at));
        return Next::default().say(format!("{doing} at this moment, for {for_long}, by process {owner}."));
    }
    let next = about.crashed();
    match action {
        Action::Nothing => about.nothing(next),
        Action::WaitUntil(at) => about.waits(next, at),
        Action::WaitTurn => {
            let ahead = about.ahead.unwrap_or("an earlier message");
            next.say(format!(
                "It waits for its turn behind {ahead}: one message of a conversation at a time."
            ))
            .offer(format!("twinwire why {ahead}"))
        }
        Action::WaitChannel => {
            let next = next
                .say(format!("It waits for its channel: {}.", about.off.unwrap_or("it is not connected")));
            match about.paused {
                Some(channel) => next.offer(format!("twinwire channels resume {channel}")),
                None => next,
            }
        }
        Action::Do(act) => about.unworked(next.say(format!("{} now.", about.doing(act)))),
        Action::Park(why) => about.unworked(next.say(format!("It is put aside now: {}.", about.reason(why)))),
    }
}

/// What the agent was told of a message that did not reach the customer.
pub fn told(row: &Message) -> &'static str {
    match row.helpdesk_status {
        None if row.parked == Some(Parked::Incomplete) => "of the earlier part that did not go out",
        None => "nothing",
        Some(Told::StatusRefused) => "nothing yet: marking it was refused, a note comes next",
        Some(Told::Failed) => "it is marked as failed, with the reason",
        Some(Told::Noted) => "a note stands in the conversation",
        Some(Told::Untold) => "nothing: marking and noting were refused",
    }
}

impl Situation<'_> {
    fn place(&self, side: Side) -> Place<'_> {
        match side {
            Side::Helpdesk => self.helpdesk,
            Side::Provider => self.provider,
        }
    }

    fn doing(&self, act: Act) -> String {
        let there = self.place(side_of(self.row, act)).title;
        match act {
            Act::Deliver if self.row.origin == Side::Helpdesk => format!("It is sent through {there}"),
            Act::Deliver => format!("It is put into {there}"),
            Act::Fetch => format!("A file of it is fetched from {there}"),
            Act::LookUp => format!("{there} is asked whether the last attempt arrived"),
            Act::Report => format!("{there} is told to mark it as failed"),
            Act::Note => format!("A note about the failure is put into {there}"),
        }
    }

    /// A process that began something and will not say any more what came of it.
    fn crashed(&self) -> Next {
        match self.row.in_flight {
            Some(Begun { act, at }) => Next::default().say(format!(
                "A process began {} at {} and has lost the channel since, or died.",
                match act {
                    Act::Deliver => "to deliver it",
                    Act::Fetch => "to fetch a file of it",
                    Act::LookUp => "to look it up",
                    Act::Report | Act::Note => "to tell the agent",
                },
                clock(at, self.now)
            )),
            None => Next::default(),
        }
    }

    fn unworked(&self, next: Next) -> Next {
        match self.worked {
            Worked::Nobody => next.say(
                "No process works the channel at this moment. A running `twinwire serve` takes it up within a \
                 second; if this stays, none is running.",
            ),
            Worked::By(_) | Worked::Trying(_) => next,
        }
    }

    fn waits(&self, next: Next, at: DateTime<Utc>) -> Next {
        let (row, when) = (self.row, format!("{} ({})", clock(at, self.now), ahead_of(at, self.now)));
        let side = match row.need() {
            Need::Settle(doubt) => side_of(row, doubt.act),
            Need::Deliver if wants_file(row) => side_of(row, Act::Fetch),
            Need::Deliver => row.destination(),
            Need::Tell | Need::Nothing => Side::Helpdesk,
        };
        let place = self.place(side);
        if self.facts.end(side).paused_until.is_some_and(|until| until > self.now) {
            let why = place.rests.unwrap_or("no reason is known");
            let next = next.say(format!("It waits until {when}: the {} account rests ({why}).", place.title));
            return if why.starts_with("credentials") {
                next.say("Mend the credentials by running `twinwire setup` for the same number again.")
            } else {
                next
            };
        }
        match row.need() {
            Need::Settle(_) => next
                .say("What became of the last attempt is not known.")
                .say(format!("{} is asked at {when}.", place.title)),
            need => {
                let doing = match need {
                    Need::Deliver if wants_file(row) => "A file of it is asked for again",
                    Need::Deliver => "It is tried again",
                    _ => "The agent is told",
                };
                let next = next.say(format!("{doing} at {when}, after {} in vain.", attempts(row.failures)));
                next.offer(format!("twinwire retry {} --now", self.name))
            }
        }
    }

    fn nothing(&self, next: Next) -> Next {
        let row = self.row;
        if row.in_flight.is_some() {
            return self.unworked(next.say("It is settled since; only the mark is left to be taken away."));
        }
        if let Some(why) = row.parked.filter(|_| row.destination_id().is_none()) {
            return self.aside(next, why);
        }
        let failed = row.origin == Side::Helpdesk && row.provider_status.is_some_and(Status::is_failure);
        match (failed, row.helpdesk_status) {
            (false, _) if row.provider_status.is_none_or(Status::is_final) => {
                next.say("Nothing: both sides are in step.")
            }
            (false, _) => next.say(format!(
                "Nothing: both sides are in step. What {} says of it later is taken as it comes.",
                self.provider.title
            )),
            (true, None | Some(Told::StatusRefused)) => {
                next.say("Nothing: its failure is too old to be told any more.")
            }
            (true, Some(Told::Untold)) => next.say(
                "Nothing: it was sent and not delivered, and the agent could not be told. Tell the agent yourself.",
            ),
            (true, Some(Told::Failed | Told::Noted)) => next.say(
                "Nothing: it was sent and not delivered, and the agent knows. The agent writes it again if need be.",
            ),
        }
    }

    fn aside(&self, next: Next, why: Parked) -> Next {
        let next = next.say(format!("Nothing: it is put aside: {}.", self.reason(why)));
        let next = match self.passed {
            0 => next,
            1 => next.say("One later message of the conversation has passed it."),
            many => next.say(format!("{many} later messages of the conversation have passed it.")),
        };
        let retry = format!("twinwire retry {}", self.name);
        match why {
            Parked::Uncertain
                if self.row.origin == Side::Provider && self.row.provider_message_id.is_none() =>
            {
                next.say("It is no message of its own, so that nothing has to be done.")
            }
            Parked::Uncertain => next
                .say(format!(
                    "Look at {} whether it went out, and say so:",
                    self.place(self.row.destination()).title
                ))
                .offer(format!("twinwire settle {} --arrived <its id there>", self.name))
                .offer(format!("twinwire settle {} --not-arrived", self.name)),
            Parked::TooOld => next.say("To deliver it all the same:").offer(retry),
            Parked::OptedOut => next.say("Once they have written START, it can be tried anew:").offer(retry),
            Parked::Incomplete => {
                next.say("Once the earlier part is there, it can be tried anew:").offer(retry)
            }
            Parked::Refused | Parked::GaveUp => {
                next.say("Once the cause is mended, it can be tried anew:").offer(retry)
            }
        }
    }

    fn reason(&self, why: Parked) -> String {
        let there = self.place(self.row.destination()).title;
        match why {
            Parked::Refused => format!("{there} refused it for good"),
            Parked::TooOld => "it was too old to be delivered".to_owned(),
            Parked::OptedOut => "the customer has opted out of texts from this number".to_owned(),
            Parked::Incomplete => "an earlier part of the same text did not go out".to_owned(),
            Parked::GaveUp => "it did not arrive, and is not tried any more".to_owned(),
            Parked::Uncertain => {
                "whether it was delivered cannot be known, and twice would be worse than not at all"
                    .to_owned()
            }
        }
    }
}

fn wants_file(row: &Message) -> bool {
    media::next(row).is_some()
}

fn attempts(count: u32) -> String {
    match count {
        0 => "no attempt".to_owned(),
        1 => "one attempt".to_owned(),
        many => format!("{many} attempts"),
    }
}
