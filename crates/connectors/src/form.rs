//! What a webhook carries, as a form or as JSON.

use serde_json::{Map, Value};
use twinwire_core::connector::Unreadable;
use twinwire_core::http::Hook;
use twinwire_core::text::clean_json;

/// Whether a hook carries a form. One that does not say what it carries can be nothing else.
pub(crate) fn is_form(hook: &Hook<'_>) -> bool {
    hook.header("content-type").is_none_or(|content_type| {
        let kind = content_type.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// The fields of a form, in order, decoded.
pub(crate) fn fields(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// What a hook carries, as a JSON object.
pub(crate) fn payload(hook: &Hook<'_>) -> Result<Value, Unreadable> {
    let payload = if is_form(hook) { object(fields(hook.body)) } else { json(hook.body)? };
    Ok(clean_json(payload))
}

fn json(body: &[u8]) -> Result<Value, Unreadable> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Unreadable("the body is not a JSON object".to_owned())),
        Err(_) => Err(Unreadable("the body is neither a form nor JSON".to_owned())),
    }
}

/// A form as an object. A name that comes again gets a list.
pub(crate) fn object(fields: Vec<(String, String)>) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        let value = Value::String(value);
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}
