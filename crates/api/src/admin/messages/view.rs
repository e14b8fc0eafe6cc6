//! A message as it stands.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use twinwire_core::explain::{self, Next};
use twinwire_core::media::Medium;
use twinwire_core::model::{Begun, BoundBy, Direction, Message, Parked, Side, Status, Told};
use twinwire_core::parts::Part;
use twinwire_core::plan::Action;
use twinwire_engine::converge::Outlook;
use utoipa::ToSchema;

/// A message, with both ids and how far it has got.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    /// Its number.
    pub message: i64,
    /// Its channel.
    pub channel: String,
    /// Our id, unique in the channel.
    pub external_id: String,
    /// Where it was born: `helpdesk` or `provider`. The other side is where it is to be delivered.
    #[schema(value_type = String, example = "helpdesk")]
    pub origin: Side,
    /// `inbound` (from the customer) or `outbound`.
    #[schema(value_type = String, example = "outbound")]
    pub direction: Direction,
    /// The customer's number.
    pub conversation: String,
    /// From.
    pub sender: String,
    /// To.
    pub recipient: String,
    /// The text, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<String>,
    /// When its text was let go: it was erased, or not to be kept any longer.
    pub emptied_at: Option<DateTime<Utc>>,
    /// Its files: where the vendor has each, what it is, and whether we have it.
    #[schema(value_type = Vec<Object>)]
    pub media: Vec<Medium>,
    /// Which part of the helpdesk's message it is, `{"nth": 1, "of": 1}` where it is the whole.
    #[schema(value_type = Object)]
    pub part: Part,
    /// When it was written.
    pub occurred_at: DateTime<Utc>,
    /// When we first learnt of it.
    pub seen_at: DateTime<Utc>,
    /// The helpdesk's id.
    pub helpdesk_message_id: Option<String>,
    /// The provider's id.
    pub provider_message_id: Option<String>,
    /// How sure the provider's id is: `echo`, `reference` or `answer`.
    #[schema(value_type = Option<String>, example = "reference")]
    pub bound_by: Option<BoundBy>,
    /// What the provider says became of it.
    #[schema(value_type = Option<String>, example = "delivered")]
    pub provider_status: Option<Status>,
    /// The provider's error code.
    pub provider_error_code: Option<String>,
    /// The provider's words for the error.
    pub provider_error_message: Option<String>,
    /// The provider's time of its latest change.
    pub provider_updated_at: Option<DateTime<Utc>>,
    /// What the helpdesk was told of a failure.
    #[schema(value_type = Option<String>, example = "failed")]
    pub helpdesk_status: Option<Told>,
    /// What is being tried right now: `{"act": …, "at": …}`.
    #[schema(value_type = Option<Object>)]
    pub in_flight: Option<Begun>,
    /// What was tried and may have happened.
    #[schema(value_type = Option<Object>)]
    pub doubt: Option<Begun>,
    /// When delivery was first tried.
    pub attempted_at: Option<DateTime<Utc>>,
    /// Attempts in a row that did not move it.
    pub failures: u32,
    /// The last refusal or uncertainty, for people.
    pub last_error: Option<String>,
    /// Why it was put aside.
    #[schema(value_type = Option<String>, example = "refused")]
    pub parked: Option<Parked>,
    /// When there is something to do next.
    pub wake_at: Option<DateTime<Utc>>,
}

impl MessageView {
    fn of(seq: i64, channel: &str, row: &Message, body: bool) -> Self {
        let row = row.clone();
        Self {
            message: seq,
            channel: channel.to_owned(),
            external_id: row.external_id,
            origin: row.origin,
            direction: row.direction,
            conversation: row.conversation,
            sender: row.sender,
            recipient: row.recipient,
            body: body.then_some(row.body),
            emptied_at: row.emptied_at,
            media: row.media,
            part: row.part,
            occurred_at: row.occurred_at,
            seen_at: row.seen_at,
            helpdesk_message_id: row.helpdesk_message_id,
            provider_message_id: row.provider_message_id,
            bound_by: row.bound_by,
            provider_status: row.provider_status,
            provider_error_code: row.provider_error_code,
            provider_error_message: row.provider_error_message,
            provider_updated_at: row.provider_updated_at,
            helpdesk_status: row.helpdesk_status,
            in_flight: row.in_flight,
            doubt: row.doubt,
            attempted_at: row.attempted_at,
            failures: row.failures,
            last_error: row.last_error,
            parked: row.parked,
            wake_at: row.wake_at,
        }
    }

    /// Whether it is at the side where it has to be delivered.
    pub fn is_delivered(&self) -> bool {
        match self.origin {
            Side::Helpdesk => self.provider_message_id.is_some(),
            Side::Provider => self.helpdesk_message_id.is_some(),
        }
    }
}

/// A message with what is known around it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MessageDetails {
    /// How it stands.
    #[serde(flatten)]
    pub row: MessageView,
    /// What its channel joins.
    #[schema(example = "front_signalwire")]
    pub pair: String,
    /// The vendors and some facts in words.
    pub words: Words,
    /// What happens next.
    pub next: NextView,
}

/// The vendors and some facts in words, for people.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Words {
    /// The helpdesk.
    #[schema(example = "Front")]
    pub helpdesk: String,
    /// The provider.
    #[schema(example = "SignalWire")]
    pub provider: String,
    /// What the agent was told of a message that did not reach the customer.
    pub agent_told: String,
    /// Its files.
    pub files: Option<String>,
    /// Which part of a text it is.
    pub part: Option<String>,
}

/// What happens next.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Next)]
pub struct NextView {
    /// The planner's answer: `{"does": …}`.
    #[schema(value_type = Object)]
    pub action: Value,
    /// The same in sentences.
    pub words: Vec<String>,
    /// Commands that an operator may want to run.
    pub commands: Vec<String>,
}

impl MessageDetails {
    /// What is known of a message; its text only where `body`.
    pub(super) fn of(seq: i64, outlook: &Outlook, body: bool) -> Self {
        let Outlook { row, channel, helpdesk, provider, action, next, .. } = outlook;
        let Next { words, commands } = next.clone();
        Self {
            row: MessageView::of(seq, &channel.channel.id, row, body),
            pair: channel.channel.pair.clone(),
            words: Words {
                helpdesk: (*helpdesk).to_owned(),
                provider: (*provider).to_owned(),
                agent_told: explain::told(row).to_owned(),
                files: explain::files(row),
                part: explain::part(row),
            },
            next: NextView { action: plain(*action), words, commands },
        }
    }
}

fn plain(action: Action) -> Value {
    match action {
        Action::Nothing => json!({ "does": "nothing" }),
        Action::WaitUntil(at) => json!({ "does": "wait", "until": at }),
        Action::WaitTurn => json!({ "does": "wait_turn" }),
        Action::WaitChannel => json!({ "does": "wait_channel" }),
        Action::Do(act) => json!({ "does": act }),
        Action::Park(why) => json!({ "does": "park", "why": why }),
    }
}
