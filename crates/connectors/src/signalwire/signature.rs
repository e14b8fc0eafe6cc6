//! What SignalWire signs of a form. The hex scheme of another of its surfaces (SWML) is not believed here.

use crate::signature;
use twinwire_core::connector::Unverified;
use twinwire_core::http::Hook;

/// Checks the signature `given` with a hook.
pub(super) fn check(hook: &Hook<'_>, key: &str, given: &str) -> Result<(), Unverified> {
    signature::check(hook, key, given, signed)
}

/// Names and values in the byte order of the names; a name that comes again keeps its order and every repeat.
fn signed(mut fields: Vec<(String, String)>) -> String {
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    fields.iter().flat_map(|(name, value)| [name.as_str(), value]).collect()
}
