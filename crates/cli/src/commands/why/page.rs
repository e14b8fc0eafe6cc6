//! The story of a message on a terminal of 80 columns.

use crate::commands::named::{next_lines, wrapped};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use twinwire_api::admin::messages::story::{Candidate, Line, Story};
use twinwire_api::admin::messages::view::{MessageDetails, MessageView};
use twinwire_core::explain;
use twinwire_core::model::{BoundBy, Direction, Side};

/// Where the words of the story begin.
const INDENT: usize = 35;

/// All of it.
pub(super) fn lines(story: &Story) -> Vec<String> {
    let mut lines = head(&story.message);
    lines.push(String::new());
    lines.push("What happened (UTC)".to_owned());
    lines.extend(happened(story));
    lines.push(String::new());
    lines.push("What happens next".to_owned());
    lines.extend(next_lines(&story.message.next));
    lines.extend(candidates(story));
    lines.extend(webhooks(story));
    lines
}

/// The message as it stands.
pub(crate) fn head(message: &MessageDetails) -> Vec<String> {
    let MessageDetails { row, words, .. } = message;
    let seq = row.message;
    let title = match (row.origin, row.direction) {
        (Side::Helpdesk, _) => format!("Message {seq}, from {} to {}", row.sender, row.recipient),
        (Side::Provider, Direction::Inbound) => {
            format!("Message {seq}, from the customer {} to {}", row.sender, row.recipient)
        }
        (Side::Provider, Direction::Outbound) => {
            format!("Message {seq}, not sent by us, from {} to {}", row.sender, row.recipient)
        }
    };
    let mut lines = wrapped(&title, "", "  ");
    let mut field = |name: &str, value: &str| {
        lines.extend(wrapped(value, &format!("  {name:<12}"), &" ".repeat(14)));
    };
    field("written", &format!("{} UTC", row.occurred_at.format("%Y-%m-%d %H:%M:%S")));
    field("here", &row.external_id);
    field("channel", &row.channel);
    let missing = if row.parked.is_some() { "no id" } else { "no id yet" };
    field(&words.helpdesk, row.helpdesk_message_id.as_deref().unwrap_or(missing));
    let by = row.bound_by.filter(|_| row.origin == Side::Helpdesk).map(by).unwrap_or_default();
    field(
        &words.provider,
        &row.provider_message_id.as_ref().map_or(missing.to_owned(), |id| format!("{id}{by}")),
    );
    field("status", &status(row));
    if let Some(part) = &words.part {
        field("part", part);
    }
    if let Some(files) = &words.files {
        field("files", files);
    }
    if row.origin == Side::Helpdesk && (row.helpdesk_status.is_some() || row.parked.is_some()) {
        field("agent told", &words.agent_told);
    }
    if let Some(why) = row.parked {
        field("put aside", &format!("as {}", word(why).replace('_', " ")));
    }
    if let Some(error) = row.last_error.as_deref() {
        field("trouble", error);
    }
    if let Some(body) = &row.body {
        let text = match (body.as_str(), row.emptied_at) {
            ("", Some(at)) => {
                format!("let go on {}: erased, or not to be kept any longer", at.format("%Y-%m-%d"))
            }
            ("", None) => "none".to_owned(),
            (text, _) => text.to_owned(),
        };
        field("text", &text);
    }
    lines
}

fn by(bound_by: BoundBy) -> &'static str {
    match bound_by {
        BoundBy::Echo => ", by echo",
        BoundBy::Reference => ", by reference",
        BoundBy::Answer => ", by answer",
    }
}

fn status(row: &MessageView) -> String {
    let status = row.provider_status.map_or("none".to_owned(), word);
    match (&row.provider_error_code, &row.provider_error_message) {
        (Some(code), Some(words)) => format!("{status}, error {code}: {words}"),
        (Some(code), None) => format!("{status}, error {code}"),
        (None, Some(words)) => format!("{status}: {words}"),
        (None, None) => status,
    }
}

