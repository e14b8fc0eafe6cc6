//! The story: everything that happens to messages, once. Each step waits until it has come to its end.
//!
//! * [`rich`] — pictures and a long text.

mod rich;

use super::cast::{Cast, NUMBER};
use super::expected::{End, Expected, Route};
use super::narrator::Narrator;
use super::rows::Row;
use super::until;
use anyhow::{Context, ensure};
use twinwire_sandbox::front::Message;
use twinwire_sandbox::signalwire::{Fate, SmsMessage};
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::backfills::Backfill;

/// The customers.
pub(super) const ANA: &str = "+14155550134";
pub(super) const BEN: &str = "+13125550142";
pub(super) const CLEO: &str = "+12065550167";
pub(super) const DORA: &str = "+16175550158";
pub(super) const EMIL: &str = "+13035550171";
/// Their names, for people.
pub(super) const PEOPLE: [(&str, &str); 5] =
    [(ANA, "Ana"), (BEN, "Ben"), (CLEO, "Cleo"), (DORA, "Dora"), (EMIL, "Emil")];

/// What SignalWire says of a landline. That somebody has opted out would hold for the messages after it too.
pub(super) const LANDLINE: (i64, &str) = (21614, "not a mobile number");
/// What SignalWire says when a carrier does not know the number.
pub(super) const UNKNOWN: (i64, &str) = (30005, "Unknown destination handset");

/// How the API refuses a message.
pub(super) const REFUSED: u16 = 422;

/// Plays it. Gives what should have become of each message.
pub(super) async fn play(cast: &Cast, tell: &Narrator) -> anyhow::Result<Vec<Expected>> {
    cast.signalwire
        .script(BEN, Fate::RefuseSync { status: REFUSED, code: LANDLINE.0, message: LANDLINE.1.into() });
    let late = Fate::FailLater { code: UNKNOWN.0, message: UNKNOWN.1.into(), status: "undelivered".into() };
    cast.signalwire.script(CLEO, late);
    tell.line("");
    let told = vec![
        agent_writes(cast, tell).await?,
        customer_answers(cast, tell).await?,
        autoreply(cast, tell).await?,
        rich::customers_picture(cast, tell).await?,
        rich::agents_picture(cast, tell).await?,
        rich::long_text(cast, tell).await?,
        fails(cast, tell, BEN, "Hi Ben, your parcel waits at the post office.", End::Refused(LANDLINE.0))
            .await?,
        fails(cast, tell, CLEO, "Hi Cleo, your table is booked for eight.", End::FailsLater(UNKNOWN.0))
            .await?,
        lost(cast, tell).await?,
    ];
    until("nothing left to do", async || Ok(cast.rows().await?.iter().all(Row::is_settled).then_some(())))
        .await?;
    // From here on only the page decides what goes wrong.
    for number in [BEN, CLEO] {
        cast.signalwire.script(number, Fate::Deliver);
    }
    Ok(told)
}

async fn agent_writes(cast: &Cast, tell: &Narrator) -> anyhow::Result<Expected> {
    let text = "Hi Ana, your order is on its way. Is Thursday fine?";
    write(cast, tell, ANA, text).await?;
    delivered(cast, tell, Expected::new(Route::Agent, ANA, text, End::Delivered)).await
}

async fn customer_answers(cast: &Cast, tell: &Narrator) -> anyhow::Result<Expected> {
    let text = "Thursday is fine, thank you!";
    tell.act("customer", &format!("Ana: {text}"));
    cast.signalwire.customer_texts(ANA, NUMBER, text).await;
    arrived(cast, tell, ANA, text).await?;
    Ok(Expected::new(Route::Customer, ANA, text, End::Arrived))
}

async fn autoreply(cast: &Cast, tell: &Narrator) -> anyhow::Result<Expected> {
    let text = "Thanks for your message. We answer within the hour.";
    let answers = cast.front.all_messages(&cast.inbox).into_iter().find(|message| message.is_inbound);
    let answers = answers.context("Ana's answer is gone from Front")?;
    tell.act("autoreply", &format!("to Ana: {text}"));
    let sent = cast.front.autoreply(&cast.inbox, &answers.message_uid, text).await?;
    ensure!(sent.message.error.is_none(), "Twinwire did not take the autoreply: {:?}", sent.answer);
    delivered(cast, tell, Expected::new(Route::AutoReply, ANA, text, End::Delivered)).await
}

