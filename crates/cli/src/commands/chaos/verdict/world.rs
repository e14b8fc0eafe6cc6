//! What both doubles hold, by conversation.

use super::super::stage::Stage;
use std::collections::HashMap;
use twinwire_sandbox::front::Message;
use twinwire_sandbox::signalwire::SmsMessage;

/// The messages of both sides.
pub(super) struct World {
    /// By Front's channel and the customer's number.
    front: HashMap<(String, String), Vec<Message>>,
    /// By our number and the customer's.
    signalwire: HashMap<(String, String), Vec<SmsMessage>>,
}

impl World {
    pub(super) fn look(stage: &Stage) -> Self {
        let (mut front, mut signalwire) = (HashMap::new(), HashMap::new());
        for line in &stage.lines {
            let named = stage.front.conversations(&line.inbox).into_iter().flat_map(|known| {
                let id = known.id.clone();
                known.external_ids.into_iter().map(move |external| (id.clone(), external))
            });
            let named: HashMap<String, String> = named.collect();
            for message in stage.front.all_messages(&line.inbox) {
                let Some(phone) = named.get(&message.conversation_id) else { continue };
                front.entry((line.inbox.clone(), phone.clone())).or_insert_with(Vec::new).push(message);
            }
        }
        for message in stage.signalwire.messages() {
            let key = (message.own_number().to_owned(), message.contact().to_owned());
            signalwire.entry(key).or_insert_with(Vec::new).push(message);
        }
        Self { front, signalwire }
    }

    /// A conversation as agents see it, in the order in which it came.
    pub(super) fn in_front(&self, inbox: &str, phone: &str) -> &[Message] {
        self.front.get(&(inbox.to_owned(), phone.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// A conversation as the provider has it, in the order in which it took the messages.
    pub(super) fn at_provider(&self, number: &str, phone: &str) -> &[SmsMessage] {
        self.signalwire.get(&(number.to_owned(), phone.to_owned())).map_or(&[], Vec::as_slice)
    }
}
