//! The figures, beside what they are to be.

use std::fmt::Write as _;
use std::io::{self, Write};

/// A figure.
#[derive(Clone, Debug)]
struct Figure {
    what: String,
    measured: String,
    target: String,
    /// Whether it is as it is to be; none where nothing was asked.
    met: Option<bool>,
}

/// All figures of a run.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    machine: String,
    figures: Vec<Figure>,
    notes: Vec<(String, String)>,
}

impl Report {
    /// Nothing is measured yet.
    pub(crate) fn new(machine: String) -> Self {
        Self { machine, figures: Vec::new(), notes: Vec::new() }
    }

    /// A figure without a target.
    pub(crate) fn state(&mut self, what: &str, measured: impl Into<String>) {
        self.add(what, measured.into(), String::new(), None);
    }

    /// A figure that is to be at least so much.
    pub(crate) fn at_least(&mut self, what: &str, value: f64, unit: &str, target: f64) {
        self.add(what, number(value, unit), format!("≥ {}", number(target, unit)), Some(value >= target));
    }

    /// A figure that is to be at most so much.
    pub(crate) fn at_most(&mut self, what: &str, value: f64, unit: &str, target: f64) {
        self.add(what, number(value, unit), format!("≤ {}", number(target, unit)), Some(value <= target));
    }

    /// Something longer, such as a plan of Postgres.
    pub(crate) fn note(&mut self, title: &str, text: impl Into<String>) {
        self.notes.push((title.to_owned(), text.into()));
    }

    fn add(&mut self, what: &str, measured: String, target: String, met: Option<bool>) {
        let figure = Figure { what: what.to_owned(), measured, target, met };
        // What was measured is seen at once: a later measure may take minutes, or fail.
        writeln!(io::stderr(), "{}: {} {}", figure.what, figure.measured, figure.target).ok();
        self.figures.push(figure);
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n| measure | measured | target | |\n|---|---|---|---|\n", self.machine);
        for Figure { what, measured, target, met } in &self.figures {
            let met = match met {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "",
            };
            writeln!(text, "| {what} | {measured} | {target} | {met} |").ok();
        }
        for (title, note) in &self.notes {
            write!(text, "\n### {title}\n\n```text\n{}\n```\n", note.trim_end()).ok();
        }
        text
    }

    /// To the standard output.
    pub(crate) fn print(&self) -> io::Result<()> {
        io::stdout().write_all(self.markdown().as_bytes())
    }
}

fn number(value: f64, unit: &str) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}
