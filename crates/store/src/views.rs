//! The published names: views with the columns that WebhookDB's users know, made from the list of connectors, so that
//! a new connector needs no migration.

use crate::{Result, installation};
use sqlx::PgConnection;

/// What a build publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// The replication table of a pair: `front_signalwire_message_channel_app_v1`.
    Pair {
        /// The helpdesk's connector.
        helpdesk: String,
        /// The provider's connector.
        provider: String,
    },
    /// The messages of a provider: `signalwire_message_v1`.
    Provider(String),
}

impl Published {
    /// The view's name.
    pub fn name(&self) -> String {
        match self {
            Self::Pair { helpdesk, provider } => format!("{helpdesk}_{provider}_message_channel_app_v1"),
            Self::Provider(name) => format!("{name}_message_v1"),
        }
    }

    fn select(&self) -> String {
        match self {
            Self::Pair { helpdesk, provider } => format!(
                "select m.external_id, m.provider_message_id as {}, m.helpdesk_message_id as {helpdesk}_message_id,
                    m.external_conversation_id, m.row_updated_at, m.direction, m.body, m.sender, m.recipient, m.data
                from messages m join channels c on c.id = m.channel_id
                where c.pair = '{helpdesk}_{provider}'",
                Self::id_column(provider, "sid"),
            ),
            Self::Provider(name) => format!(
                "select p.provider_message_id as {}, p.date_created, p.date_sent, p.date_updated, p.direction,
                    p.sender as \"from\", p.status, p.recipient as \"to\", p.data
                from provider_messages p join accounts a on a.id = p.account_id
                where a.connector = '{name}'",
                Self::id_column(name, "id"),
            ),
        }
    }

    fn id_column(connector: &str, suffix: &str) -> String {
        format!("{connector}_{suffix}")
    }
}

/// Makes or renews the views. Connectors' names are our own constants of lower-case letters.
pub async fn publish(conn: &mut PgConnection, published: &[Published]) -> Result<()> {
    for view in published {
        let sql = format!("create or replace view {} as {}", view.name(), view.select());
        let fact = format!("view {}", view.name());
        // Replacing a view waits for everybody who reads it, and lets nobody read meanwhile: only where it is news.
        if installation::get(conn, &fact).await?.as_deref() != Some(sql.as_bytes()) {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone())).execute(&mut *conn).await?;
            installation::set(conn, &fact, sql.as_bytes()).await?;
        }
    }
    Ok(())
}