fn happened(story: &Story) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut before, mut worker) = (None::<DateTime<Utc>>, None);
    for (at, line) in story.story.iter().enumerate() {
        if before.is_none_or(|before| before.date_naive() != line.at.date_naive()) {
            lines.push(format!("  {}", line.at.format("%Y-%m-%d")));
        }
        let after = before.map(|before| later(line.at - before)).unwrap_or_default();
        let (kind, words) = words(story.message.row.origin, line, at == 0);
        let first = format!("  {:<12} {after:>8}  {kind:<9} ", line.at.format("%H:%M:%S%.3f"));
        let rest = " ".repeat(INDENT);
        lines.extend(wrapped(&words, &first, &rest));
        if let Some(way) = way(line) {
            lines.extend(wrapped(&way, &rest, &rest));
        }
        // The same process goes on until another one is named.
        if let (Some(owner), Some(fence)) = (&line.owner, line.fence)
            && worker != Some((owner, fence))
        {
            lines.extend(wrapped(&format!("process {owner}, fence {fence}"), &rest, &rest));
            worker = Some((owner, fence));
        }
        before = Some(line.at);
    }
    if lines.is_empty() && story.gone.is_empty() {
        lines.push("  Nothing is written down.".to_owned());
    }
    lines.extend(story.gone.iter().flat_map(|words| wrapped(words, "  ", "  ")));
    lines
}

/// What kind of line it is, and what it says.
fn words(origin: Side, line: &Line, first: bool) -> (&'static str, String) {
    let outcome = line.outcome.as_deref().unwrap_or_default();
    let (kind, words) = match (line.step.as_str(), line.act) {
        ("begin", Some(act)) => ("tried", explain::tried(act, origin).to_owned()),
        ("apply", Some(act)) => ("came back", explain::came(act, origin, outcome)),
        ("seen", _) => {
            let kind = match line.way.as_deref() {
                _ if first => "arrived",
                Some("webhook") => "callback",
                Some("list") => "read",
                Some("operator") => "decided",
                _ => "came back",
            };
            (kind, outcome.to_owned())
        }
        _ => ("decided", explain::noted(outcome)),
    };
    match &line.detail {
        Some(detail) => (kind, format!("{words}: {detail}")),
        None => (kind, words),
    }
}

/// By which way evidence came.
fn way(line: &Line) -> Option<String> {
    Some(match (line.way.as_deref()?, line.webhook) {
        ("webhook", Some(id)) => format!("webhook {id}, {}", line.event.as_deref().unwrap_or("no event")),
        ("list", _) => "found in the provider's list".to_owned(),
        ("look_up", _) => "found by the look-up".to_owned(),
        ("answer", _) => "in the answer to our call".to_owned(),
        ("operator", _) => "said by an operator".to_owned(),
        (other, _) => other.to_owned(),
    })
}

fn candidates(story: &Story) -> Vec<String> {
    let title = format!("{} has these, of which it may be one:", story.message.words.provider);
    let one = |seen: &Candidate| {
        let at =
            seen.created_at.map_or("no time".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string());
        let words = format!("{}, {at}, {}", seen.id, seen.status.map_or("no status".to_owned(), word));
        wrapped(&words, "    ", "      ")
    };
    let shown = story.candidates.iter().flat_map(one);
    let title = (!story.candidates.is_empty()).then(|| format!("  {title}"));
    title.into_iter().chain(shown).collect()
}

fn webhooks(story: &Story) -> Vec<String> {
    if story.webhooks.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Webhooks (--raw prints them)".to_owned()];
    for one in &story.webhooks {
        let (at, event) = (one.received_at.format("%Y-%m-%d %H:%M:%S"), one.event.as_deref().unwrap_or("-"));
        let trust = one.unverified.as_ref().map(|why| format!(", NOT VERIFIED: {why}")).unwrap_or_default();
        let words =
            format!("{}, {at}, {} {event}, answered {}{trust}", one.webhook, one.connector, one.status);
        lines.extend(wrapped(&words, "  ", "    "));
    }
    lines
}

/// How much later than the line before.
fn later(time: TimeDelta) -> String {
    let ms = time.num_milliseconds();
    match ms {
        ..1 => String::new(),
        1..1_000 => format!("+{ms} ms"),
        1_000..120_000 => format!("+{}.{} s", ms / 1_000, ms % 1_000 / 100),
        120_000..7_200_000 => format!("+{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("+{} h", ms / 3_600_000),
        _ => format!("+{} d", ms / 86_400_000),
    }
}

/// A value's word, as programs write it.
pub(crate) fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
}
