//! Reads the body of a sync request: JSON, or multipart with its bracketed field names.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart};
use axum::http::request::Parts;
use axum::http::{Request, header};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::file::MediaFile;

/// A body as JSON, with the files that came beside it.
#[derive(Default)]
pub(crate) struct Parsed {
    pub(crate) value: Value,
    pub(crate) files: Vec<MediaFile>,
}

pub(crate) async fn parse(parts: &Parts, bytes: &Bytes) -> Result<Parsed, String> {
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        return multipart(kind, parts, bytes).await;
    }
    if !kind.starts_with("application/json") {
        return Err(format!("Content-Type {kind} is not supported"));
    }
    // Files named in JSON are dropped without a word, as integrators of Front report.
    let value = serde_json::from_slice(bytes).map_err(|error| format!("Body is not JSON: {error}"))?;
    Ok(Parsed { value, files: Vec::new() })
}

async fn multipart(kind: &str, parts: &Parts, bytes: &Bytes) -> Result<Parsed, String> {
    let request = Request::builder().header(header::CONTENT_TYPE, kind).body(Body::from(bytes.clone()));
    let mut request = request.map_err(|error| error.to_string())?;
    // With them comes that there is no limit but Front's own, which is far above axum's.
    *request.extensions_mut() = parts.extensions.clone();
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| error.body_text())?;
    let mut parsed = Parsed { value: json!({}), files: Vec::new() };
    while let Some(field) = form.next_field().await.map_err(|error| error.body_text())? {
        let name = field.name().unwrap_or_default().to_owned();
        let (filename, media) =
            (field.file_name().map(str::to_owned), field.content_type().map(str::to_owned));
        if name == "attachments" || name.starts_with("attachments[") {
            let (Some(filename), Some(content_type)) = (filename, media) else {
                return Err(format!("{name} needs a filename and a Content-Type"));
            };
            let bytes = field.bytes().await.map_err(|error| error.body_text())?;
            parsed.files.push(MediaFile::new(&filename, &content_type, bytes));
        } else {
            let text = field.text().await.map_err(|error| error.body_text())?;
            let number = (name == "delivered_at").then(|| text.parse::<i64>().ok()).flatten();
            let value = number.map_or(Value::String(text), Value::from);
            set(&mut parsed.value, &keys(&name), value);
        }
    }
    Ok(parsed)
}

/// `to[0][handle]` as `to`, `0`, `handle`.
fn keys(name: &str) -> Vec<&str> {
    name.split('[').map(|part| part.trim_end_matches(']')).collect()
}

/// Sets a value deep in an object; a key that is a number or empty makes an array.
fn set(target: &mut Value, keys: &[&str], value: Value) {
    let Some((key, rest)) = keys.split_first() else {
        *target = value;
        return;
    };
    let slot = if key.is_empty() || key.parse::<usize>().is_ok() {
        if !target.is_array() {
            *target = Value::Array(Vec::new());
        }
        let Some(list) = target.as_array_mut() else { return };
        // Only the next place is made: an index far off is taken for the next one.
        let at = key.parse::<usize>().unwrap_or(usize::MAX).min(list.len());
        if at == list.len() {
            list.push(Value::Null);
        }
        list.get_mut(at)
    } else {
        if !target.is_object() {
            *target = Value::Object(Map::new());
        }
        target.as_object_mut().map(|object| object.entry((*key).to_owned()).or_insert(Value::Null))
    };
    if let Some(slot) = slot {
        set(slot, rest, value);
    }
}
