//! The replication table, read as anybody may read it: by the role that can only read.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgPool;
use twinwire_store::reader::{self, Table};

/// Everything about a message that shows how far it has come.
const ALL: &str = "select external_id, external_conversation_id, direction, sender, recipient, body,
        helpdesk_message_id, provider_message_id, provider_status, provider_error_code, helpdesk_status, parked,
        jsonb_array_length(media)::bigint as files, in_flight, doubt, last_error, wake_at is not null as waits
    from messages order by seq";

/// What is printed, under the published names. Ids are cut in the middle to fit a terminal of 80 columns.
const SHOWN: &str = r"select regexp_replace(v.external_id, '^(.{6}).{2,}(.{4})$', '\1…\2') as external_id,
        regexp_replace(v.signalwire_sid, '^(.{5}).{2,}(.{4})$', '\1…\2') as signalwire,
        regexp_replace(v.front_message_id, '^(.{5}).{2,}(.{4})$', '\1…\2') as front,
        case v.direction when 'inbound' then v.sender || ' >' else '> ' || v.recipient end as customer,
        case jsonb_array_length(m.media) when 0 then '' else jsonb_array_length(m.media)::text end as files,
        left(regexp_replace(v.body, '\s+', ' ', 'g'), 20) as body
    from front_signalwire_message_channel_app_v1 v join messages m using (external_id) order by m.seq";

const MARK: &str =
    "select count(*) as rows, max(row_updated_at) as changed, count(wake_at) as waiting from messages";

/// A row.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Row {
    pub(super) external_id: String,
    pub(super) external_conversation_id: String,
    pub(super) direction: String,
    pub(super) sender: String,
    pub(super) recipient: String,
    pub(super) body: String,
    pub(super) helpdesk_message_id: Option<String>,
    pub(super) provider_message_id: Option<String>,
    pub(super) provider_status: Option<String>,
    pub(super) provider_error_code: Option<String>,
    pub(super) helpdesk_status: Option<String>,
    pub(super) parked: Option<String>,
    /// How many files it has.
    pub(super) files: i64,
    pub(super) in_flight: Option<String>,
    pub(super) doubt: Option<String>,
    pub(super) last_error: Option<String>,
    /// There is something to do for it, now or later.
    pub(super) waits: bool,
}

impl Row {
    /// Whether there is nothing to do and nothing open.
    pub(super) fn is_settled(&self) -> bool {
        !self.waits && self.in_flight.is_none() && self.doubt.is_none()
    }
}

/// Every row, in the order in which Twinwire came to know them.
pub(super) async fn all(reader: &PgPool) -> anyhow::Result<Vec<Row>> {
    objects(&reader::query(reader, ALL).await?)
}

/// Something that changes whenever a row does.
pub(super) async fn mark(reader: &PgPool) -> anyhow::Result<Table> {
    Ok(reader::query(reader, MARK).await?)
}

/// The table for a terminal.
pub(super) async fn shown(reader: &PgPool) -> anyhow::Result<Vec<String>> {
    let Table { columns, rows } = reader::query(reader, SHOWN).await?;
    let text = |cell: &Option<Value>| cell.as_ref().and_then(Value::as_str).unwrap_or("-").to_owned();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(text).collect()).collect();
    Ok(aligned(&columns, &cells))
}

fn objects<T: DeserializeOwned>(table: &Table) -> anyhow::Result<Vec<T>> {
    let object = |row: &Vec<Option<Value>>| -> anyhow::Result<T> {
        let cells = row.iter().map(|cell| cell.clone().unwrap_or_default());
        let object: Map<String, Value> = table.columns.iter().cloned().zip(cells).collect();
        Ok(serde_json::from_value(object.into())?)
    };
    table.rows.iter().map(object).collect()
}

/// Columns as wide as their widest cell, two spaces between them.
fn aligned(head: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).chain(head.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    [line(head), line(&rule)].into_iter().chain(rows.iter().map(|row| line(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn columns_stand_under_their_names() {
        let head = ["id".to_owned(), "text".to_owned()];
        let rows = [vec!["m1".to_owned(), "über".to_owned()], vec!["long".to_owned(), "-".to_owned()]];
        assert_eq!(aligned(&head, &rows), ["id    text", "────  ────", "m1    über", "long  -"]);
    }
}
