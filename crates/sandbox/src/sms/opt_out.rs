//! Messaging services, and who opted out: words that a vendor answers itself.

use super::state::State;

/// The whole text is such a word, in any case (Twilio's opt-out keywords; the last two since 2025-04; read 2026-11).
const STOP: [&str; 8] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START: [&str; 3] = ["START", "YES", "UNSTOP"];
const HELP: [&str; 2] = ["HELP", "INFO"];

impl State {
    /// The messaging service that a number sends for.
    pub(crate) fn service_of(&self, number: &str) -> Option<&str> {
        let of = |(_, numbers): &&(String, Vec<String>)| numbers.iter().any(|known| known == number);
        self.services.iter().find(of).map(|(sid, _)| sid.as_str())
    }

    /// The numbers of a messaging service.
    pub(crate) fn numbers_of(&self, service: &str) -> Option<&[String]> {
        let found = self.services.iter().find(|(sid, _)| sid == service);
        found.map(|(_, numbers)| numbers.as_slice())
    }

    /// The number that a service sends to this person from: the one of their conversation, or its first.
    pub(crate) fn picked(&self, service: &str, to: &str) -> Option<&str> {
        let numbers = self.numbers_of(service)?;
        let theirs = self.messages.iter().rev().filter(|message| message.contact() == to);
        let known =
            theirs.map(super::SmsMessage::own_number).find(|number| numbers.iter().any(|one| one == number));
        known.or_else(|| numbers.first().map(String::as_str))
    }

    /// Whether this person wants nothing from this sender.
    pub(crate) fn is_blocked(&self, person: &str, number: &str) -> bool {
        self.opted_out.contains(&(person.to_owned(), self.blocked_as(number)))
    }

    /// Who opts out of one number of a service opts out of all of it.
    fn blocked_as(&self, number: &str) -> String {
        self.service_of(number).unwrap_or(number).to_owned()
    }

    /// A text to a number may opt out or in, and is answered then. Gives the kind of word that it was.
    pub(crate) fn opt_out_or_in(&mut self, from: &str, to: &str, body: &str) -> Option<&'static str> {
        // Another network has words of its own.
        if from.contains(':') {
            return None;
        }
        let word = body.trim().to_ascii_uppercase();
        let pair = (from.to_owned(), self.blocked_as(to));
        let is = |words: &[&str]| words.contains(&word.as_str());
        let (kind, answer) = if is(&STOP) {
            self.opted_out.insert(pair);
            ("STOP", "You have successfully been unsubscribed. Reply START to resubscribe.")
        } else if is(&START) {
            self.opted_out.remove(&pair);
            ("START", "You have successfully been re-subscribed. Reply STOP to unsubscribe.")
        } else if is(&HELP) {
            ("HELP", "Reply STOP to unsubscribe.")
        } else {
            return None;
        };
        self.own_answers.push((from.to_owned(), answer));
        Some(kind)
    }
}
