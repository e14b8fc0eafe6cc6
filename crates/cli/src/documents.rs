//! Every command that the documents name is one that the program understands.

use crate::Cli;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use std::fs;
use std::path::{Path, PathBuf};

/// A command as a document has it.
struct Found {
    /// In which document.
    page: PathBuf,
    /// The words of it.
    text: String,
    /// It stands in a sentence, where `twinwire why` alone may be spoken of.
    in_a_sentence: bool,
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for folder in ["docs", "docs/decisions", "deploy"] {
        pages.extend(fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().path()));
    }
    for folder in fs::read_dir(root.join("crates/connectors/src")).unwrap() {
        pages.push(folder.unwrap().path().join("README.md"));
    }
    pages.retain(|page| page.extension().is_some_and(|end| end == "md") && page.exists());
    pages.sort();
    pages
}

fn commands(page: &Path) -> Vec<Found> {
    let text = fs::read_to_string(page).unwrap().replace("\\|", "|");
    let mut parts = text.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| format!("{} {}", text.trim_end(), part.trim_start()));
    let mut found = Vec::new();
    let (mut fenced, mut begun) = (None, String::new());
    for line in text.lines() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            fenced = if fenced.is_some() { None } else { Some(kind) };
            continue;
        }
        // What a command prints stands below it.
        if fenced == Some("console") && !line.starts_with("$ ") {
            continue;
        }
        let mut add = |text: &str, in_a_sentence| {
            if let Some(at) = begins(text) {
                found.push(Found { page: page.to_owned(), text: text[at..].to_owned(), in_a_sentence });
            }
        };
        if fenced.is_some() || line.starts_with("    ") {
            // A query goes on over several lines.
            begun.push_str(line.trim());
            if begun.matches('"').count() % 2 == 1 {
                begun.push(' ');
                continue;
            }
            add(begun.trim_start_matches("$ "), false);
            begun.clear();
        } else {
            line.split('`').skip(1).step_by(2).for_each(|span| add(span, true));
        }
    }
    found
}

/// Where a command of ours begins in a line: at its start, or behind what runs it.
fn begins(line: &str) -> Option<usize> {
    ["", "docker compose exec api "].into_iter().find_map(|before| {
        let rest = line.strip_prefix(before)?;
        (rest == "twinwire" || rest.starts_with("twinwire ")).then_some(before.len())
    })
}

/// The words that a shell would hand over, with something in the place of what a reader fills in.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut open) = (String::new(), false, false);
    let mut letters = filled_in(text).chars().collect::<Vec<_>>().into_iter().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => (quoted, open) = (!quoted, true),
            ' ' if !quoted => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
                // What comes now is the shell's matter, or a remark.
                if matches!(letters.peek(), Some(' ' | '#' | '|' | '>' | '<' | '&' | ';')) {
                    return words;
                }
            }
            letter => word.push(letter),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words.retain(|word| word != "…");
    words
}

/// `<channel>` is a 1, `[--wait]` is there, and of `a|b` the first is taken.
fn filled_in(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        match after.split_once('>') {
            Some((what, after)) if !what.is_empty() && !what.contains('.') => {
                out.push_str(if what == "shell" { "bash" } else { "1" });
                rest = after;
            }
            _ => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    let whole = out.contains('"');
    let one = |word: &str| match word.split_once('|') {
        Some((first, second)) if !first.is_empty() && !second.is_empty() && !whole => first.to_owned(),
        _ if whole => word.to_owned(),
        _ => word.trim_matches(['[', ']']).to_owned(),
    };
    out.split(' ').map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_command_of_the_documents_is_one_of_the_program() {
    let found: Vec<Found> = pages().iter().flat_map(|page| commands(page)).collect();
    assert!(found.len() > 150, "only {} commands were found", found.len());
    let mut wrong = Vec::new();
    for one in &found {
        let Err(error) = Cli::try_parse_from(words(&one.text)) else { continue };
        let mentioned = matches!(
            error.kind(),
            ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if !(asked || one.in_a_sentence && mentioned) {
            let page = one.page.file_name().unwrap_or_default().to_string_lossy().into_owned();
            wrong.push(format!("{page}: {}\n    {}", one.text, error.to_string().replace('\n', "\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn words_are_those_that_a_shell_hands_over() {
    for (text, wanted) in [
        ("twinwire why <message> --full", &["twinwire", "why", "1", "--full"][..]),
        ("twinwire sql \"select 1 | 2\" | head", &["twinwire", "sql", "select 1 | 2"]),
        (
            "twinwire tokens create a --scope read|admin # once",
            &["twinwire", "tokens", "create", "a", "--scope", "read"],
        ),
        ("twinwire setup x --set a=- <key.txt", &["twinwire", "setup", "x", "--set", "a=-"]),
        (
            "twinwire settle 1 --not-arrived [--retry [--wait]]",
            &["twinwire", "settle", "1", "--not-arrived", "--retry", "--wait"],
        ),
    ] {
        assert_eq!(words(text), wanted, "{text}");
    }
}

#[test]
fn every_connector_has_a_page_and_the_readme_links_every_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let all = fs::read_to_string(root.join("README.md")).unwrap();
    for file in fs::read_dir(root.join("docs")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|end| end == "md") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            assert!(all.contains(&format!("(docs/{name}")), "README.md has no link to docs/{name}");
        }
    }
    for connector in twinwire_connectors::ALL {
        let page = format!("crates/connectors/src/{}/README.md", connector.name());
        assert!(root.join(&page).exists(), "{page} is missing");
        assert!(all.contains(&format!("({page})")), "README.md has no link to {page}");
    }
}
