//! Agents, customers and another application, each as they are in life: an agent sees an error and sends again, a customer
//! writes and knows nothing of servers.

use super::files::File;
use super::ledger::Taken;
use super::plan::{Ending, Planned, What};
use super::stage::{Conversation, Stage};
use super::tally::Tally;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use twinwire_sandbox::front::AgentMessage;
use twinwire_sandbox::{CustomerText, SignedRequest, Sms};

/// Wait of an agent before the same message is sent again.
const AGAIN: Duration = Duration::from_millis(100);
/// How often somebody who waits for a kill looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Everybody who writes.
pub(super) struct Traffic {
    pub(super) stage: Arc<Stage>,
    pub(super) tally: Arc<Tally>,
    /// The agents of a conversation write one after the other: what they sent last has been taken when they go on.
    turns: Vec<Arc<Mutex<()>>>,
}

impl Traffic {
    pub(super) fn new(stage: Arc<Stage>, tally: Arc<Tally>) -> Arc<Self> {
        let turns = stage.conversations.iter().map(|_| Arc::default()).collect();
        Arc::new(Self { stage, tally, turns })
    }

    /// Puts everything in at its time, and no sooner than the kills that go before: of two halves of the messages each
    /// meets half of the kills, however long a start takes on this machine. Done when the last message has been taken.
    pub(super) async fn run(self: Arc<Self>, messages: Vec<Planned>, kills: u32) -> anyhow::Result<()> {
        let (mut began, mut people) = (Instant::now(), JoinSet::new());
        let all = messages.len().max(1);
        for (nth, planned) in messages.into_iter().enumerate() {
            sleep_until(began + planned.at).await;
            let waiting = Instant::now();
            // The last twentieth of the kills comes after the last message.
            while self.tally.now().kills() < nth * kills as usize * 19 / 20 / all {
                sleep(LOOK_EVERY).await;
            }
            began += waiting.elapsed();
            people.spawn(Arc::clone(&self).put_in(planned.what));
            while let Some(done) = people.try_join_next() {
                done??;
            }
        }
        while let Some(done) = people.join_next().await {
            done??;
        }
        self.tally.count(|counts| counts.all_put_in = true);
        Ok(())
    }

    async fn put_in(self: Arc<Self>, what: What) -> anyhow::Result<()> {
        let mut messages = 1;
        match what {
            What::Agent { to, text, files, ending } => {
                messages = to.len();
                self.agent(&to, text, files, ending).await?;
            }
            What::Customer { from, text, files, text_in_a_part } => {
                let (sms, phone, number) = self.ends(from);
                let text = CustomerText::new(phone, number, &text);
                let text = if text_in_a_part { text.text_in_a_part() } else { text };
                let text = files.iter().map(File::to_send).fold(text, CustomerText::with);
                sms.customer_sends(text).await;
            }
            What::Application { to, text } => {
                let (sms, phone, number) = self.ends(to);
                sms.foreign_send(number, phone, &text);
            }
            What::Stranger { which } => {
                let line = self.stage.line_of_stranger(which);
                let sms = &self.stage.provider(line).sms;
                sms.customer_texts(&stranger(which), &line.number, &first_text(which)).await;
                messages = 0;
            }
        }
        self.tally.count(|counts| counts.put_in += messages);
        Ok(())
    }

    /// The provider's double, the customer and the number of a conversation.
    fn ends(&self, conversation: usize) -> (&Sms, &str, &str) {
        let conversation = &self.stage.conversations[conversation];
        let line = self.stage.line(conversation);
        (&self.stage.provider(line).sms, &conversation.phone, &line.number)
    }

    /// Front's signatures are good for minutes; whoever sends later signs again.
    fn signed_anew(&self, request: &SignedRequest) -> SignedRequest {
        let SignedRequest { method, url, headers, body } = request;
        let key = headers.iter().find(|(name, _)| name == "Authorization");
        let key = key.and_then(|(_, value)| value.strip_prefix("Bearer "));
        self.stage.doubles.front.signed_request(method, url, key, body)
    }

    async fn agent(
        &self,
        to: &[usize],
        text: String,
        files: Vec<File>,
        ending: Ending,
    ) -> anyhow::Result<()> {
        // Always in the same order, so that no two agents wait for each other.
        let mut sorted = to.to_vec();
        sorted.sort_unstable();
        let mut turns = Vec::new();
        for at in sorted {
            turns.push(Arc::clone(&self.turns[at]).lock_owned().await);
        }
        let conversations: Vec<&Conversation> = to.iter().map(|at| &self.stage.conversations[*at]).collect();
        let inbox = &self.stage.line(conversations[0]).inbox;
        let phones: Vec<&str> = conversations.iter().map(|known| known.phone.as_str()).collect();
        let front = &self.stage.doubles.front;
        let message = match phones.as_slice() {
            [phone] => AgentMessage::reply(phone),
            phones => AgentMessage::to(phones),
        };
        let message = files.iter().map(File::to_send).fold(message.text(&text), AgentMessage::with);
        let mut order = front.order_of(inbox, message)?;
        let sent = loop {
            let sent = front.post(&order).await?;
            if sent.answer.is_success() {
                break sent;
            }
            sleep(AGAIN).await;
            order.request = self.signed_anew(&order.request);
        };
        let id = sent.message.id.unwrap_or_default();
        for (nth, at) in to.iter().enumerate() {
            let (id, uid, text) = (id.clone(), order.message_uid.clone(), text.clone());
            let files = files.clone();
            self.stage.ledger.take(*at, Taken { id, uid, text, files, ending, at_home: nth == 0 });
        }
        Ok(())
    }
}

/// The number of somebody of whom nobody has heard.
pub(super) fn stranger(which: usize) -> String {
    format!("+1646{:07}", 2_000_000 + which)
}

/// What they write.
pub(super) fn first_text(which: usize) -> String {
    format!("stranger {which}: is this the right number?")
}
