//! Lists, as every command prints them: JSON for programs, a table of 80 columns for people, and where there is nothing, words
//! that name the next command.

use crate::commands::named::{WIDTH, wrapped};
use crate::{Outcome, output};
use serde::Serialize;

/// The cells of one thing.
type Row<T, const N: usize> = Box<dyn Fn(&T) -> [String; N]>;
/// What stands under the line of one thing, if anything.
type Under<T> = Box<dyn Fn(&T) -> Option<String>>;

/// How things of one kind are listed.
pub(crate) struct Listing<T, const N: usize> {
    /// What stands over the columns.
    head: [&'static str; N],
    /// Which of them are numbers.
    right: &'static [usize],
    /// The cells of one. The last cell gives way where the line is too long; the others stay whole, ids for copying.
    row: Row<T, N>,
    /// What stands under its line, if anything.
    under: Under<T>,
    /// What is said where there is none.
    none: String,
}

impl<T, const N: usize> Listing<T, N> {
    /// Columns, what stands in them, and what is said where there is none.
    pub(crate) fn new(
        head: [&'static str; N],
        row: impl Fn(&T) -> [String; N] + 'static,
        none: impl Into<String>,
    ) -> Self {
        Self { head, right: &[], row: Box::new(row), under: Box::new(|_| None), none: none.into() }
    }

    /// With columns of numbers.
    pub(crate) fn numbers(mut self, right: &'static [usize]) -> Self {
        self.right = right;
        self
    }

    /// With something under each line.
    pub(crate) fn under(mut self, under: impl Fn(&T) -> Option<String> + 'static) -> Self {
        self.under = Box::new(under);
        self
    }

    /// Prints the list. As JSON it is an array.
    pub(crate) fn print(&self, things: &[T], json: bool) -> Outcome
    where
        T: Serialize,
    {
        if json {
            return Ok(output::json(&things)?);
        }
        self.lines(things).iter().for_each(|line| output::say(line));
        Ok(())
    }

    /// Prints a page of a longer list. As JSON it is `whole`, with the place of the next page.
    pub(crate) fn print_page(
        &self,
        things: &[T],
        next: Option<&str>,
        whole: &impl Serialize,
        json: bool,
    ) -> Outcome {
        if json {
            return Ok(output::json(whole)?);
        }
        self.lines(things).iter().for_each(|line| output::say(line));
        if let Some(next) = next {
            output::complain(&format!("There are more: the same with --before {next}"));
        }
        Ok(())
    }

    /// What people are shown.
    pub(crate) fn lines(&self, things: &[T]) -> Vec<String> {
        if things.is_empty() {
            return wrapped(&self.none, "", "");
        }
        let cells = |thing| (self.row)(thing).map(|cell| output::harmless(&cell).replace('\n', " "));
        let rows: Vec<_> = things.iter().map(cells).collect();
        let table = output::columns(self.head, self.right, &rows);
        let mut lines = table.lines().map(cut);
        let mut all: Vec<String> = lines.next().into_iter().collect();
        for (line, thing) in lines.zip(things) {
            all.push(line);
            let under = (self.under)(thing).map(|text| wrapped(&output::harmless(&text), "    ", "    "));
            all.extend(under.into_iter().flatten());
        }
        all
    }
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let kept: String = line.chars().take(WIDTH - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing<(u32, &'static str), 2> {
        let row = |(number, word): &(u32, &str)| [number.to_string(), (*word).to_owned()];
        let under = |(number, word): &(u32, &str)| (*number > 9).then(|| format!("under {word}"));
        Listing::new(["number", "word"], row, "There is none.").numbers(&[0]).under(under)
    }

    #[test]
    fn a_list_is_a_table_with_what_stands_under_its_lines() {
        assert_eq!(
            listing().lines(&[(1, "one"), (10, "ten")]),
            ["number word", "     1 one", "    10 ten", "    under ten"]
        );
        assert_eq!(listing().lines(&[]), ["There is none."]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_where_a_terminal_ends_and_what_a_stranger_wrote_does_nothing_to_it() {
        let long: &'static str = "é ".repeat(100).leak();
        let lines = listing().lines(&[(1, long), (2, "a\nb\u{1b}[2J")]);
        assert!(lines[1].ends_with('…') && lines[1].chars().count() <= WIDTH, "{lines:?}");
        assert_eq!(lines[2], "     2 a b\\u{1b}[2J");
    }
}
