//! What a failed run leaves: the workers' logs, and every row with its story as text.

use anyhow::Context;
use sqlx::PgPool;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What is written, and from where. Bodies and numbers are the run's own.
const TABLES: [(&str, &str); 4] = [
    ("messages.jsonl", "select to_jsonb(m) - 'data' from messages m order by seq"),
    ("attempts.jsonl", "select to_jsonb(a) from attempts a order by id"),
    ("provider_messages.jsonl", "select to_jsonb(p) - 'data' from provider_messages p order by created_at"),
    ("webhook_log.jsonl", "select to_jsonb(w) from webhook_log w"),
];

/// Writes the tables into the run's folder, a row a line.
pub(super) async fn write(pool: &PgPool, folder: &Path) -> anyhow::Result<()> {
    for (name, sql) in TABLES {
        let rows: Vec<serde_json::Value> = sqlx::query_scalar(sql).fetch_all(pool).await?;
        let path = folder.join(name);
        let mut file = BufWriter::new(File::create(&path).with_context(|| format!("cannot write {name}"))?);
        for row in rows {
            writeln!(file, "{row}")?;
        }
        file.flush()?;
    }
    Ok(())
}
