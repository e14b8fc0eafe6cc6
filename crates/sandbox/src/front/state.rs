//! The rooms of a Front double: channels, conversations and messages.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ids::Ids;

use super::model::{Channel, Conversation, Message};

#[derive(Default)]
pub(crate) struct State {
    pub(crate) channels: Vec<Channel>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) messages: Vec<Message>,
    seq: u64,
    spent: VecDeque<Instant>,
}

impl State {
    pub(crate) fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// A conversation of a channel by its own id or by any of its external ones.
    pub(crate) fn conversation(&self, channel: &str, id: &str) -> Option<&Conversation> {
        let named = |known: &&Conversation| known.id == id || known.external_ids.iter().any(|e| e == id);
        self.conversations.iter().filter(|known| known.channel_id == channel).find(named)
    }

    pub(crate) fn conversation_mut(&mut self, id: &str) -> Option<&mut Conversation> {
        self.conversations.iter_mut().find(|known| known.id == id)
    }

    pub(crate) fn message_mut(&mut self, uid: &str) -> Option<&mut Message> {
        self.messages.iter_mut().rev().find(|message| message.message_uid == uid)
    }

    pub(crate) fn message(&self, uid: &str) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.message_uid == uid)
    }

    /// The conversation that has this external id, begun if there is none.
    pub(crate) fn thread(
        &mut self,
        ids: &Ids,
        channel: &str,
        external: Option<&str>,
        who: &[&str],
    ) -> String {
        let known = external.and_then(|id| self.conversation(channel, id)).map(|known| known.id.clone());
        let id = known.unwrap_or_else(|| {
            let id = ids.front("cnv_");
            self.conversations.push(Conversation {
                id: id.clone(),
                channel_id: channel.to_owned(),
                external_ids: external.map(str::to_owned).into_iter().collect(),
                contacts: Vec::new(),
                reopened: 0,
            });
            id
        });
        if let Some(conversation) = self.conversation_mut(&id) {
            for handle in who {
                if !conversation.contacts.iter().any(|known| known == handle) {
                    conversation.contacts.push((*handle).to_owned());
                }
            }
        }
        id
    }

    /// Appends in order of arrival.
    pub(crate) fn add(&mut self, mut message: Message) {
        self.seq += 1;
        message.seq = self.seq;
        self.messages.push(message);
    }

    /// Takes the ids a server answered for an agent's message. When the named thread is another
    /// conversation, the message moves there, as Front threads by the external id.
    pub(crate) fn settle(&mut self, uid: &str, external_id: &str, external_conversation: &str) {
        let Some(message) = self.message(uid) else { return };
        let (channel, own) = (message.channel_id.clone(), message.conversation_id.clone());
        let contact = message.contact().to_owned();
        let thread = self.conversation(&channel, external_conversation).map(|known| known.id.clone());
        if let Some(message) = self.message_mut(uid) {
            message.external_id = Some(external_id.to_owned());
            message.error = None;
        }
        match thread {
            Some(thread) if thread == own => {}
            Some(thread) => {
                if let Some(message) = self.message_mut(uid) {
                    message.conversation_id.clone_from(&thread);
                }
                if let Some(known) = self.conversation_mut(&thread)
                    && !known.contacts.contains(&contact)
                {
                    known.contacts.push(contact);
                }
                if !self.messages.iter().any(|message| message.conversation_id == own) {
                    self.conversations.retain(|known| known.id != own);
                }
            }
            None => {
                if let Some(conversation) = self.conversation_mut(&own) {
                    conversation.external_ids.push(external_conversation.to_owned());
                }
            }
        }
    }

    /// Counts a request; returns how many the last minute has seen, this one included.
    pub(crate) fn spend(&mut self) -> usize {
        let now = Instant::now();
        while self.spent.front().is_some_and(|at| now.duration_since(*at) > Duration::from_mins(1)) {
            self.spent.pop_front();
        }
        self.spent.push_back(now);
        self.spent.len()
    }
}
