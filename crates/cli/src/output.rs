//! What commands print: values on standard output, everything else on standard error.

use crate::commands::named::{WIDTH, wrapped};
use crate::{Failure, Outcome};
use chrono::{DateTime, Utc};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Prints a line of the result, for people: nothing in it that a terminal would obey.
pub fn say(line: &str) {
    exactly(&harmless(line));
}

/// Prints a line for people beside the result; the same holds for it.
pub fn complain(line: &str) {
    writeln!(std::io::stderr(), "{}", harmless(line)).ok();
}

/// Says why a command did not do what was asked: on a terminal in lines that fit it, elsewhere in lines for `grep`.
pub fn error(words: &str) {
    if std::io::stderr().is_terminal() { complain(&fitted(words)) } else { complain(words) }
}

/// Breaks lines that are wider than a terminal, between words; what follows is indented. No word is cut, for it may be an
/// address to copy; nor is a line that is set off, which is a command.
fn fitted(text: &str) -> String {
    let fit = |line: &str| {
        if line.starts_with(' ') || line.chars().count() <= WIDTH {
            return line.to_owned();
        }
        let (mut fitted, mut used) = (String::new(), 0);
        for word in line.split(' ') {
            let wide = word.chars().count();
            let (between, before) = match used {
                0 => ("", 0),
                used if used + 1 + wide > WIDTH => ("\n  ", 2),
                used => (" ", used + 1),
            };
            fitted.push_str(between);
            fitted.push_str(word);
            used = before + wide;
        }
        fitted
    };
    text.lines().map(fit).collect::<Vec<_>>().join("\n")
}

/// Prints a line as it is, for programs: they get every byte. A terminal is no program.
pub fn data(line: &str) {
    if std::io::stdout().is_terminal() { say(line) } else { exactly(line) }
}

fn exactly(line: &str) {
    // A reader that has gone away (`| head`) is no error of ours.
    writeln!(std::io::stdout(), "{line}").ok();
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    // Some that a terminal would obey JSON leaves as they are. They stand in strings alone, where the escape is the same.
    let escaped = |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    exactly(&serde_json::to_string(value)?.chars().map(escaped).collect::<String>());
    Ok(())
}

/// Says how to see the next page of a list, if there is one.
pub fn more(next: Option<&str>) {
    if let Some(next) = next {
        complain(&format!("There are more: the same with --before {next}"));
    }
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

/// How wide the terminal is; none where the output goes elsewhere.
pub fn width() -> Option<usize> {
    Table::new().width().map(usize::from)
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
    write!(std::io::stderr(), "{} [y/N] ", harmless(question))?;
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
    // Before they are measured; and a line of a stranger's own would look like one of ours.
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| harmless(cell).replace('\n', "\\n"))).collect();
    let lines = || std::iter::once(&head).chain(&rows);
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

#[cfg(test)]
mod tests {
    use super::{columns, fitted};

    #[test]
    fn an_error_fits_a_terminal_and_no_word_of_it_is_cut() {
        let (short, address) = ("error: no", format!("https://example.com/{}", "a".repeat(90)));
        assert_eq!(fitted(short), short);
        let long = format!("error: {}see {address} for it", "words and more ".repeat(9));
        let shown = fitted(&long);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1..].iter().all(|line| line.starts_with("  ") && !line.starts_with("   ")), "{shown}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80 || line.trim() == address), "{shown}");
        assert_eq!(lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "), long);
        let command = format!("run:\n    twinwire {}", "word ".repeat(30));
        assert_eq!(fitted(&command), command);
    }

    #[test]
    fn nothing_in_a_column_reaches_the_terminal_as_more_than_text() {
        // The title of the window, and a line that would look like another row.
        let event = "message\u{1b}]0;owned\u{7}\nwebhook 9".to_owned();
        let rows = [[event, "one".to_owned()], ["short".to_owned(), "two".to_owned()]];
        let shown = columns(["event", "channel"], &[], &rows);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.len() == 3 && !shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        let second = |line: &str| line.rfind(' ');
        assert_eq!(second(lines[1]), second(lines[2]), "{shown}");
    }
}
