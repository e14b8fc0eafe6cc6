//! The job that takes logged requests again, in their order and by the same way as when they came.
//!
//! They were verified when they came, so that neither signature nor age is looked at again; one that was taken unverified
//! is left out unless its account is log-only still. Connecting and removing a channel is left out: that was for then.

use super::work::{self, Stopped, Work};
use crate::ingest::{self, Again};
use crate::{Engine, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use twinwire_core::http::Hook;
use twinwire_core::model::Side;
use twinwire_core::setting::Verification;
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::jobs::Asked;
use twinwire_store::tx;
use twinwire_store::webhook_log::{self, Logged, Place, Which};

/// Requests between two looks at whether the job is to end.
const BATCH: i64 = 100;

/// Which requests are taken again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// From then on.
    pub from: DateTime<Utc>,
    /// Before then.
    pub to: DateTime<Utc>,
    /// Of one channel, or of all.
    pub channel: Option<i64>,
}

/// Asks for requests to be taken again. Gives the job's key.
pub async fn request(engine: &Engine, span: Span, by: &str) -> Result<i64> {
    let mut tx = tx::begin(engine.pool()).await?;
    let id = work::request(&mut tx, engine, Asked { kind: "replay", by, what: &json!(span) }).await?;
    tx.commit().await?;
    Ok(id)
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct At {
    at: DateTime<Utc>,
    id: i64,
}

pub(super) async fn run(engine: &Engine, work: &mut Work) -> std::result::Result<(), Stopped> {
    let span: Span = serde_json::from_value(work.job.asked.clone())
        .map_err(|_| Stopped::Refused("it does not say which requests".to_owned()))?;
    let mut ends = Ends::default();
    loop {
        let At { at, id } = work.place();
        let which = Which { from: span.from, to: span.to, channel: span.channel, ..Which::default() };
        let page = webhook_log::page(engine.pool(), &which, Place { at, id }, BATCH).await?;
        let Some(last) = page.last() else { return Ok(()) };
        work.doing(format!("taking requests of {} again", last.received_at.format("%F %T")));
        for logged in &page {
            let done = one(engine, &mut ends, logged).await?;
            work.add("requests", 1);
            match done {
                Outcome::Taken(changed) => work.add("changed", u64::from(changed)),
                Outcome::Skipped(why) => work.add(why, 1),
            }
            work.at(At { at: logged.received_at, id: logged.id });
        }
        work.step(engine).await?;
    }
}

enum Outcome {
    Taken(bool),
    Skipped(&'static str),
}

/// Channels, read once a job.
#[derive(Default)]
struct Ends(BTreeMap<i64, Option<StoredChannel>>);

impl Ends {
    async fn get(&mut self, engine: &Engine, id: i64) -> Result<Option<&StoredChannel>> {
        let known = match self.0.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(channels::get(engine.pool(), id).await?),
        };
        Ok(known.as_ref())
    }
}

async fn one(engine: &Engine, ends: &mut Ends, logged: &Logged) -> Result<Outcome> {
    if logged.erased {
        return Ok(Outcome::Skipped("skipped_erased"));
    }
    let Ok(connector) = engine.connectors().named(&logged.connector) else {
        return Ok(Outcome::Skipped("skipped_unknown"));
    };
    let Some(id) = logged.channel_id else { return Ok(Outcome::Skipped("skipped_unknown")) };
    let Some(channel) = ends.get(engine, id).await? else { return Ok(Outcome::Skipped("skipped_unknown")) };
    let account = match connector.side() {
        Side::Helpdesk => channel.helpdesk_account,
        Side::Provider => channel.provider_account,
    };
    let account = engine.account(account).await?;
    if logged.unverified.is_some() && account.verification != Verification::LogOnly {
        return Ok(Outcome::Skipped("skipped_unverified"));
    }
    let headers: Vec<(String, String)> =
        logged.content_type.iter().map(|kind| ("content-type".to_owned(), kind.clone())).collect();
    let hook = Hook {
        name: &logged.hook,
        method: &logged.method,
        url: &logged.url,
        headers: &headers,
        body: &logged.body,
    };
    let again = Again { id: logged.id, received_at: logged.received_at };
    match ingest::again(engine, connector, channel, &account, &hook, again).await? {
        Some(changed) => Ok(Outcome::Taken(changed)),
        None => Ok(Outcome::Skipped("skipped_unreadable")),
    }
}
