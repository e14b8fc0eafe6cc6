//! What is more than a short text: a picture each way, and a text that takes several messages.

use super::{ANA, EMIL, arrives, reached};
use crate::commands::demo::cast::{Cast, NUMBER};
use crate::commands::demo::expected::{End, Expected, Route};
use crate::commands::demo::narrator::Narrator;
use crate::commands::demo::pictures;
use anyhow::{Context, ensure};
use twinwire_core::media::fit::size;
use twinwire_sandbox::MediaFile;
use twinwire_sandbox::front::AgentMessage;

/// Longer than one message may be.
const ASSEMBLY: &str = include_str!("../assembly.txt").trim_ascii();

pub(super) async fn customers_picture(cast: &Cast, tell: &Narrator) -> anyhow::Result<Expected> {
    let (text, house) = ("It is the house with the blue door.", pictures::house()?);
    tell.act("customer", &format!("Ana: {text} {}", shown(&house)));
    cast.signalwire.customer_texts_with(ANA, NUMBER, text, vec![house.clone()]).await;
    let message = arrives(cast, ANA, text).await?;
    let file = message.attachments.first().context("the picture is not in Front")?;
    let same = if file.bytes == house.bytes { "byte for byte" } else { "with other bytes" };
    tell.result(&format!("in Front with the picture, {same}"));
    Ok(Expected::new(Route::Customer, ANA, text, End::Arrived).with(house))
}

pub(super) async fn agents_picture(cast: &Cast, tell: &Narrator) -> anyhow::Result<Expected> {
    let (text, map) = ("Found it. This is our way there.", pictures::map()?);
    tell.act("agent", &format!("to Ana: {text} {}", shown(&map)));
    agent_sends(cast, AgentMessage::to(&[ANA]).text(text).with(map.clone())).await?;
    let expected = Expected::new(Route::Agent, ANA, text, End::Sent).with(map);
    let sent = reached(cast, &expected).await?;
    let file = sent.first().and_then(|message| message.media.first());
    let file = file.context("the picture is not on Ana's phone")?;
    tell.result(&format!(
        "on her phone, made smaller for SignalWire: {}, {}",
        file.content_type,
        size(file.size as u64)
    ));
    Ok(expected)
}

pub(super) async fn long_text(cast: &Cast, tell: &Narrator) -> anyhow::Result<Expected> {
    let count = ASSEMBLY.chars().count();
    tell.act("agent", &format!("to Emil: how to put up the shelf, a text of {count} characters"));
    agent_sends(cast, AgentMessage::to(&[EMIL]).text(ASSEMBLY)).await?;
    let expected = Expected::new(Route::Agent, EMIL, ASSEMBLY, End::Delivered).in_parts(2);
    let parts = reached(cast, &expected).await?.len();
    tell.result(&format!("delivered in {parts} numbered parts, one after the other"));
    Ok(expected)
}

async fn agent_sends(cast: &Cast, message: AgentMessage) -> anyhow::Result<()> {
    let sent = cast.front.agent_sends(&cast.inbox, message).await?;
    ensure!(sent.answer.is_success(), "Twinwire did not take the message: {:?}", sent.answer);
    Ok(())
}

fn shown(file: &MediaFile) -> String {
    format!("[{}, {}]", file.filename, size(file.bytes.len() as u64))
}
