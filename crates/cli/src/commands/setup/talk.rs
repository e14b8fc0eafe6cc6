//! A set-up in the terminal: the same steps as everywhere, one question after the other.

use crate::commands::named::wrapped;
use crate::stop::Stop;
use crate::{Failure, output};
use inquire::{InquireError, Password, PasswordDisplayMode, Select, Text};
use std::time::Duration;
use tokio::sync::oneshot;
use twinwire_core::setup::Goes;
use twinwire_engine::Engine;
use twinwire_engine::setup::SetupError;
use twinwire_engine::setup::session::{self, Said, Session, Word};
use twinwire_engine::setup::view::{self, Question, Section, Step, View};

/// How often it is looked whether the helpdesk's user has connected the channel.
const LOOK: Duration = Duration::from_secs(1);

/// Goes through the steps of a set-up, until the channel works or the person has had enough.
pub(super) async fn through(engine: &Engine, session: Session) -> Result<(), Failure> {
    let id = session.id().to_owned();
    let mut stop = Stop::listen()?;
    tokio::select! {
        done = steps(engine, session) => match done {
            Err(Talk::Stopped) => Err(stopped(&id)),
            Err(Talk::Failed(failure)) => Err(failure),
            Ok(()) => Ok(()),
        },
        () = stop.asked() => Err(stopped(&id)),
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

async fn steps(engine: &Engine, mut session: Session) -> Result<(), Talk> {
    let (mut waiting, mut told) = (false, false);
    loop {
        let shown = view::of(engine, &session).await.map_err(super::failure)?;
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
                Said::Continue
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
                session = session::look(engine, session.id()).await.map_err(super::failure)?;
                continue;
            }
            Step::Done { todo } => {
                tell(todo);
                let channel = shown.channel.as_deref().unwrap_or_default();
                output::say("");
                output::say(&format!("{} has connected the channel {channel}.", session.names().0));
                return Ok(());
            }
        };
        session = match session::say(engine, session.id(), Some(session.version()), said).await {
            Ok(session) => session,
            Err(error @ SetupError::Overtaken) => {
                output::complain(&error.to_string());
                session::look(engine, session.id()).await.map_err(super::failure)?
            }
            Err(error) => return Err(Talk::Failed(super::failure(error))),
        };
    }
}

fn lacking(missing: &[view::Variable]) -> Failure {
    let one = |one: &view::Variable| format!("`{}` is not set: {}", one.variable, one.prompt);
    Failure::Usage(missing.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn made(shown: &View) {
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
async fn ask(shown: &View, question: &Question) -> Result<Said, Talk> {
    output::say("");
    let last = if question.required { "" } else { "; may be left empty" };
    output::say(&format!("{} ({} of {}{last})", question.at, question.nth, question.of));
    for (text, first) in [(question.prompt, ""), (question.help, "  ")] {
        say_all(&wrapped(text, first, "  "));
    }
    if let Some(wrong) = &question.wrong {
        say_all(&wrapped(wrong, "! ", "  "));
    }
    if question.given && question.secret {
        output::say("  Left empty, it stays what you gave before.");
    }
    let (name, secret, default) = (question.setting, question.secret, question.default.clone());
    let answered = prompted(move || {
        if secret {
            let password = Password::new(name).without_confirmation();
            return password.with_display_mode(PasswordDisplayMode::Masked).prompt();
        }
        let text = Text::new(name);
        match &default {
            Some(default) => text.with_initial_value(default).prompt(),
            None => text.prompt(),
        }
    })
    .await;
    match answered {
        Ok(answer) => Ok(Said::Answer(answer)),
        Err(InquireError::OperationCanceled) => Ok(back(shown, question)),
        Err(error) => Err(broken(error)),
    }
}

/// The question before this one; without one, this one again.
fn back(shown: &View, question: &Question) -> Said {
    let before = shown.answered.iter().take_while(|name| **name != question.setting).last();
    match before {
        Some(name) => Said::Back((*name).to_owned()),
        None => Said::Answers(twinwire_core::setting::Settings::default()),
    }
}

/// Asks what is to become of the number's webhook.
async fn confirm(at: &str, now: &Goes, url: &str) -> Result<Said, Talk> {
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
            ((LEAVE, Word::Leave), ("Take it over: the other application gets none", Word::TakeOver))
        }
        _ => (("Set it from here", Word::Set), (LEAVE, Word::Leave)),
    };
    let chosen = prompted(move || Select::new("webhook", vec![first.0, second.0]).prompt()).await;
    match chosen {
        Ok(chosen) if chosen == first.0 => Ok(Said::Webhook(first.1)),
        Ok(_) => Ok(Said::Webhook(second.1)),
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
