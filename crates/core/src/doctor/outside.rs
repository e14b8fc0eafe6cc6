//! What lies outside: the public address and the vendors.

use super::place::clock;
use super::{Check, Finding, Trouble};
use crate::outcome::{Outcome, RefusalKind};
use crate::setup::Goes;
use chrono::TimeDelta;

/// The public address, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It leads to this installation.
    Here,
    /// Its name leads nowhere.
    Unresolved,
    /// Nobody answers, for this reason.
    Silent(String),
    /// Somebody answers who is not this installation, with this status.
    Elsewhere(u16),
}

/// The public address.
#[derive(Clone, Debug)]
pub struct Public {
    /// The address, where it was set.
    pub url: Option<String>,
    /// Whether it leads to an address of the Internet, and not of a private network.
    pub is_public: bool,
    /// What came of calling it; nothing where it was not called.
    pub reached: Option<Reached>,
    /// Whether a process that works is alive.
    pub served: bool,
}

/// What there is to say of the public address.
pub fn public(facts: &Public) -> Vec<Finding> {
    let check = Check::PublicUrl;
    let Some(url) = &facts.url else {
        let words = "TWINWIRE_PUBLIC_URL is not set: no vendor can reach this installation.";
        let finding = Finding::of(check, Trouble::PublicUrlUnset, words);
        return vec![finding.next(
            "Set it to the https:// address that leads to `twinwire serve`, and start the server anew.",
        )];
    };
    let mut found = Vec::new();
    let reached = match &facts.reached {
        None | Some(Reached::Here) => None,
        Some(Reached::Unresolved) => Some((
            Trouble::PublicUrlUnresolved,
            format!("The name in {url} leads nowhere."),
            "Make the DNS record of that name, or correct TWINWIRE_PUBLIC_URL.",
        )),
        Some(Reached::Silent(why)) if facts.served => Some((
            Trouble::PublicUrlUnreachable,
            format!("A server runs, and nobody answers at {url}: {why}."),
            "Look at the proxy or the tunnel in front of the server, its certificate, and the firewall.",
        )),
        Some(Reached::Silent(why)) => Some((
            Trouble::PublicUrlUnreachable,
            format!("No server answers at {url}: {why}. No running server is known, either."),
            "Start `twinwire serve`, then run this again.",
        )),
        Some(Reached::Elsewhere(status)) => Some((
            Trouble::PublicUrlElsewhere,
            format!(
                "Something else answers at {url} (status {status}): it does not know what only this installation knows."
            ),
            "Let that address lead to this `twinwire serve`, or correct TWINWIRE_PUBLIC_URL.",
        )),
    };
    if let Some((trouble, words, next)) = reached {
        found.push(Finding::of(check, trouble, words).next(next));
    }
    if !facts.is_public && facts.reached != Some(Reached::Unresolved) {
        let words = format!("{url} leads into a private network: vendors cannot reach it.");
        let finding = Finding::of(check, Trouble::PublicUrlPrivate, words);
        found.push(
            finding
                .next("Use a domain of your own, or a tunnel (docs/GETTING-STARTED.md); doubles need none."),
        );
    } else if url.starts_with("http://") {
        let words = format!("{url} is not encrypted: texts and keys can be read on their way.");
        found.push(
            Finding::of(check, Trouble::PublicUrlPlain, words)
                .next("Put TLS in front of the server and use https://."),
        );
    }
    if found.is_empty() {
        found.push(Finding::well(check, format!("{url} leads to this installation.")));
    }
    found
}

/// An account whose credentials were tried.
#[derive(Clone, Debug)]
pub struct Tried<'a> {
    /// The account.
    pub account: &'a str,
    /// The vendor's name for people.
    pub title: &'a str,
    /// What came of it; nothing where there was no time left.
    pub outcome: Option<&'a Outcome>,
    /// How far the vendor's clock is ahead of ours, where it told the time.
    pub ahead: Option<TimeDelta>,
    /// A channel of it, for the command that renews the credentials.
    pub channel: Option<&'a str>,
}

