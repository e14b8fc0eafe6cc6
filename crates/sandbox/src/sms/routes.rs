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
use crate::storage::Way;

const LARGEST_BODY: usize = 1024 * 1024;

/// A request, taken apart.
pub(crate) struct Call {
    pub(crate) sid: String,
    pub(crate) media: Option<String>,
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
    let Place { operation, account, sid, media } = place(dialect.root, &parts.method, parts.uri.path());
    let source =
        if parts.method == Method::GET { parts.uri.query().unwrap_or_default().as_bytes() } else { &bytes };
    let call = Call { sid, media, fields: form_urlencoded::parse(source).into_owned().collect() };
    let (handle, text) = double.described(operation, &call);
    let fault = operation.and_then(|op| double.core().faults.take(Stage::Answer, op, &handle, &text));
    let exchange = Exchange {
        operation,
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        cut,
    };
    let perform = double.perform(&parts.headers, operation, &account, &call);
    let response = double.core().respond(exchange, fault, dialect.error, perform).await;
    let sent = response.status().is_success() || response.status().is_redirection();
    let is_file = operation == Some(Operation::FetchMedia) && sent;
    if dialect.suffix && !is_file && parts.uri.path().strip_suffix(".json").is_none() {
        as_xml(&response)
    } else {
        response
    }
}

/// What a vendor answers who does not ask for JSON.
fn as_xml(response: &Response) -> Response {
    let text = "<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse/>";
    let mut xml = (response.status(), [(header::CONTENT_TYPE, "application/xml")], text).into_response();
    if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
        xml.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    xml
}

/// The operation, the account, the message and the file that a path names.
#[derive(Default)]
struct Place {
    operation: Option<Operation>,
    account: String,
    sid: String,
    media: Option<String>,
}

fn place(root: &str, method: &Method, path: &str) -> Place {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let (path, json) = match decoded.strip_suffix(".json") {
        Some(path) => (path, true),
        None => (&*decoded, false),
    };
    let segments: Vec<&str> = path.strip_prefix(root).unwrap_or_default().split('/').skip(1).collect();
    if let ["Accounts", account, "IncomingPhoneNumbers", rest @ ..] = segments.as_slice() {
        let (operation, sid) = match (method.as_str(), rest) {
            ("GET", []) => (Some(Operation::ListNumbers), ""),
            ("POST", [sid]) => (Some(Operation::UpdateNumber), *sid),
            _ => (None, ""),
        };
        return Place { operation, account: (*account).to_owned(), sid: sid.to_owned(), media: None };
    }
    let ["Accounts", account, "Messages", rest @ ..] = segments.as_slice() else {
        return Place::default();
    };
    let (operation, sid, media) = match (method.as_str(), rest) {
        ("POST", []) => (Some(Operation::SendMessage), "", None),
        ("GET", []) => (Some(Operation::ListMessages), "", None),
        ("GET", [sid]) => (Some(Operation::FetchMessage), *sid, None),
        ("GET", [sid, "Media"]) => (Some(Operation::ListMedia), *sid, None),
        ("GET", [sid, "Media", media]) if json => (Some(Operation::ListMedia), *sid, Some(*media)),
        ("GET", [sid, "Media", media]) => (Some(Operation::FetchMedia), *sid, Some(*media)),
        _ => (None, "", None),
    };
    let (account, sid, media) = ((*account).to_owned(), sid.to_owned(), media.map(str::to_owned));
    Place { operation, account, sid, media }
}

impl Sms {
    /// The customer's handle and the text of a request, for the predicates of rules.
    fn described(&self, operation: Option<Operation>, call: &Call) -> (String, String) {
        if matches!(operation, Some(Operation::ListMedia | Operation::FetchMedia)) {
            let state = locked(&self.inner.state);
            let message = state.message(&call.sid);
            return message.map(|m| (m.contact().to_owned(), m.body.clone())).unwrap_or_default();
        }
        let field = |name: &str| call.field(name).unwrap_or_default().to_owned();
        (field("To"), field("Body"))
    }

    async fn perform(
        &self,
        headers: &HeaderMap,
        operation: Option<Operation>,
        account: &str,
        call: &Call,
    ) -> Result<Response, Refusal> {
        let public = operation == Some(Operation::FetchMedia)
            && matches!(self.inner.dialect.media_way, Way::Itself)
            && !self.inner.setup.protects_media;
        if !public && !self.admits(headers) {
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
            Some(Operation::ListMedia) => self.list_media(call),
            Some(Operation::FetchMedia) => self.fetch_media(call),
            Some(Operation::ListNumbers) => Ok(self.list_numbers(call)),
            Some(Operation::UpdateNumber) => self.update_number(call),
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
