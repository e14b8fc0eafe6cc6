//! `twinwire doctor`

use crate::client::{self, Client, Path};
use crate::commands::named::wrapped;
use crate::config::Config;
use crate::{Failure, Outcome, chain, output};
use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::time::Duration;
use twinwire_api::admin::doctor::{CheckView, Checks, FindingView, Findings};
use twinwire_core::doctor::{Check, Finding, Trouble};

/// Where every trouble has a section of its own.
const PAGE: &str = "docs/OPERATIONS.md";
/// How wide the names of checks and levels are.
const INDENT: usize = 19;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this check, such as `public_url`; may be repeated
    #[arg(long = "check", value_name = "CHECK")]
    checks: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Checks everything, one check after the other, so that something is seen meanwhile. Exit code 1 if anything fails.
pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let mut report = Report { json: args.json, ..Report::default() };
    let asked = client::with(config, async |client| ask(client, args, &mut report).await).await;
    match asked {
        Err(Failure::Failed(error)) if !client::is_refused(&error) => report.add(away(config, &error)),
        other => other?,
    }
    report.end()
}

/// That nobody can be asked at all is a finding as well.
fn away(config: &Config, error: &anyhow::Error) -> FindingView {
    let words = chain(error);
    let finding = match &config.url {
        Some(_) => Finding::of(Check::Installation, Trouble::ServerAway, words)
            .next("On the server itself, `twinwire doctor` without --url says more."),
        None => Finding::of(Check::Database, Trouble::DatabaseAway, words),
    };
    FindingView {
        check: if config.url.is_some() { "server" } else { "database" }.to_owned(),
        ..finding.into()
    }
}

async fn ask(client: &Client, args: &Args, report: &mut Report) -> Outcome {
    let known: Checks = client.get(&Path::of(&["doctor"])).await?;
    if let Some(finding) = version(&known.version) {
        report.add(finding);
    }
    let wanted = |check: &&CheckView| args.checks.is_empty() || args.checks.contains(&check.check);
    if let Some(unknown) = args.checks.iter().find(|word| known.checks.iter().all(|one| one.check != **word))
    {
        let words: Vec<&str> = known.checks.iter().map(|one| one.check.as_str()).collect();
        return Err(Failure::Usage(format!("`{unknown}` is no check; there are: {}", words.join(", "))));
    }
    for check in known.checks.iter().filter(wanted) {
        let spinner = spinner(&check.doing);
        let path = Path::of(&["doctor"]).with("check", Some(&check.check));
        let found: Result<Findings, Failure> = client.post(&path, &json!({})).await;
        spinner.finish_and_clear();
        for finding in found?.findings {
            report.add(finding);
        }
    }
    Ok(())
}

/// A server of another version than this program.
fn version(server: &str) -> Option<FindingView> {
    let own = env!("CARGO_PKG_VERSION");
    (server != own).then(|| {
        let words = format!("The server is Twinwire {server}, and this program {own}.");
        Finding::of(Check::Installation, Trouble::VersionDiffers, words)
            .next("Bring both to the same version.")
            .into()
    })
}

/// On a terminal only.
fn spinner(doing: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message(doing.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// What was found so far.
#[derive(Default)]
struct Report {
    json: bool,
    findings: Vec<FindingView>,
}

impl Report {
    /// Takes a finding, and shows it at once.
    fn add(&mut self, finding: FindingView) {
        if !self.json {
            for line in lines(&finding) {
                output::say(&line);
            }
        }
        self.findings.push(finding);
    }

    fn end(self) -> Outcome {
        let count = |level: &str| self.findings.iter().filter(|one| one.level == level).count();
        let (fail, warn) = (count("fail"), count("warn"));
        if self.json {
            output::json(&json!({ "well": fail == 0, "findings": self.findings }))?;
        } else if fail == 0 {
            output::say("");
            output::say(&match warn {
                0 => "All is well.".to_owned(),
                warn => format!("It works, with {} to look at.", counted(warn, "thing")),
            });
        }
        match (fail, warn) {
            (0, _) => Ok(()),
            (fail, 0) => Err(Failure::Failed(anyhow!("not well: {} wrong", counted(fail, "thing")))),
            (fail, warn) => {
                let wrong = counted(fail, "thing");
                Err(Failure::Failed(anyhow!("not well: {wrong} wrong, and {warn} more to look at")))
            }
        }
    }
}

fn counted(count: usize, of: &str) -> String {
    if count == 1 { format!("1 {of}") } else { format!("{count} {of}s") }
}

/// A finding in lines of a terminal. What is a command stands alone on its line, to be copied.
fn lines(finding: &FindingView) -> Vec<String> {
    let (check, level) = (finding.check.replace('_', " "), finding.level.as_str());
    let indent = " ".repeat(INDENT);
    let about = finding.about.as_ref().map(|id| format!("{id}: ")).unwrap_or_default();
    let words = output::harmless(&format!("{about}{}", finding.words));
    let mut lines = wrapped(&words, &format!("{check:<13} {level:<4} "), &indent);
    for next in &finding.next {
        let next = output::harmless(next);
        if next.starts_with("twinwire ") {
            lines.push(format!("    {next}"));
        } else {
            lines.extend(wrapped(&next, &indent, &indent));
        }
    }
    lines.extend(finding.trouble.as_ref().map(|word| format!("{indent}{PAGE}#{word}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_fits_a_terminal_and_its_commands_stay_whole() {
        let words =
            "SignalWire sends the number's messages to another address, at other.example.com. ".repeat(3);
        let finding = Finding::of(Check::Webhooks, Trouble::WebhookElsewhere, words)
            .about("chn_2m7Xw0aT5kQ")
            .next("If the public address has changed, or that application is to be replaced:")
            .next("twinwire setup --channel chn_2m7Xw0aT5kQ --take-over-webhook");
        let lines = lines(&finding.into());
        assert!(lines[0].starts_with("webhooks      fail chn_2m7Xw0aT5kQ: SignalWire"), "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:?}");
        assert!(
            lines
                .iter()
                .any(|line| line.trim() == "twinwire setup --channel chn_2m7Xw0aT5kQ --take-over-webhook")
        );
        assert_eq!(lines.last().unwrap().trim(), "docs/OPERATIONS.md#webhook-elsewhere");
    }

    #[test]
    fn a_server_of_the_same_version_is_no_finding() {
        assert_eq!(version(env!("CARGO_PKG_VERSION")), None);
        assert_eq!(version("0.0.0").unwrap().trouble.as_deref(), Some("version-differs"));
    }
}
