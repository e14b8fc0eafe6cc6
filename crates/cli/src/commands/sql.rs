//! `twinwire sql "<query>"`

use crate::config::Config;
use crate::database::Database;
use crate::{Failure, Outcome, output};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use std::io::IsTerminal;
use std::time::Duration;
use twinwire_store::reader::{self, Table};

/// Columns that a terminal shows beside each other. More would be a letter or two wide, as `select *` of messages has them.
const MOST_BESIDE: usize = 8;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One query
    query: String,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
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
    match if args.json { Format::Json } else { args.format } {
        // A statement that shows nothing, such as SET.
        Format::Table if table.columns.is_empty() => output::complain("no result"),
        Format::Table => {
            if table.columns.len() > MOST_BESIDE && std::io::stdout().is_terminal() {
                below_each_other(&table);
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

fn below_each_other(table: &Table) {
    for (nth, row) in table.rows.iter().enumerate() {
        let names = table.columns.iter().map(String::as_str);
        let fields: Vec<_> = names.zip(row.iter().map(|cell| text(cell.as_ref()))).collect();
        output::fields(&format!("row {}", nth + 1), &fields);
    }
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
