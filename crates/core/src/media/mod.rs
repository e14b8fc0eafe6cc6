//! Files that belong to a message: what is known of each, and how far it has got.
//!
//! A file is fetched from the side where the message was born and kept by us before the message is delivered, so that
//! the other side depends on nobody's address but ours. What a customer sent is never held up for good by a file: what
//! is too large, gone or late becomes a line in the text ([`text_with_lines`]). An agent's message goes out whole or not
//! at all ([`fit`]).
//!
//! * [`fit`] — whether and how files go into one message of a side.

pub mod fit;

use crate::model::{Message, Side};
use serde::{Deserialize, Serialize};

/// A layout for phones that were forgotten long ago: part of what a provider counts as files, and nothing that anybody
/// would miss.
pub const LAYOUT: &str = "application/smil";

/// Longest name of a file that is kept, in characters.
const LONGEST_NAME: usize = 120;

/// A file as its vendor shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct File {
    /// Where the vendor has it. Missing where the evidence only shows that there is one: the vendor has to be asked then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// Its media type, as the vendor says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub content_type: Option<String>,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Its size in bytes, where the vendor says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub size: Option<u64>,
}

impl File {
    /// Whether it says only how the others are to be laid out.
    pub fn is_layout(&self) -> bool {
        self.content_type.as_deref() == Some(LAYOUT)
    }

    /// `count` files of which nothing else is known.
    pub fn unnamed(count: usize) -> Vec<Self> {
        vec![Self::default(); count]
    }
}

/// One file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medium {
    /// What is known of it.
    #[serde(flatten)]
    pub file: File,
    /// How far it has got.
    #[serde(flatten)]
    pub state: State,
}

/// How far a file has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It has to be fetched.
    Wanted,
    /// We have it.
    Kept {
        /// Where in our store.
        key: String,
    },
    /// It was the message's text, which stands in the row now.
    Said,
    /// It will never be there.
    Missing {
        /// Why, for people.
        why: String,
    },
}

impl From<File> for Medium {
    fn from(mut file: File) -> Self {
        file.name = file.name.map(|name| tidy_name(&name));
        Self { file, state: State::Wanted }
    }
}

impl Medium {
    /// Whether it still has to be fetched.
    pub fn is_wanted(&self) -> bool {
        self.state == State::Wanted
    }

    /// Where it is in our store, once it is.
    pub fn key(&self) -> Option<&str> {
        match &self.state {
            State::Kept { key } => Some(key),
            _ => None,
        }
    }

    /// What people call it: its name, or what kind of file it is.
    pub fn title(&self) -> String {
        let kind = self.file.content_type.as_deref().and_then(|kind| kind.split('/').next());
        match (&self.file.name, kind) {
            (Some(name), _) => name.clone(),
            (None, Some("image")) => "a picture".to_owned(),
            (None, Some("video")) => "a video".to_owned(),
            (None, Some("audio")) => "a recording".to_owned(),
            (None, _) => "a file".to_owned(),
        }
    }
}

/// A name without a folder, control characters or anything that a header or a path would take for its own.
fn tidy_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: char| if c.is_control() || "\"<>:|?*;%".contains(c) { '_' } else { c };
    let tidy: String = last.trim().chars().map(plain).collect();
    if tidy.trim_matches('.').is_empty() {
        return "file".to_owned();
    }
    if tidy.chars().count() <= LONGEST_NAME {
        return tidy;
    }
    // The ending says what opens it.
    let ending =
        tidy.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ending.chars().count() <= 10);
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    let room = LONGEST_NAME - ending.chars().count();
    format!("{}{ending}", tidy.chars().take(room).collect::<String>())
}

/// The files of a message after evidence shows `seen`, all that is known of them so far. Once something has come of
/// fetching them they stay as they are; and what the vendor named when it was asked is not given up for a bare number.
pub(crate) fn join(media: &[Medium], seen: &[File]) -> Vec<Medium> {
    let untouched = media.iter().all(Medium::is_wanted);
    let named = |file: &File| file.url.is_some();
    let known = media.iter().any(|medium| named(&medium.file)) && !seen.iter().any(named);
    if untouched && !known && !seen.is_empty() {
        seen.iter().cloned().map(Medium::from).collect()
    } else {
        media.to_vec()
    }
}

