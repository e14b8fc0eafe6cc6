//! Connecting, re-authorising and deleting a channel, and the signing of everything Front posts.

use chrono::Utc;
use serde_json::json;

use super::model::Channel;
use super::{Front, FrontError, auth};
use crate::locked;
use crate::outgoing::{Answer, SignedRequest, post};

/// A channel whose server has said yes.
#[derive(Clone, Debug)]
pub struct ConnectedChannel {
    /// `cha_…`.
    pub id: String,
    /// Where its requests go from now on.
    pub webhook_url: String,
    /// The whole answer.
    pub answer: Answer,
}

/// Why a channel could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The double does not know the app's server URL yet.
    #[error("no server URL is set")]
    NoServerUrl,
    /// The server said no, or nothing; its answer holds what the user would see.
    #[error("the server refused the channel: {:?} {}", answer.status, answer.text)]
    Refused {
        /// The whole answer.
        answer: Answer,
    },
    /// The server said yes without a usable `webhook_url`.
    #[error("the server named no usable webhook_url: {}", answer.text)]
    NoWebhookUrl {
        /// The whole answer.
        answer: Answer,
    },
}

impl Front {
    /// A Front user connects a channel with this API key: posts `authorization` to the server URL.
    pub async fn connect(&self, api_key: &str) -> Result<ConnectedChannel, ConnectError> {
        let id = self.core().ids.front("cha_");
        let address = format!("{id}@sandbox.front.test");
        self.authorize(&id, &address, api_key).await
    }

    /// The same for a channel with a chosen address, for example its phone number.
    pub async fn connect_as(&self, api_key: &str, address: &str) -> Result<ConnectedChannel, ConnectError> {
        let id = self.core().ids.front("cha_");
        self.authorize(&id, address, api_key).await
    }

    /// The user enters a new key: the same channel is authorised again. A refusal leaves it as it was.
    pub async fn reauthorize(&self, channel: &str, api_key: &str) -> Result<ConnectedChannel, ConnectError> {
        let address = locked(&self.inner.state).channel(channel).map(|known| known.address.clone());
        self.authorize(channel, &address.unwrap_or_default(), api_key).await
    }

    async fn authorize(&self, id: &str, address: &str, key: &str) -> Result<ConnectedChannel, ConnectError> {
        let url = locked(&self.inner.server_url).clone().ok_or(ConnectError::NoServerUrl)?;
        let body = json!({ "type": "authorization", "payload": { "channel_id": id } }).to_string();
        let answer = self.post_raw(&self.signed_request("POST", &url, Some(key), &body)).await;
        if answer.status != Some(200) || answer.json["type"] != "success" {
            return Err(ConnectError::Refused { answer });
        }
        let webhook_url = answer.json["webhook_url"].as_str().unwrap_or_default().to_owned();
        if url::Url::parse(&webhook_url).is_err() {
            return Err(ConnectError::NoWebhookUrl { answer });
        }
        let channel = Channel {
            id: id.to_owned(),
            address: address.to_owned(),
            api_key: key.to_owned(),
            webhook_url: webhook_url.clone(),
            status: "ok".to_owned(),
            deleted: false,
        };
        {
            let mut state = locked(&self.inner.state);
            state.channels.retain(|known| known.id != id);
            state.channels.push(channel);
        }
        self.core().changed("channel", id);
        Ok(ConnectedChannel { id: id.to_owned(), webhook_url, answer })
    }

    /// The user removes the channel: `DELETE` with a JSON body, signed like any other request.
    pub async fn delete_channel(&self, channel: &str) -> Result<Answer, FrontError> {
        let known = self.webhook_of(channel)?;
        let body = json!({ "type": "delete", "payload": { "channel_id": channel } }).to_string();
        let request = self.signed_request("DELETE", &known.webhook_url, Some(&known.api_key), &body);
        Ok(self.finish_delete(channel, &request).await)
    }

    /// The older form: `DELETE` without a body, signed with the word `undefined` in its place.
    pub async fn delete_channel_empty_body(&self, channel: &str) -> Result<Answer, FrontError> {
        let known = self.webhook_of(channel)?;
        let request = self.signed_request("DELETE", &known.webhook_url, Some(&known.api_key), "undefined");
        let request = request.with_body("").without_header("Content-Type");
        Ok(self.finish_delete(channel, &request).await)
    }

    /// Front removes the channel whatever the server says.
    async fn finish_delete(&self, channel: &str, request: &SignedRequest) -> Answer {
        let answer = self.post_raw(request).await;
        {
            let mut state = locked(&self.inner.state);
            let known = state.channels.iter_mut().find(|known| known.id == channel);
            if let Some(known) = known {
                known.deleted = true;
            }
        }
        self.core().changed("channel", channel);
        answer
    }

    /// A request with Front's headers: the user's credential, the time in milliseconds, the signature.
    pub fn signed_request(
        &self,
        method: &str,
        url: &str,
        api_key: Option<&str>,
        body: &str,
    ) -> SignedRequest {
        self.signed_request_at(method, url, api_key, body, Utc::now().timestamp_millis())
    }

    /// The same as if it were made at another time.
    pub fn signed_request_at(
        &self,
        method: &str,
        url: &str,
        api_key: Option<&str>,
        body: &str,
        timestamp_ms: i64,
    ) -> SignedRequest {
        let timestamp = timestamp_ms.to_string();
        let signature = auth::sign(&self.inner.options.app_secret, &timestamp, body);
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("X-Front-Request-Timestamp".to_owned(), timestamp),
            ("X-Front-Signature".to_owned(), signature),
        ];
        headers.extend(api_key.map(|key| ("Authorization".to_owned(), format!("Bearer {key}"))));
        SignedRequest { method: method.to_owned(), url: url.to_owned(), headers, body: body.to_owned() }
    }

    /// Posts a request as it is, without any effect on the double. For negative tests.
    pub async fn post_raw(&self, request: &SignedRequest) -> Answer {
        post(&self.core().client, request, self.inner.options.answer_timeout).await
    }
}
