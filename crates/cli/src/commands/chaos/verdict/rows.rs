//! What the table says of messages that are not settled or were put aside, and which of the provider's it calls ours.

use super::Findings;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::collections::{HashMap, HashSet};

/// Everything that is not simply done, and what agents' messages are bound to.
const ROWS: &str = "select external_id, provider_message_id, parked, last_error, attempted_at,
        wake_at is not null or (doubt is not null and parked is null) as open
    from messages where origin = 'helpdesk' or wake_at is not null or doubt is not null or parked is not null
    order by seq";

#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) external_id: String,
    pub(super) provider_message_id: Option<String>,
    pub(super) parked: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) attempted_at: Option<DateTime<Utc>>,
    pub(super) open: bool,
}

/// Rows by their external id. Two channels have no message in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows(pub(super) HashMap<String, Row>);

impl Rows {
    pub(super) async fn read(pool: &PgPool) -> anyhow::Result<Self> {
        let rows: Vec<Row> = sqlx::query_as(ROWS).fetch_all(pool).await?;
        Ok(Self(rows.into_iter().map(|row| (row.external_id.clone(), row)).collect()))
    }

    pub(super) fn get(&self, external_id: &str) -> Option<&Row> {
        self.0.get(external_id)
    }

    /// What was put aside, as `reason`.
    pub(super) fn is_parked(&self, external_id: &str, reason: &str) -> bool {
        self.get(external_id).is_some_and(|row| row.parked.as_deref() == Some(reason))
    }

    /// What is open, and everything that was put aside although nobody asked for it: `expected` are names
    /// and reasons.
    pub(super) fn report(&self, expected: &HashSet<(String, &'static str)>, found: &mut Findings) {
        let mut rows: Vec<&Row> = self.0.values().collect();
        rows.sort_by_key(|row| &row.external_id);
        for row in rows {
            let error = row.last_error.as_deref().unwrap_or("no error");
            if row.open {
                found.unsettled.add(1, || format!("{}: {error}", row.external_id));
            }
            let Some(parked) = row.parked.as_deref() else { continue };
            *found.parked.entry(parked.to_owned()).or_default() += 1;
            let named = |(name, reason): &(String, &str)| *name == row.external_id && *reason == parked;
            if !expected.iter().any(named) {
                found.put_aside.add(1, || format!("{} as {parked}: {error}", row.external_id));
            }
        }
    }
}