/// What came of fetching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The vendor named all files that it has. What it counts and does not name will never be there.
    Listed(Vec<File>),
    /// A file is in our store.
    Kept {
        /// Where the vendor had it.
        url: String,
        /// Where it is with us.
        key: String,
        /// Its type and size as they are, its name where it had none.
        file: File,
    },
    /// A file was the message's text.
    Said {
        /// Where the vendor had it.
        url: String,
        /// The text.
        text: String,
    },
    /// The file that is asked for first will never be there.
    Missing {
        /// Why, for people.
        why: String,
    },
}

/// Writes down what came of fetching. What evidence has changed meanwhile is left as it is.
pub(crate) fn fetched(row: &mut Message, fetched: &Fetched) {
    match fetched {
        Fetched::Listed(files) => {
            let known = |file: &File| row.media.iter().any(|medium| medium.file.url == file.url);
            let named: Vec<Medium> = files
                .iter()
                .filter(|file| file.url.is_some() && !known(file))
                .cloned()
                .map(Medium::from)
                .collect();
            let unnamed = unnamed(row);
            if unnamed > 0 {
                row.media.retain(|medium| !medium.is_wanted() || medium.file.url.is_some());
                row.media.extend(named);
                let why = "the provider does not say where it is".to_owned();
                let missing = Medium { file: File::default(), state: State::Missing { why } };
                let addressed = |file: &&File| file.url.is_some() || file.is_layout();
                let known = files.iter().filter(addressed).count();
                row.media.extend(std::iter::repeat_n(missing, unnamed.saturating_sub(known)));
            }
        }
        Fetched::Kept { url, key, file } => {
            if let Some(medium) = wanted(row, url) {
                let url = medium.file.url.take();
                medium.file = File { url, ..file.clone() };
                medium.state = State::Kept { key: key.clone() };
            }
        }
        Fetched::Said { url, text } => {
            if let Some(medium) = wanted(row, url) {
                medium.state = State::Said;
                row.body.clone_from(text);
            }
        }
        Fetched::Missing { why } => {
            // Of files that nobody names, what holds for one holds for all.
            let all = next(row).is_some_and(|(_, medium)| medium.file.url.is_none());
            let is_it = |medium: &&mut Medium| medium.is_wanted() && (!all || medium.file.url.is_none());
            for medium in row.media.iter_mut().filter(is_it).take(if all { usize::MAX } else { 1 }) {
                medium.state = State::Missing { why: why.clone() };
            }
        }
    }
}

/// Files of which nothing but their number is known.
pub fn unnamed(row: &Message) -> usize {
    row.media.iter().filter(|medium| medium.is_wanted() && medium.file.url.is_none()).count()
}

fn wanted<'a>(row: &'a mut Message, url: &str) -> Option<&'a mut Medium> {
    row.media.iter_mut().find(|medium| medium.is_wanted() && medium.file.url.as_deref() == Some(url))
}

/// Leaves behind the files of a customer's message that the helpdesk refused. False when there were none.
pub(crate) fn leave(row: &mut Message, why: &str) -> bool {
    let mut left = false;
    for medium in row.media.iter_mut().filter(|_| row.origin == Side::Provider) {
        if medium.key().is_some() {
            medium.state = State::Missing { why: format!("the helpdesk did not take it: {why}") };
            left = true;
        }
    }
    left
}

/// The first file that has to be fetched.
pub fn next(row: &Message) -> Option<(usize, &Medium)> {
    row.media.iter().enumerate().find(|(_, medium)| medium.is_wanted())
}

/// The text for the agent: what was written, and a line for every file that does not go with it. `carried` are the
/// places, in the message's media, of those that do.
pub fn text_with_lines(row: &Message, carried: &[usize]) -> String {
    let mut lines: Vec<String> = Vec::new();
    if !row.body.trim().is_empty() {
        lines.push(row.body.clone());
    }
    if row.origin == Side::Provider {
        let left = row.media.iter().enumerate().filter(|(nth, _)| !carried.contains(nth));
        lines.extend(left.filter_map(|(_, medium)| line(medium)));
    }
    lines.join("\n")
}

fn line(medium: &Medium) -> Option<String> {
    let why = match &medium.state {
        State::Said => return None,
        State::Wanted => "it could not be fetched in time",
        State::Kept { .. } if medium.file.size.is_some_and(|size| size > 1_000_000) => {
            "it is too large for this inbox"
        }
        State::Kept { .. } => "it could not be brought along",
        State::Missing { why } => why,
    };
    Some(format!("[{} is not here: {why}]", capital(&medium.title())))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next().filter(|_| text.starts_with("a ")) {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
