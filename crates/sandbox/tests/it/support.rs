//! The doubles as the tests want them, and a client with few words.

use std::time::Duration;

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use twinwire_sandbox::front::ConnectedChannel;
use twinwire_sandbox::{Front, FrontOptions, SignalWire, SignalWireOptions};

pub(crate) use crate::file_host::FileHost;
pub(crate) use crate::server::{Seen, Server};

pub(crate) const APP: &str = "app_uid_test";
pub(crate) const SECRET: &str = "app_secret_test";
pub(crate) const KEY: &str = "PSK_test";
pub(crate) const OURS: &str = "+15550100001";
pub(crate) const ADA: &str = "+15550100002";

/// Waits until something holds, for at most three seconds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..300 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never came true: {what}");
}

/// A Front double with one connected channel.
pub(crate) async fn front(server: &Server) -> (Front, ConnectedChannel) {
    let front = Front::start(FrontOptions {
        app_id: APP.into(),
        app_secret: SECRET.into(),
        server_url: Some(server.url.clone()),
        import_delay: Duration::from_millis(20),
        answer_timeout: Duration::from_millis(1500),
        ..FrontOptions::default()
    });
    let front = front.await.unwrap();
    let channel = front.connect_as("api-key-1", OURS).await.unwrap();
    (front, channel)
}

pub(crate) async fn signalwire(manual: bool) -> SignalWire {
    let options = SignalWireOptions { signing_key: KEY.into(), manual, ..SignalWireOptions::default() };
    let double = SignalWire::start(options).await.unwrap();
    double.add_number(OURS);
    double
}

pub(crate) fn token(secret: &str, app: &str, channel: &str, life_secs: i64) -> String {
    let exp = chrono::Utc::now().timestamp() + life_secs;
    let claims = json!({ "iss": app, "jti": "x", "sub": channel, "exp": exp });
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    format!("Bearer {}", jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap())
}

/// What a double answered.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

/// Sends a request; none when the connection ends without an answer.
pub(crate) async fn call(method: &str, url: &str, auth: &str, kind: &str, body: &str) -> Option<Got> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
    let request = client
        .request(method.parse().unwrap(), url)
        .header("authorization", auth)
        .header("content-type", kind)
        .body(body.to_owned());
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.ok()?;
    let json = serde_json::from_str(&text).unwrap_or_default();
    Some(Got { status, headers, text, json })
}

/// Calls the Channel API with a fresh token of a channel.
pub(crate) async fn as_channel(
    front: &Front,
    channel: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> Option<Got> {
    let auth = token(SECRET, APP, channel, 25);
    call(method, &format!("{}{path}", front.url()), &auth, "application/json", &body.to_string()).await
}

pub(crate) fn inbound(external_id: &str, text: &str) -> Value {
    let metadata = json!({ "external_id": external_id, "external_conversation_id": format!("with {ADA}") });
    json!({ "sender": { "handle": ADA, "name": "Ada" }, "body": text, "metadata": metadata })
}

pub(crate) async fn sync_inbound(front: &Front, channel: &str, external_id: &str, text: &str) -> Option<Got> {
    let path = format!("/channels/{channel}/inbound_messages");
    as_channel(front, channel, "POST", &path, &inbound(external_id, text)).await
}

pub(crate) fn basic(double: &SignalWire) -> String {
    basic_of(&double.options().project, &double.options().token)
}

pub(crate) fn basic_of(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

pub(crate) fn messages_url(double: &SignalWire) -> String {
    format!("{}/api/laml/2010-04-01/Accounts/{}/Messages", double.url(), double.options().project)
}

pub(crate) async fn send(double: &SignalWire, fields: &[(&str, &str)]) -> Option<Got> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let kind = "application/x-www-form-urlencoded";
    call("POST", &messages_url(double), &basic(double), kind, &body).await
}

/// Sends a text to Ada, whose fate is called back to the server.
pub(crate) async fn text_ada(double: &SignalWire, server: &Server, text: &str) -> Option<Got> {
    let callback = format!("{}/status?ref=1", server.url);
    send(double, &[("To", ADA), ("From", OURS), ("Body", text), ("StatusCallback", &callback)]).await
}

pub(crate) async fn list(double: &SignalWire, query: &str) -> Got {
    let url = format!("{}?{query}", messages_url(double));
    call("GET", &url, &basic(double), "text/plain", "").await.unwrap()
}

pub(crate) fn bodies(list: &Value) -> Vec<String> {
    let rows = list["messages"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["body"].as_str().unwrap_or_default().to_owned()).collect()
}
