//! What the table says of messages that are not settled or were put aside.

use super::Findings;
use sqlx::{PgPool, Row as _};
use std::collections::HashMap;

/// Everything that is not simply done.
const NOT_DONE: &str =
    "select external_id, recipient, helpdesk_message_id, provider_message_id, origin, parked, last_error,
        helpdesk_status, wake_at is not null or (doubt is not null and parked is null) as open
    from messages where wake_at is not null or doubt is not null or parked is not null order by seq";

struct Row {
    external_id: String,
    origin: String,
    parked: Option<String>,
    last_error: Option<String>,
    helpdesk_status: Option<String>,
    open: bool,
}

/// Rows that are open or were put aside.
pub(super) struct Rows {
    all: Vec<Row>,
    /// Agents' messages that were put aside, by Front's id and the recipient.
    of_agents: HashMap<(String, String), usize>,
    /// Others, by the provider's id.
    of_provider: HashMap<String, usize>,
}

impl Rows {
    pub(super) async fn read(pool: &PgPool) -> anyhow::Result<Self> {
        let mut read = Self { all: Vec::new(), of_agents: HashMap::new(), of_provider: HashMap::new() };
        for row in sqlx::query(NOT_DONE).fetch_all(pool).await? {
            let (at, parked): (usize, Option<String>) = (read.all.len(), row.try_get("parked")?);
            let origin: String = row.try_get("origin")?;
            if parked.is_some() && origin == "helpdesk" {
                let id: Option<String> = row.try_get("helpdesk_message_id")?;
                read.of_agents.insert((id.unwrap_or_default(), row.try_get("recipient")?), at);
            } else if parked.is_some() {
                let id: Option<String> = row.try_get("provider_message_id")?;
                read.of_provider.insert(id.unwrap_or_default(), at);
            }
            read.all.push(Row {
                external_id: row.try_get("external_id")?,
                origin,
                parked,
                last_error: row.try_get("last_error")?,
                helpdesk_status: row.try_get("helpdesk_status")?,
                open: row.try_get("open")?,
            });
        }
        Ok(read)
    }

    /// Whether an agent's message to a customer was put aside.
    pub(super) fn is_parked(&self, id: &str, phone: &str) -> bool {
        self.of_agents.contains_key(&(id.to_owned(), phone.to_owned()))
    }

    /// Whether a message of the provider was put aside.
    pub(super) fn is_provider_parked(&self, sid: &str) -> bool {
        self.of_provider.contains_key(sid)
    }

    /// What is open, and whether everything that was put aside has its reason and the agent knows.
    pub(super) fn report(&self, found: &mut Findings) {
        for row in &self.all {
            let Row { external_id, parked, last_error, helpdesk_status, .. } = row;
            if row.open {
                let error = last_error.as_deref().unwrap_or("no error");
                found.unsettled.add(1, || format!("{external_id}: {error}"));
            }
            let Some(parked) = parked else { continue };
            *found.parked.entry(parked.clone()).or_default() += 1;
            if last_error.is_none() {
                found.wrongly_told.add(1, || format!("{external_id} is parked without a reason"));
            }
            if row.origin == "helpdesk" && !row.open && helpdesk_status.is_none() {
                found.wrongly_told.add(1, || format!("{external_id} is parked and the agent was not told"));
            }
        }
    }
}
