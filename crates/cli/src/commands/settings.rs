//! `twinwire settings`

use crate::commands::named::wrapped;
use crate::{Outcome, output, settings};
use serde_json::json;

/// Every setting with its default and meaning. Nothing is read and nothing is shown of what is set.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print docs/CONFIGURATION.md
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    if args.markdown {
        output::say(settings::markdown().trim_end());
        return Ok(());
    }
    let all = settings::all();
    if args.json {
        let listed: Vec<_> = all
            .iter()
            .map(|setting| {
                json!({
                    "name": setting.name,
                    "variable": setting.variable(),
                    "default": setting.default,
                    "meaning": setting.meaning,
                    "secret": setting.secret,
                    "reloads": setting.reloads,
                })
            })
            .collect();
        output::json(&listed)?;
        return Ok(());
    }
    for setting in all {
        output::say(&setting.variable());
        if !setting.default.is_empty() {
            output::say(&format!("    default: {}", plain(&setting.default)));
        }
        for line in wrapped(&plain(&setting.meaning), "    ", "    ") {
            output::say(&line);
        }
    }
    Ok(())
}

/// The page's words for a terminal: without its quotes, and with the file's name for each link to another page.
fn plain(words: &str) -> String {
    let words = words.replace('`', "");
    let mut pieces = words.split('[');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let link = piece.split_once("](").and_then(|(text, rest)| Some((text, rest.split_once(')')?)));
        let Some((text, (target, rest))) = link else {
            out.push('[');
            out.push_str(piece);
            continue;
        };
        let page = target.split('#').next().unwrap_or_default();
        if text != page {
            out.push_str(text);
            out.push_str(", see ");
        }
        out.push_str("docs/");
        out.push_str(page);
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_name_of_its_page() {
        assert_eq!(
            plain("`yes`: told by [NOTIFY](A.md#b), always"),
            "yes: told by NOTIFY, see docs/A.md, always"
        );
        assert_eq!(plain("thirteen ([A.md](A.md#b))"), "thirteen (docs/A.md)");
        assert_eq!(plain("a [b] c](d"), "a [b] c](d");
        for setting in settings::all() {
            assert!(!plain(setting.meaning.as_ref()).contains("]("), "{}", setting.name);
        }
    }
}
