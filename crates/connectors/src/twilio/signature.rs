//! What Twilio signs of a form. A request without a body is signed by its URL alone.

use crate::signature;
use std::collections::BTreeSet;
use twinwire_core::connector::Unverified;
use twinwire_core::http::Hook;

/// Checks the signature `given` with a hook.
pub(super) fn check(hook: &Hook<'_>, key: &str, given: &str) -> Result<(), Unverified> {
    if is_get(hook) {
        signature::check_url(hook, key, given)
    } else {
        signature::check(hook, key, given, signed)
    }
}

/// Whether the fields stand in the query: a number's webhook can be set to GET.
pub(super) fn is_get(hook: &Hook<'_>) -> bool {
    hook.method.eq_ignore_ascii_case("GET")
}

/// Names and values in byte order; a name that comes again is written before each of its different values.
fn signed(fields: Vec<(String, String)>) -> String {
    let different: BTreeSet<_> = fields.into_iter().collect();
    different.into_iter().flat_map(|(name, value)| [name, value]).collect()
}