/// A message that does not reach the customer, and the agent who is told.
async fn fails(
    cast: &Cast,
    tell: &Narrator,
    contact: &'static str,
    text: &'static str,
    end: End,
) -> anyhow::Result<Expected> {
    write(cast, tell, contact, text).await?;
    let reason = until("the agent to be told", async || {
        let mut failures = cast.front.failures(&cast.inbox).into_iter();
        Ok(failures
            .find(|message| message.contact() == contact && message.text == text)
            .and_then(|m| m.error))
    })
    .await?;
    let what = if matches!(end, End::Refused(_)) { "refused" } else { "fails later" };
    tell.result(&format!("{what}; agent sees: {reason}"));
    Ok(Expected::new(Route::Agent, contact, text, end))
}

/// A text whose webhook never comes. Nobody knows of it until a backfill reads SignalWire's list.
async fn lost(cast: &Cast, tell: &Narrator) -> anyhow::Result<Expected> {
    let text = "Are you open on Sunday?";
    cast.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook).with(DORA));
    tell.act("customer", &format!("Dora: {text}"));
    let sid = cast.signalwire.customer_texts(DORA, NUMBER, text).await;
    let mut deliveries = cast.signalwire.deliveries().into_iter();
    ensure!(deliveries.any(|sent| sent.about == sid && sent.answers.is_empty()), "the webhook was not lost");
    let known = cast.rows().await?.iter().any(|row| row.provider_message_id.as_deref() == Some(&sid));
    ensure!(!known && cast.in_front(DORA, text).is_empty(), "a text without a webhook is known all the same");
    tell.result("its webhook is lost: Front knows nothing of it");
    tell.act("operator", "asks for a backfill");
    backfill(cast, tell).await?;
    arrived(cast, tell, DORA, text).await?;
    tell.act("operator", "asks for the same backfill again");
    let again = backfill(cast, tell).await?;
    ensure!(again.inserted == 0 && again.updated == 0, "the second backfill changed something: {again:?}");
    Ok(Expected::new(Route::Customer, DORA, text, End::Arrived))
}

async fn backfill(cast: &Cast, tell: &Narrator) -> anyhow::Result<Backfill> {
    let done = cast.backfill().await?;
    if let Some(error) = &done.error {
        anyhow::bail!("the backfill failed: {error}");
    }
    tell.result(&format!("{} messages seen, {} new, {} changed", done.seen, done.inserted, done.updated));
    Ok(done)
}

async fn write(cast: &Cast, tell: &Narrator, contact: &str, text: &str) -> anyhow::Result<Message> {
    tell.act("agent", &format!("to {}: {text}", name(contact)));
    let sent = cast.front.agent_writes(&cast.inbox, &[contact], text).await?;
    ensure!(sent.answer.is_success(), "Twinwire did not take the message: {:?}", sent.answer);
    Ok(sent.message)
}

async fn delivered(cast: &Cast, tell: &Narrator, expected: Expected) -> anyhow::Result<Expected> {
    reached(cast, &expected).await?;
    tell.result("delivered");
    Ok(expected)
}

/// Waits until all of it is on the customer's phone, and known to be there.
async fn reached(cast: &Cast, expected: &Expected) -> anyhow::Result<Vec<SmsMessage>> {
    let status = expected.end.at_provider();
    until("the message to reach the customer", async || {
        let mut sent = cast.signalwire.outbound_to(expected.contact);
        sent.retain(|message| expected.is_carried_by(&message.body) && Some(&*message.status) == status);
        let mut rows = cast.rows().await?;
        rows.retain(|row| expected.is_carried_by(&row.body) && row.provider_status.as_deref() == status);
        Ok((sent.len() >= expected.parts && rows.len() >= expected.parts).then_some(sent))
    })
    .await
}

async fn arrived(cast: &Cast, tell: &Narrator, contact: &str, text: &str) -> anyhow::Result<()> {
    arrives(cast, contact, text).await?;
    tell.result("in Front");
    Ok(())
}

/// Waits until it is in Front and the row has the id that Front gives it.
async fn arrives(cast: &Cast, contact: &str, text: &str) -> anyhow::Result<Message> {
    let inside = until("the text to arrive in Front", async || {
        Ok(cast.in_front(contact, text).into_iter().find(|message| message.id.is_some()))
    })
    .await?;
    until("the row to have Front's id", async || {
        let mut rows = cast.rows().await?.into_iter();
        Ok(rows.any(|row| row.helpdesk_message_id == inside.id).then_some(()))
    })
    .await?;
    Ok(inside)
}

fn name(contact: &str) -> &str {
    PEOPLE.iter().find(|(number, _)| *number == contact).map_or(contact, |(_, name)| name)
}
