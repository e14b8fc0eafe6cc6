//! The requests a double makes: signed beforehand, posted as they are, the answer kept.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::Operation;

/// A request ready to be posted, also more than once or tampered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedRequest {
    /// `POST`, `DELETE` or `GET`.
    pub method: String,
    /// The full address.
    pub url: String,
    /// All headers, with the signature.
    pub headers: Vec<(String, String)>,
    /// The bytes that were signed.
    pub body: String,
}

impl SignedRequest {
    /// The same request with this header set to this value.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> SignedRequest {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request without this header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> SignedRequest {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// The same headers, signature included, over another body.
    #[must_use]
    pub fn with_body(mut self, body: &str) -> SignedRequest {
        body.clone_into(&mut self.body);
        self
    }
}

/// What a server under test answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// The HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// The `Content-Type`, empty when there was none.
    pub content_type: String,
    /// The body.
    pub text: String,
    /// The body as JSON, null when it is not.
    pub json: Value,
    /// Why there is no answer.
    pub problem: Option<String>,
}

impl Answer {
    /// True for a 2xx status.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    pub(crate) fn missing(problem: impl Into<String>) -> Answer {
        Answer { problem: Some(problem.into()), ..Answer::default() }
    }
}

/// A callback of a double, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// What it announces.
    pub operation: Operation,
    /// The message it is about.
    pub about: String,
    /// What was posted.
    pub request: SignedRequest,
    /// The answer of every attempt; empty when the callback was lost.
    pub answers: Vec<Answer>,
    /// When the last attempt ended.
    pub at: DateTime<Utc>,
}

/// Posts one request. Redirects are not followed, as neither vendor's are documented to be.
pub(crate) async fn post(client: &reqwest::Client, request: &SignedRequest, timeout: Duration) -> Answer {
    let Ok(method) = request.method.parse::<reqwest::Method>() else {
        return Answer::missing(format!("{} is not an HTTP method", request.method));
    };
    let mut builder = client.request(method, &request.url).timeout(timeout);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    // No body at all differs from an empty one: a DELETE without a body carries no Content-Length.
    if !request.body.is_empty() || request.method == "POST" {
        builder = builder.body(request.body.clone());
    }
    match builder.send().await {
        Ok(response) => read(response).await,
        Err(error) => Answer::missing(problem(&error)),
    }
}

async fn read(response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    match response.text().await {
        Ok(text) => {
            let json = serde_json::from_str(&text).unwrap_or_default();
            Answer { status: Some(status), content_type, text, json, problem: None }
        }
        Err(error) => Answer::missing(problem(&error)),
    }
}

fn problem(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timeout".to_owned() } else { error.to_string() };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
