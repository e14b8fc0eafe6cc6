//! What an answer means that is no success, where a vendor gives a code and words for it.

use crate::codes::{Class, Codes};
use serde_json::Value;
use twinwire_core::connector::Call;
use twinwire_core::http::Answer;
use twinwire_core::outcome::{Outcome, Refusal, RefusalKind};
use twinwire_core::text::{clean_json, first_chars};

/// Characters of a vendor's words that are kept.
pub(crate) const LONGEST_WORDS: usize = 300;
/// Characters of an error's code that are kept; a genuine one has five.
const LONGEST_CODE: usize = 64;

/// What an unsuccessful answer says.
pub(crate) struct Fault {
    code: Option<String>,
    words: String,
}

/// What goes before the vendor's words, for the operator who has to mend it.
pub(crate) struct Leads {
    /// The credentials are refused.
    pub(crate) refused: &'static str,
    /// The account cannot pay.
    pub(crate) unpaid: &'static str,
    /// The credentials may not do this.
    pub(crate) forbidden: &'static str,
    /// There is no such message.
    pub(crate) no_message: &'static str,
    /// There is no such account.
    pub(crate) no_account: &'static str,
}

impl Fault {
    /// A code and words as the vendor wrote them.
    pub(crate) fn new(code: Option<String>, words: &str) -> Self {
        let code = code.map(|code| first_chars(&code, LONGEST_CODE));
        Self { code, words: first_chars(words, LONGEST_WORDS) }
    }

    /// What it means: by its code where that is known, else by the status line. The status that a body repeats is not
    /// looked at; it has been seen to differ.
    pub(crate) fn judge(self, call: &Call<'_>, answer: &Answer, codes: &Codes, leads: &Leads) -> Outcome {
        let class = self.code.as_deref().and_then(|code| codes.class(code));
        match (answer.status, class) {
            (429, _) | (_, Some(Class::RateLimit)) => {
                self.refused(RefusalKind::Throttled(answer.retry_after()), None)
            }
            (401, _) => self.refused(RefusalKind::Credentials, Some(leads.refused)),
            (408 | 500.., _) | (_, Some(Class::Ambiguous)) => unclear(call, &self.words),
            (300..400, _) => self.refused(RefusalKind::Later, None),
            (400..500, Some(Class::Balance)) => self.refused(RefusalKind::Credentials, Some(leads.unpaid)),
            (404, None | Some(Class::NotFound)) => self.not_found(call, leads),
            (403, None) => self.refused(RefusalKind::Credentials, Some(leads.forbidden)),
            (400..500, class) => {
                self.refused(class.and_then(Class::kind).unwrap_or(RefusalKind::Permanent), None)
            }
            _ => unclear(call, &self.words),
        }
    }

    /// What is not there: the message that was asked for, a page whose token has run out, or the account.
    fn not_found(self, call: &Call<'_>, leads: &Leads) -> Outcome {
        match call {
            Call::Fetch { .. } => self.refused(RefusalKind::Permanent, Some(leads.no_message)),
            Call::LookUp { page: Some(_), .. } | Call::List { page: Some(_), .. } => {
                self.refused(RefusalKind::Later, None)
            }
            _ => self.refused(RefusalKind::Credentials, Some(leads.no_account)),
        }
    }

    fn refused(self, kind: RefusalKind, lead: Option<&str>) -> Outcome {
        let message = lead.map_or(self.words.clone(), |lead| format!("{lead}: {}", self.words));
        Outcome::Refused(Refusal { kind, code: self.code, message: first_chars(&message, LONGEST_WORDS) })
    }
}

/// What nobody knows of a call that changes nothing is simply not done.
pub(crate) fn unclear(call: &Call<'_>, why: &str) -> Outcome {
    let why = first_chars(why, LONGEST_WORDS);
    if call.only_reads() { Outcome::Refused(Refusal::later(why)) } else { Outcome::Unknown(why) }
}

/// An answer's JSON, without the NUL characters that cannot be stored.
pub(crate) fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().map(clean_json)
}
