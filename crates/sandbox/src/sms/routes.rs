//! The Messages API: who may call what.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Sms;
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

pub(super) fn router(double: Sms) -> Router {
    Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(double)
}

async fn answer(State(double): State<Sms>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_BODY).await else {
        return (double.inner.dialect.error)(413, 0, "Request entity too large");
    };
    let dialect = double.inner.dialect;
    let (operation, account, sid) = place(dialect.root, &parts.method, parts.uri.path());
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
    let perform = double.perform(&parts.headers, operation, &account, &call);
    let response = double.core().respond(exchange, fault, dialect.error, perform).await;
    if dialect.suffix && parts.uri.path().strip_suffix(".json").is_none() {
        as_xml(&response)
    } else {
        response
    }
}

/// What a vendor answers who does not ask for JSON.
fn as_xml(response: &Response) -> Response {
    let text = "<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse/>";
    (response.status(), [(header::CONTENT_TYPE, "application/xml")], text).into_response()
}

/// The operation, the account and the message that a path names.
fn place(root: &str, method: &Method, path: &str) -> (Option<Operation>, String, String) {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let path = decoded.strip_suffix(".json").unwrap_or(&decoded);
    let segments: Vec<&str> = path.strip_prefix(root).unwrap_or_default().split('/').skip(1).collect();
    let ["Accounts", account, "Messages", rest @ ..] = segments.as_slice() else {
        return (None, String::new(), String::new());
    };
    let (operation, sid) = match (method.as_str(), rest) {
        ("POST", []) => (Some(Operation::SendMessage), ""),
        ("GET", []) => (Some(Operation::ListMessages), ""),
        ("GET", [sid]) => (Some(Operation::FetchMessage), *sid),
        _ => (None, ""),
    };
    (operation, (*account).to_owned(), sid.to_owned())
}

impl Sms {
    async fn perform(
        &self,
        headers: &HeaderMap,
        operation: Option<Operation>,
        account: &str,
        call: &Call,
    ) -> Result<Response, Refusal> {
        if !self.admits(headers) {
            return Err(refused(401, 20003, self.inner.dialect.unauthorized));
        }
        let operation = operation.filter(|_| account == self.inner.setup.account);
        match operation {
            Some(Operation::SendMessage) => self.send(call).await,
            Some(Operation::ListMessages) => self.list(call),
            Some(Operation::FetchMessage) => {
                let state = locked(&self.inner.state);
                let message =
                    state.message(&call.sid).map(|message| (self.inner.dialect.resource)(message, account));
                let message = message.ok_or_else(|| refused(404, 20404, "The message was not found"))?;
                Ok(json_response(StatusCode::OK, &message))
            }
            _ => Err(refused(404, 20404, "The requested resource was not found")),
        }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given =
            header.and_then(|value| value.strip_prefix("Basic ")).and_then(|text| STANDARD.decode(text).ok());
        let is =
            |(name, password): &(String, String)| Some(format!("{name}:{password}").into_bytes()) == given;
        self.inner.setup.callers.iter().any(is)
    }
}

pub(crate) fn json_response(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
