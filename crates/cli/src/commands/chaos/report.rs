//! The verdict in words, for a terminal of 80 columns.

use super::verdict::{Offences, Verdict};
use crate::output;
use std::collections::BTreeMap;

/// The table, the offenders, and how to do it again.
pub(super) fn table(verdict: &Verdict) -> String {
    let mut lines = vec![output::columns(["", ""], &[1], &rows(verdict)), String::new()];
    lines.extend(points("killed at", &verdict.counts.killed_at));
    lines.extend(points("stalled at", &verdict.counts.stalled_at));
    for (what, offences) in verdict.findings.offences() {
        lines.extend(named(what, offences));
    }
    if let Some(evidence) = &verdict.evidence {
        lines.push(format!("kept: {} (logs and tables)", evidence.folder));
        lines.push(format!("kept: database {}", evidence.database));
    }
    lines.push(sentence(verdict));
    lines.push("again:".to_owned());
    lines.extend(folded(&verdict.command));
    lines.join("\n").trim_start().to_owned()
}

fn rows(verdict: &Verdict) -> Vec<[String; 2]> {
    let (found, counts) = (&verdict.findings, &verdict.counts);
    let put_in = found.put_in;
    let row = |what: &str, number: usize| [what.to_owned(), number.to_string()];
    let mut rows = vec![
        row("put in by agents (one for each recipient)", put_in.agents),
        row("put in by customers", put_in.customers),
        row("put in by another application", put_in.applications),
        row("workers killed", verdict.kills),
        row("  at a random moment", counts.killed_at_random),
        row("  at a point of their work", verdict.kills - counts.killed_at_random),
        row("workers stalled", verdict.stalls),
        row("database restarts", counts.database_restarts),
        row("outages of a vendor", counts.outages),
        row("faults struck", verdict.faults_struck),
        row("failures told to the agent, once each", found.told),
    ];
    rows.extend(found.parked.iter().map(|(reason, count)| row(&format!("parked: {reason}"), *count)));
    if put_in.strangers > 0 {
        rows.push(row("first texts of strangers", put_in.strangers));
        rows.push(row("  shown again (see docs/CHAOS.md)", found.first_texts_shown_again));
    }
    rows.push(row("texts that changed places within a second", found.order_left_open));
    rows.push(["seconds of chaos".to_owned(), format!("{:.1}", verdict.seconds_of_chaos)]);
    rows.push(["seconds to settle".to_owned(), format!("{:.1}", verdict.seconds_to_settle)]);
    rows.extend(found.offences().map(|(what, offences)| row(&what.to_uppercase(), offences.count)));
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
    lines.extend(offences.examples.iter().map(|example| format!("  - {example}")));
    lines
}

fn sentence(verdict: &Verdict) -> String {
    if verdict.passed {
        "Passed: every message once, in order, and every failure told.".to_owned()
    } else {
        format!("Failed: {}.", shortfall(verdict))
    }
}

/// What is wrong, in a few words.
pub(super) fn shortfall(verdict: &Verdict) -> String {
    let offences = verdict.findings.offences();
    let wrong = offences.iter().filter(|(_, offences)| offences.count > 0);
    let words: Vec<String> = wrong.map(|(what, offences)| format!("{} {what}", offences.count)).collect();
    words.join(", ")
}

/// Lines of at most 80 columns, broken at spaces.
fn folded(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= 80);
        match line {
            Some(line) => {
                line.push_str(if line.is_empty() { "  " } else { " " });
                line.push_str(word);
            }
            None => lines.push(format!("    {word}")),
        }
    }
    lines
}
