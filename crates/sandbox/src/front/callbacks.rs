//! What follows an accepted sync: the message gets its id, and `message_imported` tells the server.

use std::sync::Arc;

use chrono::Utc;
use serde_json::json;

use super::Front;
use super::agent::conversation_ids;
use super::payload::{self, View};
use crate::dispatch::Outgoing;
use crate::locked;
use crate::misbehaviour::{Operation, Stage};

impl Front {
    /// Processes an accepted message: at once when the fault says so, otherwise after the usual delay.
    pub(crate) async fn import(&self, uid: &str) {
        let message = locked(&self.inner.state).message(uid).cloned();
        let early = message.and_then(|m| self.fault_for(Stage::Early, Operation::MessageImported, &m));
        if early.is_some() {
            if let Some(out) = self.imported(uid) {
                self.core().deliver(out).await;
            }
            return;
        }
        let (front, uid) = (self.clone(), uid.to_owned());
        self.core().background.spawn(async move {
            tokio::time::sleep(front.inner.options.import_delay).await;
            if let Some(out) = front.imported(&uid) {
                Arc::clone(front.core()).dispatch(out).await;
            }
        });
    }

    /// Gives the message its id and makes the notice; none when the channel is gone by now.
    fn imported(&self, uid: &str) -> Option<Outgoing> {
        let id = self.core().ids.front("msg_");
        let (message, channel, threads) = {
            let mut state = locked(&self.inner.state);
            let message = state.message_mut(uid)?;
            message.id = Some(id);
            message.visible_at_ms = message.visible_at_ms.max(Utc::now().timestamp_millis());
            let message = message.clone();
            let channel = state.channel(&message.channel_id).filter(|known| !known.deleted)?.clone();
            let threads = state.conversation(&channel.id, &message.conversation_id)?.external_ids.clone();
            (message, channel, threads)
        };
        self.core().changed("message", uid);
        let body = json!({
            "type": "message_imported",
            "payload": payload::message(&message, &self.url(), View::Channel),
            "metadata": conversation_ids(&threads),
        });
        let request =
            self.signed_request("POST", &channel.webhook_url, Some(&channel.api_key), &body.to_string());
        Some(Outgoing {
            operation: Operation::MessageImported,
            about: uid.to_owned(),
            handle: message.contact().to_owned(),
            text: message.text,
            request,
            // Whether Front tries again is not documented, so it does not here.
            attempts: 1,
            timeout: self.inner.options.answer_timeout,
            judge: |_| None,
        })
    }
}
