//! Channels on a terminal of 80 columns.

use crate::commands::accounts::standing;
use crate::commands::named::wrapped;
use crate::listing::Listing;
use crate::output;
use twinwire_api::admin::channels::{COUNTED, ChannelDetails, ChannelView, LogOnlyView};

/// What is said where there is none.
pub(crate) const NONE: &str = "There is no channel yet. Make one: `twinwire setup --help` says how.";

/// All of them.
pub(super) fn listing() -> Listing<ChannelView, 6> {
    let head = ["channel", "pair", "address", "pending", "parked", "state"];
    Listing::new(head, row, NONE).numbers(&[3, 4])
}

/// What marks in the list mean.
pub(super) fn notes(channels: &[ChannelView]) {
    let mut noted: Vec<&LogOnlyView> = Vec::new();
    for one in channels.iter().flat_map(|channel| &channel.log_only) {
        if !noted.contains(&one) {
            noted.push(one);
            for line in note(one) {
                output::say(&line);
            }
        }
    }
}

fn row(channel: &ChannelView) -> [String; 6] {
    let (pending, parked) = (short(channel.pending), short(channel.parked));
    let (id, pair, address) = (channel.channel.clone(), channel.pair.clone(), channel.address.clone());
    [id, pair, address, pending, parked, state(channel)]
}

/// A count, which ends at a limit.
pub(super) fn counted(count: i64) -> String {
    if count >= COUNTED { format!("more than {}", COUNTED - 1) } else { count.to_string() }
}

/// The same in a column.
fn short(count: i64) -> String {
    if count >= COUNTED { format!(">{}", COUNTED - 1) } else { count.to_string() }
}

fn state(channel: &ChannelView) -> String {
    let mark = if channel.log_only.is_empty() { "" } else { "*" };
    match &channel.resting {
        Some(why) => format!("{}{mark}, {why}", channel.state),
        None => format!("{}{mark}", channel.state),
    }
}

/// What the mark means, for one account.
fn note(one: &LogOnlyView) -> Vec<String> {
    let last = one.last_unverified_at.map(|at| format!(", the last at {} UTC", output::time(at)));
    let words = format!(
        "NOT VERIFIED: webhooks of {} are taken also when they are wrongly signed (verification=log_only of {}). {} such \
         in the last 7 days{}.",
        one.connector,
        one.account,
        one.unverified,
        last.unwrap_or_default()
    );
    wrapped(&words, "* ", "  ")
}

/// One of them.
pub(super) fn details(details: &ChannelDetails) {
    let ChannelDetails { channel, helpdesk, provider, webhook_urls, shown_works, worked_by } = details;
    let account = |account| format!("{}, {}", standing(account), account.account);
    output::fields(
        &format!("Channel {}, {} for {}", channel.channel, channel.pair, channel.address),
        &[
            ("state", state(channel)),
            ("pending", counted(channel.pending)),
            (
                "parked",
                format!("{}, and {} that were too old", counted(channel.parked), counted(channel.too_old)),
            ),
            (&helpdesk.connector, account(helpdesk)),
            ("  its id", channel.helpdesk_channel_id.clone().unwrap_or("not connected yet".to_owned())),
            ("  shows", shown(*shown_works).to_owned()),
            (&provider.connector, account(provider)),
            ("worked by", worked_by.clone().unwrap_or("no process at this moment".to_owned())),
        ],
    );
    channel.log_only.iter().flat_map(note).for_each(|line| output::say(&line));
    // Whole, to be copied.
    output::say("Webhooks of the provider, for messages and for their status:");
    output::say(&format!("  {}", webhook_urls.inbound));
    output::say(&format!("  {}", webhook_urls.status));
}

fn shown(works: Option<bool>) -> &'static str {
    match works {
        Some(true) => "that it works",
        Some(false) => "that it does not work",
        None => "not known at this moment",
    }
}
