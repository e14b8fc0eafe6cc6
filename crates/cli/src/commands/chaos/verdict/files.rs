//! Files as the doubles hold them, and what befell the requests for them.

use super::super::files::File;
use std::collections::HashMap;
use twinwire_sandbox::signalwire::SmsMessage;
use twinwire_sandbox::{LoggedRequest, Operation};

/// A file that a double has.
pub(super) fn as_it_is(content_type: &str, bytes: &[u8]) -> File {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_owned();
    File { kind, bytes: bytes.to_vec() }
}

/// How many requests met a fault: by the message whose files they were for, or by the place of one in the storage.
#[derive(Debug, Default)]
pub(super) struct Struck(HashMap<String, usize>);

pub(super) fn struck(requests: &[LoggedRequest]) -> Struck {
    let mut all = Struck::default();
    for request in requests.iter().filter(|request| request.fault.is_some()) {
        let about = match request.operation {
            Some(Operation::ListMedia | Operation::FetchMedia) => {
                request.path.split('/').skip_while(|part| *part != "Messages").nth(1)
            }
            Some(Operation::FetchStored) => Some(request.path.as_str()),
            _ => None,
        };
        *all.0.entry(about.unwrap_or_default().to_owned()).or_default() += 1;
    }
    all
}

impl Struck {
    /// How many of those for the files of a message.
    pub(super) fn of(&self, message: &SmsMessage) -> usize {
        let stored = message.media.iter().filter_map(|file| url::Url::parse(&file.stored_url).ok());
        let stored: usize = stored.filter_map(|url| self.0.get(&url[url::Position::BeforePath..])).sum();
        stored + self.0.get(&message.sid).copied().unwrap_or(0)
    }
}

/// What a double's client says where an answer did not come, or not whole.
const NO_ANSWER: [&str; 3] =
    ["error sending request", "error decoding response body", "request or response body error"];

/// Whether a provider could not fetch a file because nobody answered, as happens when a worker dies or stands still. An
/// answer that it could do nothing with is another matter: our addresses are good, and so is what they serve.
pub(super) fn was_not_answered(problem: &str) -> bool {
    NO_ANSWER.iter().any(|words| problem.contains(words))
}

/// What it means that requests with credentials came to a storage, which is somebody else's.
pub(super) fn credentials_at(vendor: &str, count: usize) -> Option<String> {
    (count > 0).then(|| format!("{count} requests with credentials came to the storage of {vendor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_refused_was_answered() {
        assert!(was_not_answered("http://x/1: error sending request for url (http://x/1)"));
        for problem in
            ["http://x/1: 404 Not Found", "http://x/1: type \"text/html\"", "http://x/1: more than 5 bytes"]
        {
            assert!(!was_not_answered(problem), "{problem}");
        }
    }
}