/// What there is to say of an account's credentials and its vendor's clock.
pub fn vendor(facts: &Tried<'_>) -> Vec<Finding> {
    let (check, title) = (Check::Vendors, facts.title);
    let of = |trouble, words: String| Finding::of(check, trouble, words).about(facts.account);
    let mut found = Vec::new();
    found.push(match facts.outcome {
        Some(Outcome::Done(_)) => {
            Finding::well(check, format!("{title} takes the credentials.")).about(facts.account)
        }
        Some(Outcome::Refused(refusal)) => {
            let why = refusal.describe();
            match refusal.kind {
                RefusalKind::Credentials => {
                    let finding =
                        of(Trouble::CredentialsRefused, format!("{title} refuses the credentials: {why}"));
                    renewed(finding, facts.channel)
                }
                RefusalKind::Throttled(_) => {
                    of(Trouble::CredentialsUntried, format!("{title} asks to wait: {why}"))
                        .next("Run it again in a minute.")
                }
                RefusalKind::Later => of(Trouble::VendorAway, format!("{title} could not be asked: {why}"))
                    .next("Look at the vendor's status page, then at your own network."),
                RefusalKind::Permanent | RefusalKind::OptedOut => {
                    of(Trouble::CredentialsUntried, format!("{title}: {why}"))
                }
            }
        }
        Some(Outcome::Unknown(why)) => of(Trouble::VendorAway, format!("{title} could not be asked: {why}"))
            .next("Look at the vendor's status page, then at your own network."),
        None => of(Trouble::CredentialsUntried, format!("{title} was not asked, or did not answer in time."))
            .next("Run it again; `twinwire accounts` shows how the account stands."),
    });
    found.extend(
        facts.ahead.and_then(|ahead| clock(check, title, ahead)).map(|finding| finding.about(facts.account)),
    );
    found
}

fn renewed(finding: Finding, channel: Option<&str>) -> Finding {
    match channel {
        Some(channel) => finding.next(format!("twinwire setup --channel {channel} --set <setting>=<value>")),
        None => finding.next("Correct the settings of this vendor and start the server anew."),
    }
}

/// A channel whose number's webhook was read.
#[derive(Clone, Debug)]
pub struct Hooked<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The provider's name for people.
    pub title: &'a str,
    /// Where the number's messages go; nothing where there was no time left.
    pub goes: Option<&'a Goes>,
    /// Whether webhooks would be believed.
    pub hears: bool,
}

/// What there is to say of a number's webhook.
pub fn hook(facts: &Hooked<'_>) -> Finding {
    let (check, title) = (Check::Webhooks, facts.title);
    let of = |trouble, words: String| Finding::of(check, trouble, words).about(facts.channel);
    let set = |with| format!("twinwire setup --channel {} {with}", facts.channel);
    if !facts.hears {
        let words = format!(
            "No key is set with which a webhook of {title} could be believed: messages come by polling alone."
        );
        return of(Trouble::WebhookUnsigned, words).next(set("--set <key>=<value>"));
    }
    match facts.goes {
        Some(Goes::Here) => {
            Finding::well(check, format!("{title} sends the number's messages here.")).about(facts.channel)
        }
        Some(Goes::Nowhere) => {
            let words = format!(
                "{title} tells nobody of the number's messages: they come by polling, within a minute."
            );
            of(Trouble::WebhookUnset, words).next(set("--set-webhook"))
        }
        Some(Goes::Elsewhere(to)) => {
            let words = format!("{title} sends the number's messages to another address, at {}.", place(to));
            of(Trouble::WebhookElsewhere, words)
                .next("If the public address has changed, or that application is to be replaced:")
                .next(set("--take-over-webhook"))
        }
        Some(Goes::Unknown(why)) => {
            let words = format!("Where {title} sends the number's messages cannot be read: {why}");
            of(Trouble::WebhookUnknown, words).next("Look at the number's settings there.")
        }
        None => of(Trouble::WebhookUnknown, format!("{title} was not asked, or did not answer in time."))
            .next("Run it again."),
    }
}

/// The host of an address: what else stands in it may be a secret of another application.
fn place(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}
