//! A set-up in the terminal: the same steps as everywhere, one question after the other.

use crate::client::{self, Client, Path};
use crate::commands::named::wrapped;
use crate::stop::{Held, Stop};
use crate::{Failure, output};
use inquire::{InquireError, Password, PasswordDisplayMode, Select, Text};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;
use tokio::sync::oneshot;
use twinwire_api::setup::forms::{Question, Say, Saying, Section, SetupView, Step, Variable, Webhook};
use twinwire_core::setup::Goes;

/// How often it is looked whether the helpdesk's user has connected the channel.
const LOOK: Duration = Duration::from_secs(1);

/// Goes through the steps of a set-up, until the channel works or the person has had enough.
pub(super) async fn through(client: &Client, view: SetupView) -> Result<(), Failure> {
    let id = view.setup.clone();
    let (_held, mut stop) = (Held::new(), Stop::listen()?);
    let _terminal = Terminal::kept();
    tokio::select! {
        done = steps(client, view) => match done {
            Err(Talk::Stopped) => Err(stopped(&id)),
            Err(Talk::Failed(failure)) => Err(failure),
            Ok(()) => Ok(()),
        },
        () = stop.asked() => Err(stopped(&id)),
        () = gone() => Err(stopped(&id)),
    }
}

/// Comes when there is no terminal any more. Most programs are hung up then; one that was told to ignore that (`nohup`)
/// would go on asking nobody.
async fn gone() {
    while tcgetattr(std::io::stdin()).is_ok() {
        tokio::time::sleep(LOOK).await;
    }
}

/// The terminal as it was. A prompt that nobody waits for any more would leave it without an echo.
struct Terminal(Option<Termios>);

impl Terminal {
    fn kept() -> Self {
        Self(tcgetattr(std::io::stdin()).ok())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let Some(was) = &self.0 else { return };
        if let Err(error) = tcsetattr(std::io::stdin(), SetArg::TCSANOW, was) {
            tracing::warn!(%error, "the terminal could not be set back: type `reset`");
        }
        // Prompts hide the cursor while they draw.
        let mut out = std::io::stdout();
        out.write_all(b"\x1b[?25h").and_then(|()| out.flush()).ok();
    }
}

fn stopped(id: &str) -> Failure {
    output::complain("");
    Failure::Failed(anyhow::anyhow!(
        "stopped; what was answered is kept for a day. Go on with:\n  twinwire setup --resume {id}"
    ))
}

