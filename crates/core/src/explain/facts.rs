//! What a message is made of, in words: its files, and which part of a text it is. Never a text.

use crate::media::fit::size;
use crate::media::{Medium, State};
use crate::model::Message;

/// What became of each file of a message; none when it has none.
pub fn files(row: &Message) -> Option<String> {
    // What a list counts after the delivery (a phone's layout, for one) is not fetched any more.
    let delivered = row.destination_id().is_some();
    let files: Vec<String> =
        row.media.iter().filter(|medium| !(delivered && medium.is_wanted())).map(file).collect();
    (!files.is_empty()).then(|| files.join(" \u{b7} "))
}

fn file(medium: &Medium) -> String {
    let title = medium.title();
    let large = medium.file.size.map(|bytes| format!(" {}", size(bytes))).unwrap_or_default();
    match &medium.state {
        State::Wanted => format!("{title}{large}: not fetched yet"),
        State::Kept { .. } => format!("{title}{large} kept"),
        State::Said => format!("{title}: it is the text"),
        State::Missing { why } => format!("{title}{large}: missing, {why}"),
    }
}

/// Which part of the helpdesk's message it is; none when it is the whole.
pub fn part(row: &Message) -> Option<String> {
    let whole = row.helpdesk_message_id.as_deref().unwrap_or("a longer text");
    (row.part.of > 1).then(|| format!("{} of {} of {whole}", row.part.nth, row.part.of))
}
