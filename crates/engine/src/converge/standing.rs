//! Showing the helpdesk's users whether a channel works: an agent who writes while the provider refuses our credentials
//! should see why nothing goes out.
//!
//! What is shown beside what is true is work to do, like a message that lacks an id. Showing sets a state and may be
//! repeated, so a crash in the middle needs no doubt.

use super::accounts::Ends;
use crate::call::{self, Caller};
use crate::{Engine, Result};
use chrono::{DateTime, Utc};
use twinwire_core::connector::Call;
use twinwire_core::outcome::{Outcome, RefusalKind};
use twinwire_store::channels;
use twinwire_store::work::SHOW_EVERY;

/// Whether the helpdesk has to be asked now to show something else.
pub(super) fn is_due(ends: &Ends, now: DateTime<Utc>) -> bool {
    let rests = ends.helpdesk.paused_until.is_some_and(|until| until > now);
    ends.channel.shown_works != ends.provider.works()
        && !rests
        && ends.channel.show_tried_at.is_none_or(|at| now - at >= SHOW_EVERY)
}

/// Asks the helpdesk to show how the channel stands. Not done is done again later.
pub(super) async fn show(engine: Engine, ends: Ends) {
    let channel = ends.channel.channel.id.clone();
    if let Err(error) = ask(&engine, &ends).await {
        tracing::warn!(channel, %error, "the helpdesk could not be asked to show how a channel stands");
    }
}

async fn ask(engine: &Engine, ends: &Ends) -> Result<()> {
    let works = ends.provider.works();
    let (id, channel) = (ends.channel.id, &ends.channel.channel);
    if !ends.helpdesk_connector.caps().shows_standing {
        return Ok(channels::shown(engine.pool(), id, works).await?);
    }
    let caller = Caller { account: &ends.helpdesk, channel: Some(channel), thread: None, start_by: None };
    match call::make(engine, caller, &Call::Show { works }).await? {
        Outcome::Done(_) => {
            tracing::info!(channel = channel.id, works, "the helpdesk shows how the channel stands");
            channels::shown(engine.pool(), id, works).await?;
        }
        Outcome::Refused(refusal) if refusal.kind == RefusalKind::Permanent => {
            tracing::warn!(
                channel = channel.id,
                code = refusal.code,
                "the helpdesk does not show how the channel stands"
            );
            channels::shown(engine.pool(), id, works).await?;
        }
        Outcome::Refused(_) | Outcome::Unknown(_) => {}
    }
    Ok(())
}
