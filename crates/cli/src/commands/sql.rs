//! `twinwire sql "<query>"`

use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use std::time::Duration;
use twinwire_store::reader::{self, Table};

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
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open(config).await?;
    let answered = ask(args, &database).await;
    database.close().await?;
    let table = answered?;
    match if args.json { Format::Json } else { args.format } {
        Format::Table => {
            let head: Vec<&str> = table.columns.iter().map(String::as_str).collect();
            let rows = table.rows.iter().map(|row| row.iter().map(|cell| text(cell.as_ref())));
            output::say(&output::table(&head, rows));
            output::complain(&format!("{} rows", table.rows.len()));
        }
        Format::Json => output::json(&objects(&table))?,
        Format::Csv => print_csv(&table)?,
    }
    Ok(())
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

fn print_csv(table: &Table) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(std::io::stdout());
    writer.write_record(&table.columns)?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| text(cell.as_ref())))?;
    }
    writer.flush()?;
    Ok(())
}

fn text(cell: Option<&Value>) -> String {
    match cell {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
