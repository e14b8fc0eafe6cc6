//! The list of messages on a terminal of 80 columns.

use crate::commands::named::{WIDTH, masked};
use crate::output;
use serde::Serialize;
use twinwire_api::admin::messages::list::ListedMessage;
use twinwire_core::model::Direction;

/// The table, a line each.
pub(super) fn lines(messages: &[ListedMessage], full: bool) -> Vec<String> {
    let rows: Vec<_> = messages.iter().map(|message| row(message, full)).collect();
    let head = ["message", "written (UTC)", "way", "customer", "state"];
    let table = output::columns(head, &[0], &rows);
    // The reason comes last and gives way: `twinwire why` has all of it.
    table.lines().map(cut).collect()
}

fn row(message: &ListedMessage, full: bool) -> [String; 5] {
    let way = match message.direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
    };
    // Before anything is cut: half a number would not be known for one.
    let shown = |text: &str| if full { text.to_owned() } else { masked(text) };
    let written = message.occurred_at.format("%Y-%m-%d %H:%M").to_string();
    let customer = output::harmless(&shown(&message.conversation));
    [message.message.to_string(), written, way.to_owned(), customer, shown(&state(message))]
}

fn state(message: &ListedMessage) -> String {
    let why = message.last_error.as_deref().map(|why| format!(", {why}")).unwrap_or_default();
    let code =
        message.provider_error_code.as_deref().map(|code| format!(", error {code}")).unwrap_or_default();
    let words = match message.state.as_str() {
        "parked" | "too_old" => {
            format!("parked: {}{why}", message.parked.map(word).unwrap_or_default().replace('_', " "))
        }
        "pending" => format!("pending{why}"),
        "failed" => format!("failed: {}{code}", message.provider_status.map(word).unwrap_or_default()),
        _ => message.provider_status.map_or("done".to_owned(), word),
    };
    output::harmless(&words).replace('\n', " ")
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let kept: String = line.chars().take(WIDTH - 1).collect();
    format!("{}…", kept.trim_end())
}

fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, cut};

    #[test]
    fn a_line_that_is_too_long_is_cut_where_a_terminal_ends() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"é ".repeat(100));
        assert!(long.ends_with('…') && long.chars().count() <= WIDTH, "{long}");
    }
}
