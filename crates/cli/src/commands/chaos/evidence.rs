//! What a failed run leaves: the workers' logs, and every row with its story as text.

use anyhow::Context;
use sqlx::PgPool;
use std::fs::{self, File};
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

/// What no worker may write: a panic, or a step that was lost in one.
const BROKEN: [&str; 2] = ["panicked at", "a step broke"];

/// The lines in the workers' logs that tell of something broken.
pub(super) fn broken(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        let (log, name) = (fs::read(&path)?, path.file_name().unwrap_or_default().display());
        let log = String::from_utf8_lossy(&log);
        let lines = log.lines().filter(|line| BROKEN.iter().any(|words| line.contains(words)));
        all.extend(lines.map(|line| format!("{name}: {line}")));
    }
    Ok(all)
}
