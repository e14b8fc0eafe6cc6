//! What a double can do wrong, and where.

use std::time::Duration;

use serde::Serialize;

/// One thing a vendor does, by which rules and logs are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Front: `POST …/inbound_messages`.
    SyncInbound,
    /// Front: `POST …/outbound_messages`.
    SyncOutbound,
    /// Front: `PUT …/status`.
    UpdateStatus,
    /// Front: `PATCH /channels/{id}`.
    UpdateChannel,
    /// Front: `GET /conversations/{id}/messages`.
    ListConversation,
    /// Front: `GET /messages/{id}`.
    GetMessage,
    /// Front: `GET /messages/{id}/download/{file}`.
    DownloadFile,
    /// Front: an agent's message or an automatic reply, posted to the channel's server.
    AgentMessage,
    /// Front: the `message_imported` notice.
    MessageImported,
    /// `SignalWire`, Twilio: `POST …/Messages`.
    SendMessage,
    /// `SignalWire`, Twilio: `GET …/Messages`.
    ListMessages,
    /// `SignalWire`, Twilio: `GET …/Messages/{sid}`.
    FetchMessage,
    /// `SignalWire`, Twilio: `GET …/Messages/{sid}/Media`, and what is known of one file of it.
    ListMedia,
    /// `SignalWire`, Twilio: `GET …/Messages/{sid}/Media/{sid}`, the bytes or the redirect to them.
    FetchMedia,
    /// `SignalWire`, Twilio: the vendor fetches the files of a message that it was asked to send.
    CollectMedia,
    /// All: a `GET` from the storage behind the API.
    FetchStored,
    /// `SignalWire`, Twilio: `GET …/IncomingPhoneNumbers`.
    ListNumbers,
    /// `SignalWire`, Twilio: `POST …/IncomingPhoneNumbers/{sid}`.
    UpdateNumber,
    /// `SignalWire`, Twilio: a status callback.
    StatusCallback,
    /// `SignalWire`, Twilio: the webhook that announces a customer's text.
    InboundWebhook,
}

/// One way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429, nothing accepted.
    TooManyRequests {
        /// The `Retry-After` header.
        retry_after_secs: u64,
    },
    /// This 5xx, nothing accepted.
    ServerErrorBefore(u16),
    /// Accepted, then this 5xx.
    ServerErrorAfter(u16),
    /// Nothing accepted; the connection is closed without an answer after this long.
    TimeoutBefore(Duration),
    /// Accepted; the connection is closed without an answer after this long.
    TimeoutAfter(Duration),
    /// Accepted at once, and answered as usual after this long.
    Slow(Duration),
    /// Nothing accepted; the connection is reset at once without an answer.
    ResetBefore,
    /// Accepted, and the connection is reset at once without an answer.
    ResetAfter,
    /// A refusal in the vendor's own form, nothing accepted.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The vendor's error code, where the vendor has one.
        code: i64,
        /// The text of the error.
        message: String,
    },
    /// 401, nothing accepted.
    Unauthorized,
    /// 403, nothing accepted.
    Forbidden,
    /// Accepted, and answered with the success status over a body that is not JSON.
    GarbageAnswer,
    /// Accepted, and the connection is reset in the middle of the answer that was announced. Of files alone.
    CutShort,
    /// A callback is sent, or a file is fetched, this many times more than once.
    Duplicate(usize),
    /// A callback is sent, or a file is fetched, this much later; others overtake it.
    Delay(Duration),
    /// A callback is held back until the next one has been sent.
    Reordered,
    /// The first callback is sent before the API request that causes it is answered.
    Early,
    /// A callback is never sent.
    Lost,
    /// The message never gets a `date_sent`.
    NullDateSent,
    /// After this page a new message appears at the head of the list.
    InsertWhilePaging,
    /// The message is missing from lists for this long after it was accepted.
    DelayedVisibility(Duration),
}

/// Where in the life of a request a fault can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Answer,
    Callback,
    Early,
    Acceptance,
    Listing,
}

impl Fault {
    /// One of every kind, with durations short enough for a test.
    pub fn all() -> Vec<Fault> {
        vec![
            Fault::TooManyRequests { retry_after_secs: 1 },
            Fault::ServerErrorBefore(503),
            Fault::ServerErrorAfter(500),
            Fault::TimeoutBefore(Duration::from_millis(300)),
            Fault::TimeoutAfter(Duration::from_millis(300)),
            Fault::ResetAfter,
            Fault::Refuse { status: 400, code: 90_000, message: "Refused by the sandbox".into() },
            Fault::Unauthorized,
            Fault::Forbidden,
            Fault::GarbageAnswer,
            Fault::CutShort,
            Fault::Duplicate(1),
            Fault::Delay(Duration::from_millis(200)),
            Fault::Reordered,
            Fault::Early,
            Fault::Lost,
            Fault::NullDateSent,
            Fault::InsertWhilePaging,
            Fault::DelayedVisibility(Duration::from_millis(500)),
            Fault::ResetBefore,
            Fault::Slow(Duration::from_millis(300)),
        ]
    }

    /// Every kind that a client with patience gets over: no refusals for good, no refused credentials.
    pub fn survivable() -> Vec<Fault> {
        let lasting = |f: &Fault| matches!(f, Fault::Refuse { .. } | Fault::Unauthorized | Fault::Forbidden);
        Fault::all().into_iter().filter(|fault| !lasting(fault)).collect()
    }

    pub(crate) fn fits(&self, stage: Stage, operation: Operation) -> bool {
        use Operation as Op;
        let own = match self {
            Fault::Duplicate(_) | Fault::Delay(_) | Fault::Lost | Fault::Reordered => Stage::Callback,
            Fault::Early => Stage::Early,
            Fault::NullDateSent | Fault::DelayedVisibility(_) => Stage::Acceptance,
            Fault::InsertWhilePaging => Stage::Listing,
            _ => Stage::Answer,
        };
        // An agent waits for the answer, so holding the request back for the next one has no meaning there.
        let possible = match self {
            Fault::Reordered => !matches!(operation, Op::AgentMessage | Op::CollectMedia),
            // A vendor that never fetches would never send either.
            Fault::Lost => operation != Op::CollectMedia,
            Fault::CutShort => matches!(operation, Op::FetchMedia | Op::FetchStored),
            Fault::NullDateSent => matches!(operation, Op::SendMessage | Op::InboundWebhook),
            _ => true,
        };
        own == stage && possible
    }
}
