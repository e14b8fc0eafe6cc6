//! What commands print: values on standard output, everything else on standard error.

use crate::commands::named::wrapped;
use crate::{Failure, Outcome};
use chrono::{DateTime, Utc};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Prints a line of the result.
pub fn say(line: &str) {
    // A reader that has gone away (`| head`) is no error of ours.
    writeln!(std::io::stdout(), "{line}").ok();
}

/// Prints a line for people beside the result.
pub fn complain(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    say(&serde_json::to_string(value)?);
    Ok(())
}

/// Lays out a table for the terminal's width.
pub fn table<R: IntoIterator<Item = String>>(head: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    for row in rows {
        table.add_row(row.into_iter().map(|cell| harmless(&cell)).collect::<Vec<_>>());
    }
    table.to_string()
}

/// A time, for people.
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A title and what stands under it, one field a line.
pub fn fields(title: &str, fields: &[(&str, String)]) {
    say(&harmless(title));
    let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default() + 2;
    for (name, value) in fields {
        for line in wrapped(&harmless(value), &format!("  {name:width$}"), &" ".repeat(width + 2)) {
            say(&line);
        }
    }
}

/// Asks somebody at the terminal whether to go on. Without a terminal nobody can be asked.
///
/// # Errors
/// Where there is no terminal, or the answer is no.
pub fn confirmed(question: &str) -> Outcome {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Failure::Usage(format!("{question} There is nobody to ask here: say --yes")));
    }
    write!(std::io::stderr(), "{question} [y/N] ")?;
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Failed(anyhow::anyhow!("nothing was done"))),
    }
}

/// A value without what a terminal would obey: texts come from strangers.
pub fn harmless(cell: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    cell.chars().map(shown).collect()
}

/// Lays out columns side by side and never breaks a value: ids must stay whole for copying. `right` are those of numbers.
pub fn columns<const N: usize>(head: [&str; N], right: &[usize], rows: &[[String; N]]) -> String {
    let head = head.map(ToOwned::to_owned);
    let lines = || std::iter::once(&head).chain(rows);
    let widths: Vec<usize> =
        (0..N).map(|at| lines().map(|line| line[at].chars().count()).max().unwrap_or_default()).collect();
    let cell = |line: &[String; N], at: usize| {
        let width = widths[at];
        if right.contains(&at) { format!("{:>width$}", line[at]) } else { format!("{:width$}", line[at]) }
    };
    let laid_out = |line| {
        let cells: Vec<String> = (0..N).map(|at| cell(line, at)).collect();
        cells.join(" ").trim_end().to_owned()
    };
    lines().map(laid_out).collect::<Vec<_>>().join("\n")
}
