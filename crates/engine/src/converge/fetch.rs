//! A file of a message from the side where it was born into our store.

use super::step::{Brought, Step, one};
use crate::call::{self, Got};
use crate::media::{self, LARGEST, kind};
use crate::sender::{Downloaded, Rules};
use chrono::TimeDelta;
use twinwire_core::connector::Call;
use twinwire_core::media::fit::size;
use twinwire_core::media::{Fetched, File, Medium, next, unnamed};
use twinwire_core::model::{Act, Message, Side};
use twinwire_core::outcome::{Done, Outcome, Refusal};
use twinwire_core::plan::side_of;
use twinwire_core::settle::Result as Came;
use twinwire_core::text::clean;

/// Bytes that are counted for a file while it is fetched: more than nearly every one has, so that a few may be larger.
const USUAL: u64 = 16_000_000;
/// So long a vendor may count a file that it does not name.
const NOT_YET: TimeDelta = TimeDelta::minutes(2);

/// Longest text that comes as a file and is shown as the message's text.
const LONGEST_TEXT: usize = 16 * 1024;

/// Gets the first file that is wanted, or asks for the list of them.
pub(super) async fn make(step: &Step, row: &Message) -> Brought {
    let Some((nth, medium)) = next(row) else {
        return brought(Came::Fetched(Fetched::Listed(Vec::new())), true);
    };
    match &medium.file.url {
        None => list(step, row).await,
        Some(url) => get(step, row, (nth, medium), url).await,
    }
}

async fn list(step: &Step, row: &Message) -> Brought {
    let made = one(step, row, Act::Fetch, &Call::Files(row), &[]).await;
    let came = match made.outcome {
        // What was counted a moment ago may not be named yet.
        Outcome::Done(Done::Files(files)) if files.len() < unnamed(row) && is_young(step, row) => {
            Came::Refused(Refusal::later("the vendor does not name all files yet"))
        }
        Outcome::Done(Done::Files(files)) => Came::Fetched(Fetched::Listed(files)),
        Outcome::Done(_) => Came::Refused(Refusal::later("the vendor's list of files cannot be read")),
        other => not_got(other),
    };
    brought(came, made.counts)
}

fn is_young(step: &Step, row: &Message) -> bool {
    step.engine.now() - row.seen_at < NOT_YET
}

async fn get(step: &Step, row: &Message, (nth, medium): (usize, &Medium), url: &str) -> Brought {
    let side = side_of(row, Act::Fetch);
    // Taken before, and not by what somebody says of its size.
    let _room = step.engine.media().room(USUAL).await;
    let rules = Rules { hosts: step.ends.connector(side).file_hosts(), most: LARGEST };
    let call = Call::File { message: row, url };
    let (got, counts) =
        match call::download(&step.engine, step.caller(row, Act::Fetch, &[]), &call, &rules).await {
            Ok(got) => got,
            Err(error) => return brought(Came::Unknown(error.to_string()), true),
        };
    let came = match got {
        Got::File(Downloaded::File { content_type, bytes }) => {
            return keep(step, row, (nth, medium), url, &content_type, bytes).await;
        }
        Got::File(Downloaded::TooLarge) => missing(format!("it has more than {}", size(LARGEST))),
        Got::File(Downloaded::Forbidden(why)) => {
            tracing::warn!(row = row.log_id(), why, "a file is not fetched");
            missing(why)
        }
        // A link into storage lives for minutes; the next attempt gets a new one.
        Got::File(Downloaded::Storage(status)) => {
            Came::Refused(Refusal::later(format!("its storage answered {status}")))
        }
        Got::File(Downloaded::Judge(_)) => Came::Unknown("the download was not judged".to_owned()),
        Got::Not(outcome) => not_got(outcome),
    };
    brought(came, counts)
}

async fn keep(
    step: &Step,
    row: &Message,
    (nth, medium): (usize, &Medium),
    url: &str,
    served: &str,
    bytes: Vec<u8>,
) -> Brought {
    if kind::is_page_instead(served, medium) {
        return brought(Came::Refused(Refusal::later("a web page came in place of it")), true);
    }
    let content_type = kind::of(served, medium);
    let url = url.to_owned();
    if let Some(text) = text(row, &content_type, &bytes) {
        return brought(Came::Fetched(Fetched::Said { url, text }), true);
    }
    let file = File {
        url: None,
        name: medium.file.name.clone(),
        size: Some(bytes.len() as u64),
        content_type: Some(content_type),
    };
    let key = media::key(&step.ends.channel.channel.id, &row.external_id, nth);
    let came = match step.engine.media().put(&key, bytes).await {
        Ok(()) => Came::Fetched(Fetched::Kept { url, key, file }),
        // It is our own trouble, and passes or is seen: the log says so each time.
        Err(error) => {
            tracing::error!(%error, "a file could not be kept");
            Came::Refused(Refusal::later("our store of files cannot be written"))
        }
    };
    brought(came, true)
}

/// The text of a message whose text came as a file, as some providers have it.
fn text(row: &Message, content_type: &str, bytes: &[u8]) -> Option<String> {
    let text = str::from_utf8(bytes).ok().filter(|_| content_type == "text/plain")?;
    let text = clean(text.trim_end());
    let is_text = row.body.trim().is_empty() && !text.is_empty() && text.len() <= LONGEST_TEXT;
    (row.origin == Side::Provider && (is_text || text == row.body.trim_end())).then_some(text)
}

fn missing(why: String) -> Came {
    Came::Fetched(Fetched::Missing { why })
}

fn not_got(outcome: Outcome) -> Came {
    match outcome {
        Outcome::Refused(refusal) => Came::Refused(refusal),
        Outcome::Unknown(why) => Came::Refused(Refusal::later(why)),
        Outcome::Done(_) => Came::Unknown("not a file".to_owned()),
    }
}

fn brought(came: Came, counts: bool) -> Brought {
    Brought { came, evidence: None, counts }
}
