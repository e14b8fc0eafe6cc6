//! `twinwire status`

use super::channels::NONE;
use super::named::wrapped;
use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::listing::Listing;
use crate::{Outcome, output};
use chrono::{DateTime, Utc};
use twinwire_api::admin::overview::{ActivityView, HourView, Overview};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| show(client, args.json).await).await
}

async fn show(client: &Client, json: bool) -> Outcome {
    let overview: Overview = client.get(&Path::of(&["overview"])).await?;
    if json {
        return Ok(output::json(&overview)?);
    }
    for line in lines(&overview) {
        output::say(&output::harmless(&line));
    }
    Ok(())
}

/// All of it: what to look at first comes first.
fn lines(overview: &Overview) -> Vec<String> {
    let Overview { hours, channels, oldest_pending_s, attention } = overview;
    let mut lines = Vec::new();
    for one in attention {
        lines.extend(wrapped(&one.words, "! ", "  "));
    }
    if attention.is_empty() {
        lines.push("Nothing needs attention.".to_owned());
    }
    let pending = match oldest_pending_s {
        Some(seconds) => format!("The oldest message with something to do was seen {seconds} s ago."),
        None => "No message of a channel that works has anything to do.".to_owned(),
    };
    lines.extend([pending, String::new()]);
    lines.extend(alive().lines(channels));
    lines.push(String::new());
    // Most installations sleep at night.
    let busy: Vec<HourView> = hours.iter().filter(|hour| hour.inbound + hour.outbound > 0).cloned().collect();
    lines.extend(traffic().lines(&busy));
    if !busy.is_empty() {
        lines.push("A running server counts this hour once a minute, older ones less often.".to_owned());
    }
    lines
}

fn alive() -> Listing<ActivityView, 3> {
    let row = |one: &ActivityView| [one.channel.clone(), at(one.last_inbound_at), at(one.last_outbound_at)];
    Listing::new(["channel", "last from a customer", "last to a customer (UTC)"], row, NONE)
}

fn traffic() -> Listing<HourView, 6> {
    let row = |hour: &HourView| {
        [
            hour.from.format("%m-%d %H:%M").to_string(),
            hour.inbound.to_string(),
            hour.outbound.to_string(),
            hour.failed.to_string(),
            took(hour.p50_ms),
            took(hour.p95_ms),
        ]
    };
    let none = "No message in the last 24 hours; they are counted once a minute by a running server.";
    Listing::new(["hour (UTC)", "in", "out", "failed", "half within", "95 % within"], row, none)
        .numbers(&[1, 2, 3, 4, 5])
}

fn at(at: Option<DateTime<Utc>>) -> String {
    at.map_or("never".to_owned(), output::time)
}

/// How long it took until messages were at the other side.
fn took(ms: Option<i64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms @ ..10_000) => format!("{ms} ms"),
        Some(ms) => format!("{} s", ms / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use twinwire_api::admin::overview::AttentionView;

    fn overview(attention: Vec<AttentionView>) -> Overview {
        let hour = |from: &str, inbound, p95_ms| {
            serde_json::from_value(json!({ "from": from, "inbound": inbound, "outbound": 0, "failed": 0,
                "p50_ms": 90, "p95_ms": p95_ms, "counted_at": null }))
            .unwrap()
        };
        let hours = vec![hour("2026-11-22T09:00:00Z", 0, 1), hour("2026-11-22T10:00:00Z", 12, 12_400)];
        Overview { hours, channels: Vec::new(), oldest_pending_s: None, attention }
    }

    #[test]
    fn hours_without_a_message_are_left_out_and_no_line_is_too_long() {
        let words = "Account acc_1 at signalwire rests until 10:00:00 UTC: credentials refused. `twinwire accounts show`";
        let attention = vec![AttentionView {
            kind: "account_resting".to_owned(),
            words: words.to_owned(),
            channel: None,
        }];
        let shown = lines(&overview(attention));
        assert!(shown.iter().all(|line| line.chars().count() <= 80), "{shown:#?}");
        assert!(shown[0].starts_with("! Account acc_1"), "{shown:#?}");
        let [.., hour, counted] = &shown[..] else { panic!("{shown:#?}") };
        assert_eq!(hour, "11-22 10:00 12   0      0       90 ms        12 s");
        assert_eq!(counted, "A running server counts this hour once a minute, older ones less often.");
        assert!(!shown.iter().any(|line| line.starts_with("11-22 09")), "{shown:#?}");
        assert_eq!(lines(&overview(Vec::new()))[0], "Nothing needs attention.");
    }
}
