//! The list of messages on a terminal of 80 columns.

use crate::commands::named::masked;
use crate::commands::why::word;
use crate::listing::Listing;
use twinwire_api::admin::messages::list::ListedMessage;
use twinwire_core::model::Direction;

/// The table; `none` is said where there is none. The reason comes last and gives way: `twinwire why` has all of it.
pub(super) fn listing(none: String, full: bool) -> Listing<ListedMessage, 5> {
    let head = ["message", "written (UTC)", "way", "customer", "state"];
    Listing::new(head, move |message| row(message, full), none).numbers(&[0])
}

fn row(message: &ListedMessage, full: bool) -> [String; 5] {
    let way = match message.direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
    };
    // Before anything is cut: half a number would not be known for one.
    let shown = |text: &str| if full { text.to_owned() } else { masked(text) };
    let written = message.occurred_at.format("%Y-%m-%d %H:%M").to_string();
    let customer = shown(&message.conversation);
    [message.message.to_string(), written, way.to_owned(), customer, shown(&state(message))]
}

fn state(message: &ListedMessage) -> String {
    let why = message.last_error.as_deref().map(|why| format!(", {why}")).unwrap_or_default();
    let code =
        message.provider_error_code.as_deref().map(|code| format!(", error {code}")).unwrap_or_default();
    match message.state.as_str() {
        "parked" | "too_old" => {
            format!("parked: {}{why}", message.parked.map(word).unwrap_or_default().replace('_', " "))
        }
        "pending" => format!("pending{why}"),
        "failed" => format!("failed: {}{code}", message.provider_status.map(word).unwrap_or_default()),
        _ => message.provider_status.map_or("done".to_owned(), word),
    }
}
