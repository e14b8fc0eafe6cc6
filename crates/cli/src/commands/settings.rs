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
            output::say(&format!("    default: {}", setting.default.replace('`', "")));
        }
        for line in wrapped(&setting.meaning.replace('`', ""), "    ", "    ") {
            output::say(&line);
        }
    }
    Ok(())
}
