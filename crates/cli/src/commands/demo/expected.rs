//! What should become of a message.

use twinwire_sandbox::MediaFile;

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Agent,
    AutoReply,
    Customer,
}

/// How a message ends. Failures have the provider's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// On the customer's phone.
    Delivered,
    /// Handed to the carrier; SignalWire gets no receipts for pictures.
    Sent,
    /// The provider never took it; the agent is told.
    Refused(i64),
    /// The provider took it, and it did not arrive; the agent is told.
    FailsLater(i64),
    /// In Front.
    Arrived,
}

impl End {
    pub(super) fn code(self) -> Option<i64> {
        match self {
            Self::Refused(code) | Self::FailsLater(code) => Some(code),
            Self::Delivered | Self::Sent | Self::Arrived => None,
        }
    }

    /// What the provider should say of it; none where it should not have it.
    pub(super) fn at_provider(self) -> Option<&'static str> {
        match self {
            Self::Delivered => Some("delivered"),
            Self::Sent => Some("sent"),
            Self::Refused(_) => None,
            Self::FailsLater(_) => Some("undelivered"),
            Self::Arrived => Some("received"),
        }
    }
}

/// A message of the script, and what should have become of it.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) route: Route,
    pub(super) contact: &'static str,
    pub(super) text: &'static str,
    pub(super) end: End,
    /// Its file, as it was sent.
    pub(super) file: Option<MediaFile>,
    /// The messages that its text takes on the way to the customer.
    pub(super) parts: usize,
}

impl Expected {
    pub(super) fn new(route: Route, contact: &'static str, text: &'static str, end: End) -> Self {
        Self { route, contact, text, end, file: None, parts: 1 }
    }

    /// The same with a file.
    pub(super) fn with(self, file: MediaFile) -> Self {
        Self { file: Some(file), ..self }
    }

    /// The same in so many numbered parts.
    pub(super) fn in_parts(self, parts: usize) -> Self {
        Self { parts, ..self }
    }

    /// Whether the text of a message is this one's, or that of a part of it.
    pub(super) fn is_carried_by(&self, body: &str) -> bool {
        match self.parts {
            1 => body == self.text,
            many => (1..=many).any(|nth| part(body, nth, many).is_some_and(|text| self.text.contains(text))),
        }
    }

    /// Whether the texts of messages, in their order, are this one and nothing else.
    pub(super) fn is_whole_in(&self, bodies: &[&str]) -> bool {
        if self.parts == 1 {
            return bodies == [self.text];
        }
        let parts = (1..).zip(bodies).map(|(nth, body)| part(body, nth, self.parts));
        let texts: Option<Vec<&str>> = parts.collect();
        // Where it is cut the space between two words is lost.
        texts.is_some_and(|texts| {
            texts.iter().flat_map(|text| text.split_whitespace()).eq(self.text.split_whitespace())
        })
    }

    /// The name for a sentence: of a long text the beginning.
    pub(super) fn title(&self) -> String {
        match self.text.char_indices().nth(50) {
            Some((end, _)) => format!("{}…", &self.text[..end]),
            None => self.text.to_owned(),
        }
    }
}

/// The text of a part without its number.
fn part(body: &str, nth: usize, of: usize) -> Option<&str> {
    body.strip_prefix(&format!("({nth}/{of}) "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_whole_in_its_parts_in_order() {
        let whole = Expected::new(Route::Agent, "+1", "one two three", End::Delivered).in_parts(2);
        let [first, second] = ["(1/2) one two", "(2/2) three"];
        assert!(whole.is_carried_by(first) && whole.is_carried_by(second));
        assert!(!whole.is_carried_by("one two three") && !whole.is_carried_by("(1/2) four"));
        assert!(whole.is_whole_in(&[first, second]));
        for other in [&[second, first][..], &[first], &[first, "(2/2) thre"], &[]] {
            assert!(!whole.is_whole_in(other), "{other:?}");
        }
        let short = Expected::new(Route::Agent, "+1", "one", End::Delivered);
        assert!(short.is_whole_in(&["one"]) && !short.is_whole_in(&["one", "one"]));
    }
}
