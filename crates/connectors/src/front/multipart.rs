//! A request with files: `multipart/form-data`, with the names that Front gives nested fields.

use serde_json::Value;
use twinwire_core::connector::{Attachment, Content};

/// The type of what has none.
const ANYTHING: &str = "application/octet-stream";

/// Writes `fields`, nested as they are, and the files. Gives the content type and the body.
///
/// By Front's documents nested names are in brackets, items of a list are counted, and files are `attachments[]`
/// (Channel API, sync-inbound-message, read 2026-11).
pub(super) fn write(fields: &Value, files: &[Attachment], nonce: u128) -> (String, Vec<u8>) {
    // Drawn at random for this request: nothing in a file can be taken for it.
    let boundary = format!("twinwire-{nonce:032x}");
    let mut body = Vec::new();
    for (name, value) in flat(fields) {
        part(&mut body, &boundary, &format!("name=\"{name}\""), None, value.as_bytes());
    }
    for file in files {
        if let Content::Bytes(bytes) = &file.content {
            let naming = format!("name=\"attachments[]\"; filename=\"{}\"", quoted(&file.name));
            part(&mut body, &boundary, &naming, Some(one_line(&file.content_type)), bytes);
        }
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn part(body: &mut Vec<u8>, boundary: &str, naming: &str, content_type: Option<&str>, content: &[u8]) {
    let kind = content_type.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
    let head = format!("--{boundary}\r\nContent-Disposition: form-data; {naming}\r\n{kind}\r\n");
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n");
}

/// A type that a header can hold: it is text from outside, and may be anything.
fn one_line(content_type: &str) -> &str {
    let plain = |b: u8| b == b' ' || b.is_ascii_graphic();
    if !content_type.is_empty() && content_type.bytes().all(plain) { content_type } else { ANYTHING }
}

/// A name as browsers write it (WHATWG HTML, multipart/form-data encoding algorithm).
fn quoted(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

/// The fields with their whole names.
fn flat(fields: &Value) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in fields.as_object().into_iter().flatten() {
        into(&mut out, name.clone(), value);
    }
    out
}

fn into(out: &mut Vec<(String, String)>, name: String, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (inner, value) in fields {
                into(out, format!("{name}[{inner}]"), value);
            }
        }
        Value::Array(items) => {
            for (nth, value) in items.iter().enumerate() {
                into(out, format!("{name}[{nth}]"), value);
            }
        }
        Value::Null => {}
        Value::String(text) => out.push((name, text.clone())),
        other => out.push((name, other.to_string())),
    }
}