/// Why a talk ends early.
enum Talk {
    /// The person stops.
    Stopped,
    /// Something else.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Talk {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

async fn steps(client: &Client, mut shown: SetupView) -> Result<(), Talk> {
    let (mut waiting, mut told) = (false, false);
    loop {
        let said = match &shown.step {
            Step::Install { missing, todo } => {
                tell(todo);
                return Err(Talk::Failed(lacking(missing)));
            }
            Step::Ask(question) => ask(&shown, question).await?,
            Step::Confirm { at, now, url } => confirm(at, now, url).await?,
            Step::Show { todo } => {
                made(&shown);
                tell(todo);
                told = true;
                Say::Continue(true)
            }
            Step::Wait { at, todo } => {
                if !waiting {
                    // Whoever goes on later sees it again.
                    if !told {
                        made(&shown);
                        tell(todo);
                    }
                    output::say("");
                    output::say(&format!(
                        "Waiting for {at} to connect the channel. Ctrl-C stops the waiting alone."
                    ));
                    waiting = true;
                }
                tokio::time::sleep(LOOK).await;
                shown = look(client, &shown).await?;
                continue;
            }
            Step::Done { at, todo } => {
                tell(todo);
                let channel = shown.channel.as_deref().unwrap_or_default();
                output::say("");
                output::say(&format!("{at} has connected the channel {channel}."));
                return Ok(());
            }
        };
        let saying = Saying::of(shown.version, said);
        shown = match client.post(&Path::of_setup(&[&shown.setup]), &saying).await {
            Ok(shown) => shown,
            Err(Failure::Failed(error)) if client::is_conflict(&error) => {
                output::complain(&error.to_string());
                look(client, &shown).await?
            }
            Err(failure) => return Err(Talk::Failed(failure)),
        };
    }
}

/// The set-up as it stands now.
async fn look(client: &Client, shown: &SetupView) -> Result<SetupView, Failure> {
    client.get(&Path::of_setup(&[&shown.setup])).await
}

fn lacking(missing: &[Variable]) -> Failure {
    let one = |one: &Variable| format!("`{}` is not set: {}", one.variable, one.prompt);
    Failure::Usage(missing.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn made(shown: &SetupView) {
    if let (Some(channel), Some(number)) = (&shown.channel, &shown.number) {
        output::say("");
        output::say(&format!("Channel {channel} for {number} is ready."));
    }
}

/// Says what is to be done at the vendors. What is pasted stands alone on its line, to be copied.
fn tell(todo: &[Section]) {
    for section in todo {
        output::say("");
        output::say(&format!("At {}:", section.at));
        for (nth, line) in section.lines.iter().enumerate() {
            let first = format!("  {}. ", nth + 1);
            say_all(&wrapped(&line.words, &first, "     "));
            if let Some(paste) = &line.paste {
                output::say(&format!("     {paste}"));
            }
        }
    }
}

fn say_all(lines: &[String]) {
    for line in lines {
        output::say(line);
    }
}

/// Asks one question. Esc goes back to the one before.
async fn ask(shown: &SetupView, question: &Question) -> Result<Say, Talk> {
    output::say("");
    let last = if question.required { "" } else { "; may be left empty" };
    output::say(&format!("{} ({} of {}{last})", question.at, question.nth, question.of));
    for (text, first) in [(&question.prompt, ""), (&question.help, "  ")] {
        say_all(&wrapped(text, first, "  "));
    }
    if let Some(wrong) = &question.wrong {
        say_all(&wrapped(wrong, "! ", "  "));
    }
    if question.given && question.secret {
        output::say("  Left empty, it stays what you gave before.");
    }
    let (name, secret, default) = (question.setting.clone(), question.secret, question.default.clone());
    let answered = prompted(move || {
        if secret {
            let password = Password::new(&name).without_confirmation();
            return password.with_display_mode(PasswordDisplayMode::Masked).prompt();
        }
        let text = Text::new(&name);
        match &default {
            Some(default) => text.with_initial_value(default).prompt(),
            None => text.prompt(),
        }
    })
    .await;
    match answered {
        Ok(answer) => Ok(Say::Answer(answer)),
        Err(InquireError::OperationCanceled) => Ok(back(shown, question)),
        Err(error) => Err(broken(error)),
    }
}

/// The question before this one; without one, this one again.
fn back(shown: &SetupView, question: &Question) -> Say {
    let before = shown.answered.iter().take_while(|name| **name != question.setting).last();
    match before {
        Some(name) => Say::Back(name.clone()),
        None => Say::Answers(BTreeMap::new()),
    }
}

/// Asks what is to become of the number's webhook.
async fn confirm(at: &str, now: &Goes, url: &str) -> Result<Say, Talk> {
    output::say("");
    let words = match now {
        Goes::Elsewhere(to) => format!("At {at}, the number's messages go to another application now: {to}"),
        _ => format!("At {at}, nobody is told of the number's messages yet."),
    };
    say_all(&wrapped(&words, "", "  "));
    output::say("They would come to:");
    output::say(&format!("  {url}"));
    let (first, second) = match now {
        Goes::Elsewhere(_) => {
            ((LEAVE, Webhook::Leave), ("Take it over: the other application gets none", Webhook::TakeOver))
        }
        _ => (("Set it from here", Webhook::Set), (LEAVE, Webhook::Leave)),
    };
    let chosen = prompted(move || Select::new("webhook", vec![first.0, second.0]).prompt()).await;
    match chosen {
        Ok(chosen) if chosen == first.0 => Ok(Say::Webhook(first.1)),
        Ok(_) => Ok(Say::Webhook(second.1)),
        Err(InquireError::OperationCanceled) => Err(Talk::Stopped),
        Err(error) => Err(broken(error)),
    }
}

const LEAVE: &str = "Leave it as it is: I set it myself, or messages come by polling";

fn broken(error: InquireError) -> Talk {
    match error {
        InquireError::OperationInterrupted => Talk::Stopped,
        error => Talk::Failed(Failure::Failed(error.into())),
    }
}

/// Prompts on a thread of its own, which nobody waits for when the person stops otherwise.
async fn prompted<T: Send + 'static>(
    prompt: impl FnOnce() -> Result<T, InquireError> + Send + 'static,
) -> Result<T, InquireError> {
    let (answered, answer) = oneshot::channel();
    std::thread::spawn(move || answered.send(prompt()).is_ok());
    answer.await.unwrap_or(Err(InquireError::OperationInterrupted))
}
