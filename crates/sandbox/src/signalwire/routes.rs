//! The Messages API: who may call what, and the form of `SignalWire`'s errors.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::SignalWire;
use crate::core::{Exchange, Refusal, refused};
use crate::locked;
use crate::misbehaviour::{Operation, Stage};
use crate::serve::Cut;

const LARGEST_BODY: usize = 1024 * 1024;

/// A request, taken apart.
pub(crate) struct Call {
    pub(crate) sid: String,
    /// Of the query for lists, of the form for sends.
    pub(crate) fields: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }
}

pub(super) fn router(double: SignalWire) -> Router {
    Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(double)
}

async fn answer(
    State(double): State<SignalWire>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_BODY).await else {
        return error(413, 0, "Request entity too large");
    };
    let (operation, project, sid) = place(&parts.method, parts.uri.path());
    let source =
        if parts.method == Method::GET { parts.uri.query().unwrap_or_default().as_bytes() } else { &bytes };
    let call = Call { sid, fields: form_urlencoded::parse(source).into_owned().collect() };
    let handle = call.field("To").unwrap_or_default();
    let text = call.field("Body").unwrap_or_default();
    let fault = operation.and_then(|op| double.core().faults.take(Stage::Answer, op, handle, text));
    let exchange = Exchange {
        operation,
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        cut,
    };
    let perform = double.perform(&parts.headers, operation, &project, &call);
    double.core().respond(exchange, fault, error, perform).await
}

/// The operation, the project and the message that a path names. The path without `/api/laml` is gone since
/// 2025, so it is unknown here too.
fn place(method: &Method, path: &str) -> (Option<Operation>, String, String) {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let path = decoded.strip_suffix(".json").unwrap_or(&decoded);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let ["api", "laml", "2010-04-01", "Accounts", project, "Messages", rest @ ..] = segments.as_slice()
    else {
        return (None, String::new(), String::new());
    };
    let (operation, sid) = match (method.as_str(), rest) {
        ("POST", []) => (Some(Operation::SendMessage), ""),
        ("GET", []) => (Some(Operation::ListMessages), ""),
        ("GET", [sid]) => (Some(Operation::FetchMessage), *sid),
        _ => (None, ""),
    };
    (operation, (*project).to_owned(), sid.to_owned())
}

impl SignalWire {
    async fn perform(
        &self,
        headers: &HeaderMap,
        operation: Option<Operation>,
        project: &str,
        call: &Call,
    ) -> Result<Response, Refusal> {
        if !self.admits(headers) {
            return Err(refused(401, 20003, "Unauthorized"));
        }
        let operation = operation.filter(|_| project == self.inner.options.project);
        match operation {
            Some(Operation::SendMessage) => self.send(call).await,
            Some(Operation::ListMessages) => self.list(call),
            Some(Operation::FetchMessage) => {
                let state = locked(&self.inner.state);
                let message = state.message(&call.sid).map(|message| message.json(project));
                let message = message.ok_or_else(|| refused(404, 20404, "The message was not found"))?;
                Ok(json_response(StatusCode::OK, &message))
            }
            _ => Err(refused(404, 20404, "The requested resource was not found")),
        }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let options = &self.inner.options;
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given =
            header.and_then(|value| value.strip_prefix("Basic ")).and_then(|text| STANDARD.decode(text).ok());
        given.is_some_and(|given| given == format!("{}:{}", options.project, options.token).into_bytes())
    }
}

/// The error envelope: as documented with numbers for `code` and `status`, and for a refused send as it has
/// been seen in the field, with the code as a string and 422 on the status line over 400 in the body.
pub(crate) fn error(status: u16, code: i64, message: &str) -> Response {
    let (told, shown) = if status == 422 { (400, json!(code.to_string())) } else { (status, json!(code)) };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let more = format!("https://developer.signalwire.com/errors/{code}");
    json_response(status, &json!({ "code": shown, "message": message, "more_info": more, "status": told }))
}

pub(crate) fn json_response(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
