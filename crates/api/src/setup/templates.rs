//! The pages. What is shown is escaped by the templates.

use askama::Template;
use twinwire_core::setup::Goes;
use twinwire_engine::setup::view::{Section, Step, View};

/// A step.
#[derive(Template)]
#[template(path = "step.html")]
pub(super) struct StepPage<'a> {
    pub(super) names: (&'a str, &'a str),
    pub(super) view: &'a View,
    pub(super) form_token: &'a str,
    /// What went wrong with what was done last.
    pub(super) wrong: Option<&'a str>,
}

impl StepPage<'_> {
    fn title(&self) -> String {
        match &self.view.step {
            Step::Install { .. } => "Settings of the installation".to_owned(),
            Step::Ask(question) => question.prompt.to_owned(),
            Step::Confirm { at, .. } => format!("The number's webhook at {at}"),
            Step::Show { .. } => "What to click".to_owned(),
            Step::Wait { at, .. } => format!("Waiting for {at}"),
            Step::Done { .. } => "The channel works".to_owned(),
        }
    }

    /// Seconds after which the page is asked for again.
    fn refresh(&self) -> Option<u32> {
        matches!(self.view.step, Step::Wait { .. }).then_some(5)
    }

    fn todo(&self) -> &[Section] {
        match &self.view.step {
            Step::Install { todo, .. }
            | Step::Show { todo }
            | Step::Wait { todo, .. }
            | Step::Done { todo, .. } => todo,
            Step::Ask(_) | Step::Confirm { .. } => &[],
        }
    }

    /// Another application that has the number's webhook.
    fn other(&self) -> Option<&str> {
        match &self.view.step {
            Step::Confirm { now: Goes::Elsewhere(to), .. } => Some(to),
            _ => None,
        }
    }
}

/// The page that comes before a set-up: to sign in, or to open a link.
#[derive(Template)]
#[template(path = "enter.html")]
pub(super) struct EnterPage<'a> {
    pub(super) names: (&'a str, &'a str),
    pub(super) pair: &'a str,
    /// The link that the button spends.
    pub(super) link: Option<&'a str>,
    /// The admin token is taken.
    pub(super) token: bool,
    pub(super) wrong: Option<&'a str>,
}
