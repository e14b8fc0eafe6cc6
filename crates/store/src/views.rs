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

    /// What the view and each of its columns means, for those who look in the database.
    fn comments(&self) -> String {
        let view = self.name();
        let whole = format!("comment on view {view} is '{}'", self.meaning());
        // `from` and `to` are words of SQL. None of the meanings has a quote in it.
        let columns = self
            .columns()
            .into_iter()
            .map(|(column, meaning)| format!("comment on column {view}.\"{column}\" is '{meaning}'"));
        std::iter::once(whole).chain(columns).collect::<Vec<_>>().join(";\n")
    }

    fn meaning(&self) -> &'static str {
        match self {
            Self::Pair { .. } => "The messages of the channels of one pair, under the names of WebhookDB.",
            Self::Provider(_) => "Everything that the provider has, under the names of WebhookDB.",
        }
    }

    fn columns(&self) -> Vec<(String, &'static str)> {
        let named = |columns: &[(&str, &'static str)]| {
            columns.iter().map(|(column, meaning)| ((*column).to_owned(), *meaning)).collect::<Vec<_>>()
        };
        match self {
            Self::Pair { helpdesk, provider } => {
                let ids = [
                    (Self::id_column(provider, "sid"), "The id at the provider; null while it is not there."),
                    (format!("{helpdesk}_message_id"), "The id in the helpdesk; null while it is not there."),
                ];
                named(&PAIR_COLUMNS).into_iter().chain(ids).collect()
            }
            Self::Provider(name) => {
                let id = (Self::id_column(name, "id"), "The id at the provider.");
                named(&PROVIDER_COLUMNS).into_iter().chain([id]).collect()
            }
        }
    }
}

/// The columns that the replication table of every pair has.
const PAIR_COLUMNS: [(&str, &str); 8] = [
    ("external_id", "Our id, unique in the channel."),
    ("external_conversation_id", "The conversation: the address of the customer."),
    ("row_updated_at", "When the row last changed."),
    ("direction", "inbound: from the customer; outbound: to the customer."),
    ("body", "The text; empty where there are only files."),
    ("sender", "Who wrote it."),
    ("recipient", "Whom it is for."),
    ("data", "What the vendor of the side of origin sent, as JSON."),
];

/// The columns that the messages of every provider have.
const PROVIDER_COLUMNS: [(&str, &str); 8] = [
    ("date_created", "When it was made, by the clock of the provider."),
    ("date_sent", "When it was sent, by the clock of the provider."),
    ("date_updated", "When it last changed, by the clock of the provider."),
    ("direction", "inbound: from the customer; outbound: to the customer."),
    ("from", "Who wrote it."),
    ("status", "What became of it."),
    ("to", "Whom it is for."),
    ("data", "What the provider sent, as JSON."),
];

/// Makes or renews the views. Connectors' names are our own constants of lower-case letters.
pub async fn publish(conn: &mut PgConnection, published: &[Published]) -> Result<()> {
    for view in published {
        let sql =
            format!("create or replace view {} as {};\n{}", view.name(), view.select(), view.comments());
        let fact = format!("view {}", view.name());
        // Replacing a view waits for everybody who reads it, and lets nobody read meanwhile: only where it is news.
        if installation::get(conn, &fact).await?.as_deref() != Some(sql.as_bytes()) {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone())).execute(&mut *conn).await?;
            installation::set(conn, &fact, sql.as_bytes()).await?;
        }
    }
    Ok(())
}
