//! `twinwire sql "<query>"`

use crate::config::Config;
use crate::database::Database;
use crate::{Failure, Outcome, output};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use std::time::Duration;
use twinwire_store::reader::{self, Table};

/// Letters for each column that a terminal has to have room for. In fewer nothing can be read, as with `select *` of messages.
const NARROWEST: usize = 8;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One query
    query: String,
    /// How to print the result; a terminal that is too narrow for a table gets the fields of each row below each other
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The same as --format json
    #[arg(long)]
    json: bool,
    /// Longest time the query may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = limit)]
    timeout: Duration,
}

/// No time at all would be no limit to Postgres.
fn limit(text: &str) -> Result<Duration, String> {
    let limit = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if limit < Duration::from_millis(1) { Err("it must be at least 1ms".to_owned()) } else { Ok(limit) }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    if args.query.trim().is_empty() {
        return Err(Failure::Usage("the query is empty".to_owned()));
    }
    let database = Database::open(config).await?;
    let answered = ask(args, &database).await;
    database.close().await?;
    let table = answered?;
    match if args.json { Format::Json } else { args.format.unwrap_or(Format::Table) } {
        // A statement that shows nothing, such as SET.
        Format::Table if table.columns.is_empty() => output::complain("no result"),
        Format::Table => {
            let room = output::width().filter(|_| args.format.is_none());
            if room.is_some_and(|room| is_too_wide(&table, room)) {
                output::say(&below_each_other(&table));
            } else {
                beside_each_other(&table);
            }
            let count = table.rows.len();
            output::complain(&format!("{count} {}", if count == 1 { "row" } else { "rows" }));
        }
        Format::Json => output::json(&objects(&table))?,
        Format::Csv => output::data(&csv(&table)?),
    }
    Ok(())
}

fn beside_each_other(table: &Table) {
    let head: Vec<&str> = table.columns.iter().map(String::as_str).collect();
    let rows = table.rows.iter().map(|row| row.iter().map(|cell| text(cell.as_ref())));
    output::say(&output::table(&head, rows));
}

fn is_too_wide(table: &Table, room: usize) -> bool {
    table.columns.len() * NARROWEST > room
}

/// The values are as they are, to be copied.
fn below_each_other(table: &Table) -> String {
    let width = table.columns.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for (nth, row) in table.rows.iter().enumerate() {
        lines.push(format!("row {}", nth + 1));
        let fields = table.columns.iter().zip(row);
        lines.extend(
            fields.map(|(name, cell)| {
                format!("  {name:width$}  {}", text(cell.as_ref())).trim_end().to_owned()
            }),
        );
    }
    lines.join("\n")
}

async fn ask(args: &Args, database: &Database) -> anyhow::Result<Table> {
    let reader =
        reader::connect(&database.pool, database.url.expose_secret(), &database.key, args.timeout).await?;
    let table = reader::query(&reader, &args.query).await;
    reader.close().await;
    Ok(table?)
}

fn objects(table: &Table) -> Vec<Map<String, Value>> {
    let object = |row: &Vec<Option<Value>>| {
        table.columns.iter().cloned().zip(row.iter().map(|cell| cell.clone().unwrap_or_default())).collect()
    };
    table.rows.iter().map(object).collect()
}

fn csv(table: &Table) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&table.columns)?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| text(cell.as_ref())))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?.trim_end_matches('\n').to_owned())
}

fn text(cell: Option<&Value>) -> String {
    match cell {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_too_wide_for_a_terminal_stands_below_each_other_with_its_values_as_they_are() {
        let columns: Vec<String> = (0..11).map(|n| format!("column_{n}")).collect();
        let long = "word ".repeat(30);
        let row = (0..11).map(|n| (n != 3).then(|| json!(if n == 1 { long.as_str() } else { "1" })));
        let table = Table { columns, rows: vec![row.collect()] };
        assert!(is_too_wide(&table, 80) && !is_too_wide(&table, 88));
        let shown = below_each_other(&table);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[..2], ["row 1", "  column_0   1"]);
        assert_eq!(lines[2], format!("  column_1   {}", long.trim_end()));
        assert_eq!((lines[4], lines.len()), ("  column_3", 12));
    }
}
