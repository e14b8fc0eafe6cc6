//! The verdict in words, for a terminal of 80 columns.

use super::verdict::{Findings, Offences, Verdict};
use crate::output::{self, harmless};
use std::collections::BTreeMap;

/// Of a terminal.
const WIDTH: usize = 80;
/// Of a line that goes on.
const INDENT: &str = "    ";

/// The table, the offenders, and how to do it again.
pub(super) fn table(verdict: &Verdict) -> String {
    let mut lines = vec![output::columns(["", ""], &[1], &rows(verdict)), String::new()];
    lines.extend(points("killed at", &verdict.counts.killed_at));
    lines.extend(points("stalled at", &verdict.counts.stalled_at));
    if verdict.findings.put_in.with_files > 0 {
        lines.extend(points("faults on files", &verdict.faults_struck_on_files));
    }
    for (what, offences) in verdict.findings.offences() {
        lines.extend(named(what, offences));
    }
    if let Some(evidence) = &verdict.evidence {
        lines.extend(folded(&format!("kept: logs and tables in {}", evidence.folder)));
        lines.push(format!("kept: database {}", evidence.database));
    }
    lines.extend(folded(&sentence(verdict)));
    lines.extend(folded(&format!("again: {}", verdict.command)));
    lines.join("\n").trim_start().to_owned()
}

fn rows(verdict: &Verdict) -> Vec<[String; 2]> {
    let found = &verdict.findings;
    let mut rows = put_in(found);
    rows.extend(trouble(verdict));
    rows.push(row("failures told to the agent, once each", found.told));
    if found.put_in.with_files > 0 {
        rows.push(row("  of these: a provider could not fetch a file", found.files_not_fetched));
        rows.push(row("customers' messages without a file, which say so", found.arrived_without_a_file));
    }
    rows.extend(found.parked.iter().map(|(reason, count)| row(&format!("parked: {reason}"), *count)));
    if found.left_to_the_operator > 0 {
        rows.push(row("left to the operator: ambiguous", found.left_to_the_operator));
    }
    if found.put_in.strangers > 0 {
        rows.push(row("first texts of strangers", found.put_in.strangers));
        rows.push(row("  shown again (see docs/CHAOS.md)", found.first_texts_shown_again));
    }
    rows.push(row("texts that changed places within a second", found.order_left_open));
    rows.push(["seconds of chaos".to_owned(), format!("{:.1}", verdict.seconds_of_chaos)]);
    rows.push(["seconds to settle".to_owned(), format!("{:.1}", verdict.seconds_to_settle)]);
    rows.extend(found.offences().map(|(what, offences)| row(&what.to_uppercase(), offences.count)));
    rows
}

fn row(what: &str, number: usize) -> [String; 2] {
    [what.to_owned(), number.to_string()]
}

/// By whom, and at which provider.
fn put_in(found: &Findings) -> Vec<[String; 2]> {
    let mut rows = vec![
        row("put in by agents (one for each recipient)", found.put_in.agents),
        row("put in by customers", found.put_in.customers),
        row("put in by another application", found.put_in.applications),
    ];
    let at = found.put_in_at.iter();
    rows.extend(at.map(|(title, put_in)| row(&format!("  of all these at {title}"), put_in.messages())));
    if found.put_in.with_files + found.texts_in_a_part > 0 {
        rows.push(row("  with files", found.put_in.with_files));
        rows.push(row("  the text itself in a file", found.texts_in_a_part));
    }
    if found.put_in.in_parts > 0 {
        rows.push(row("  long ones, sent in parts", found.put_in.in_parts));
    }
    rows
}

/// What was done to the workers and around them.
fn trouble(verdict: &Verdict) -> Vec<[String; 2]> {
    let counts = &verdict.counts;
    let mut rows = vec![
        row("workers killed", verdict.kills),
        row("  at a random moment", counts.killed_at_random),
        row("  at a point of their work", verdict.kills - counts.killed_at_random),
        row("  of these with a call under way", counts.killed_with_a_call),
        row("  after the last message was put in", counts.killed_after_the_last),
        row("workers stalled", verdict.stalls),
        row("  channels taken over meanwhile", counts.taken_over),
        row("database restarts", counts.database_restarts),
        row("outages of a vendor", counts.outages),
        row("faults struck", verdict.faults_struck),
    ];
    let at = verdict.faults_struck_at.iter();
    rows.extend(at.map(|(vendor, struck)| row(&format!("  of these at {vendor}"), *struck)));
    rows.push(row("  of these on files", verdict.faults_struck_on_files.values().sum()));
    rows
}

fn points(what: &str, counts: &BTreeMap<&'static str, usize>) -> Vec<String> {
    let all: Vec<String> = counts.iter().map(|(point, count)| format!("{point} {count}")).collect();
    folded(&format!("{what}: {}", all.join(", ")))
}

fn named(what: &str, offences: &Offences) -> Vec<String> {
    if offences.count == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!("{what}, the first {}:", offences.examples.len())];
    for example in &offences.examples {
        let one_line: Vec<&str> = example.split_whitespace().collect();
        lines.extend(folded(&format!("- {}", harmless(&one_line.join(" ")))));
    }
    lines
}

fn sentence(verdict: &Verdict) -> String {
    let again = verdict.findings.first_texts_shown_again;
    match (verdict.passed, again) {
        (true, 0) => "Passed: every message once, in order, and every failure told.".to_owned(),
        (true, again) => format!(
            "Passed: every message once, in order, and every failure told, but for {again} first texts of strangers \
             shown again, see docs/CHAOS.md."
        ),
        (false, _) if verdict.findings.is_clean() => format!("NOT SHOWN: {}.", shortfall(verdict)),
        (false, _) => format!("Failed: {}.", shortfall(verdict)),
    }
}

/// What is wrong, in a few words.
pub(super) fn shortfall(verdict: &Verdict) -> String {
    let offences = verdict.findings.offences();
    let wrong = offences.iter().filter(|(_, offences)| offences.count > 0);
    let wrong = wrong.map(|(what, offences)| format!("{} {what}", offences.count));
    let words: Vec<String> = wrong.chain(verdict.findings.not_shown.iter().cloned()).collect();
    words.join(", ")
}

/// Lines of at most 80 columns, broken at spaces, and within a word that is longer than a line.
fn folded(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        let pieces = letters.chunks(WIDTH - INDENT.len()).map(|piece| piece.iter().collect::<String>());
        for piece in pieces {
            let room = |line: &&mut String| line.chars().count() + 1 + piece.chars().count() <= WIDTH;
            match lines.last_mut().filter(room) {
                Some(line) => {
                    line.push_str(if line.is_empty() { "" } else { " " });
                    line.push_str(&piece);
                }
                None => lines.push(format!("{INDENT}{piece}")),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let long = format!("a {} b", "x".repeat(200));
        assert!(folded(&long).iter().all(|line| line.chars().count() <= WIDTH), "{:?}", folded(&long));
        assert_eq!(folded("a b"), ["a b"]);
    }
}
