//! Showing the helpdesk's users whether a channel works: an agent who writes while the provider refuses our credentials
//! should see why nothing goes out.
//!
//! What is shown beside what is true is work to do, like a message that lacks an id. While it is being asked for, nobody
//! knows what is shown, and after a crash in the middle it is asked for again.

use super::accounts::Ends;
use super::worker::Both;
use crate::call::{self, Caller};
use crate::{Engine, Result};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use twinwire_core::connector::Call;
use twinwire_core::model::Side;
use twinwire_core::outcome::{Outcome, RefusalKind};
use twinwire_store::channels;
use twinwire_store::work::SHOW_EVERY;

/// Whether the helpdesk has to be asked now to show something else.
pub(super) fn is_due(ends: &Ends, now: DateTime<Utc>) -> bool {
    let rests = ends.helpdesk.paused_until.is_some_and(|until| until > now);
    ends.channel.shown_works != Some(ends.provider.works())
        && !rests
        && ends.channel.show_tried_at.is_none_or(|at| now - at >= SHOW_EVERY)
}

/// Asks the helpdesk to show how the channel stands. Not done is done again later.
pub(super) async fn show(engine: Engine, ends: Ends, limits: Arc<Both>) {
    let channel = ends.channel.channel.id.clone();
    if let Err(error) = ask(&engine, &ends, &limits).await {
        tracing::warn!(channel, %error, "the helpdesk could not be asked to show how a channel stands");
    }
}

async fn ask(engine: &Engine, ends: &Ends, limits: &Both) -> Result<()> {
    let works = ends.provider.works();
    let (id, channel) = (ends.channel.id, &ends.channel.channel);
    if !ends.helpdesk_connector.caps().shows_standing {
        return Ok(channels::shown(engine.pool(), id, works).await?);
    }
    limits.on(Side::Helpdesk).call(engine).await?;
    let caller = Caller::of(&ends.helpdesk, Some(channel));
    // What a helpdesk says to this says nothing about messages: the account is left as it is.
    match call::send(engine, ends.helpdesk_connector, caller, &Call::Show { works }).await {
        Outcome::Done(_) => {
            tracing::info!(channel = channel.id, works, "the helpdesk shows how the channel stands");
            channels::shown(engine.pool(), id, works).await?;
        }
        Outcome::Refused(refusal)
            if matches!(refusal.kind, RefusalKind::Permanent | RefusalKind::Credentials) =>
        {
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
