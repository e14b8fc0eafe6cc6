//! What the set-up takes and gives, for programs: the command line among them.

use crate::admin::channels::WebhookUrls;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use twinwire_core::setup::Goes;
use twinwire_engine::setup::Installed;
use twinwire_engine::setup::view::{self, View};
use utoipa::ToSchema;

/// What begins a set-up.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// What to join; may be left out with a channel.
    #[schema(example = "front_signalwire")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// Answers by the name of their setting.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    /// The channel whose answers change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// All of a set-up at once.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// What to join; may be left out with a channel.
    #[schema(example = "front_signalwire")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// Answers by the name of their setting.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    /// The channel whose answers change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What is to become of the number's webhook; nothing without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// What goes on with a set-up: one of these, said of a step.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Saying {
    /// The version of the step that it is said of. `answer` and `webhook` need it: one that is sent again must not answer
    /// the next question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The answer to what is asked; empty where nothing is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Answers by the name of their setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeMap<String, String>>,
    /// That this setting is to be asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
    /// What is to become of the number's webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// That what was to be done was seen: true.
    #[serde(default, rename = "continue", skip_serializing_if = "Option::is_none")]
    pub go_on: Option<bool>,
}

impl Saying {
    /// Something said of the step of that version.
    pub fn of(version: i64, say: Say) -> Self {
        let mut saying = Self { version: Some(version), ..Self::default() };
        match say {
            Say::Answer(answer) => saying.answer = Some(answer),
            Say::Answers(answers) => saying.answers = Some(answers),
            Say::Back(setting) => saying.back = Some(setting),
            Say::Webhook(webhook) => saying.webhook = Some(webhook),
            Say::Continue(go_on) => saying.go_on = Some(go_on),
        }
        saying
    }

    /// The one thing that is said, and of which version; nothing where it is not one, or does not say of what.
    pub(super) fn one(self) -> Option<(Option<i64>, Say)> {
        let version = self.version;
        let mut said = [
            self.answer.map(Say::Answer),
            self.answers.map(Say::Answers),
            self.back.map(Say::Back),
            self.webhook.map(Say::Webhook),
            self.go_on.map(Say::Continue),
        ]
        .into_iter()
        .flatten();
        let one = said.next().filter(|_| said.next().is_none())?;
        let of_what_was_shown = matches!(one, Say::Answer(_) | Say::Webhook(_));
        (version.is_some() || !of_what_was_shown).then_some((version, one))
    }
}

/// What can be said.
#[derive(Clone, Debug)]
pub enum Say {
    /// The answer to what is asked; empty where nothing is wanted.
    Answer(String),
    /// Answers by the name of their setting.
    Answers(BTreeMap<String, String>),
    /// That this setting is to be asked again.
    Back(String),
    /// What is to become of the number's webhook.
    Webhook(Webhook),
    /// That what was to be done was seen: true.
    Continue(bool),
}

/// What is to become of the number's webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookWord)]
#[serde(rename_all = "snake_case")]
pub enum Webhook {
    /// It is set, if no other application has it.
    Set,
    /// It is set, also in place of another application's.
    TakeOver,
    /// It stays as it is.
    Leave,
}

/// Where a number's messages go.
#[derive(ToSchema)]
#[schema(as = Goes)]
#[expect(dead_code, reason = "it describes the form of another crate's type")]
pub(super) struct GoesForm {
    /// `here`, `nowhere`, `elsewhere` or `unknown`.
    goes: String,
    /// The address elsewhere, or why it is not known.
    to: Option<String>,
}

/// A set-up in progress. Answers are not in it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Setup)]
pub struct SetupView {
    /// Its id.
    #[schema(example = "stp_2m7Xw0aT5kQ")]
    pub setup: String,
    /// How often it was changed: what is said of this step names it.
    pub version: i64,
    /// What it joins.
    pub pair: String,
    /// The channel, once it is made.
    pub channel: Option<String>,
    /// Our number, once the channel is made.
    pub number: Option<String>,
    /// When the set-up is forgotten.
    pub expires_at: DateTime<Utc>,
    /// What was answered, by name: to go back to.
    pub answered: Vec<String>,
    /// What comes next.
    #[serde(flatten)]
    pub step: Step,
}

/// What comes next, by the word in `step`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Settings of the installation are missing; the server has to be started anew with them.
    Install {
        /// Which.
        missing: Vec<Variable>,
        /// Where to find them.
        todo: Vec<Section>,
    },
    /// A question.
    Ask(Question),
    /// What is to become of the number's webhook.
    Confirm {
        /// The provider.
        at: String,
        /// Where the number's messages go now.
        #[schema(value_type = GoesForm)]
        now: Goes,
        /// Where they would go.
        url: String,
    },
    /// What is to be done at the vendors.
    Show {
        /// That.
        todo: Vec<Section>,
    },
    /// The helpdesk's user is waited for.
    Wait {
        /// For whom.
        at: String,
        /// What is to be done at the vendors.
        todo: Vec<Section>,
    },
    /// The channel works.
    Done {
        /// Who has connected it.
        at: String,
        /// What may still be done at the vendors.
        todo: Vec<Section>,
    },
}

/// A setting of the installation that is missing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Variable {
    /// In the environment.
    pub variable: String,
    /// What it is.
    pub prompt: String,
}

/// A question.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Question {
    /// The setting.
    pub setting: String,
    /// Whose it is.
    pub at: String,
    /// What to ask a person.
    pub prompt: String,
    /// Where to find the answer.
    pub help: String,
    /// It is not to be shown while it is typed.
    pub secret: bool,
    /// It may not be left empty.
    pub required: bool,
    /// What stands there if it is left as it is. Never a secret.
    pub default: Option<String>,
    /// Left empty, the answer stays that was given before.
    pub given: bool,
    /// What was wrong with the last answer.
    pub wrong: Option<String>,
    /// Which question it is, from 1, of how many at most.
    pub nth: usize,
    /// How many questions there are at most.
    pub of: usize,
}

/// What is to be done at one vendor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Section {
    /// The vendor.
    pub at: String,
    /// That, in order.
    pub lines: Vec<Line>,
}

/// One thing to do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ToDo)]
pub struct Line {
    /// What to click.
    pub words: String,
    /// What to paste.
    pub paste: Option<String>,
}

/// A link to a set-up's page.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// For one use within 30 minutes.
    pub link: String,
}

/// A channel that was made, or was there.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Installed)]
pub struct InstalledView {
    /// The channel.
    pub channel: String,
    /// Our number.
    pub number: String,
    /// The key that the helpdesk's user pastes.
    pub api_key: String,
    /// The addresses that the provider calls.
    pub webhook_urls: WebhookUrls,
    /// The provider's name for people.
    pub provider: String,
    /// It was there before; its credentials are the new ones.
    pub existed: bool,
    /// The setting without which webhooks are refused, where nobody has answered it.
    pub lacks_key: Option<String>,
    /// The connectors of the channel whose webhooks are taken without being verified.
    pub log_only: Vec<String>,
    /// Where the number's messages go, if something was to become of the webhook.
    #[schema(value_type = Option<GoesForm>)]
    pub webhook: Option<Goes>,
}

impl InstalledView {
    /// What was made, as it is shown.
    pub(super) fn of(made: &Installed, public_url: &str, webhook: Option<Goes>) -> Self {
        let (channel, provider) = (&made.channel, made.provider);
        let url = |hook| channel.provider_url(public_url, provider.name(), hook);
        let enforced = !made.log_only.contains(&provider.name());
        let lacks_key = provider.signed_with().filter(|key| enforced && made.unanswered.contains(key));
        Self {
            channel: channel.id.clone(),
            number: channel.address.clone(),
            api_key: made.api_key.clone(),
            webhook_urls: WebhookUrls { inbound: url("inbound"), status: url("status") },
            provider: provider.title().to_owned(),
            existed: made.existed,
            lacks_key: lacks_key.map(str::to_owned),
            log_only: made.log_only.iter().map(|name| (*name).to_owned()).collect(),
            webhook,
        }
    }
}

impl From<View> for SetupView {
    fn from(view: View) -> Self {
        Self {
            setup: view.setup,
            version: view.version,
            pair: view.pair,
            channel: view.channel,
            number: view.number,
            expires_at: view.expires_at,
            answered: view.answered.into_iter().map(str::to_owned).collect(),
            step: view.step.into(),
        }
    }
}

impl From<view::Step> for Step {
    fn from(step: view::Step) -> Self {
        match step {
            view::Step::Install { missing, todo } => Self::Install {
                missing: missing
                    .into_iter()
                    .map(|one| Variable { variable: one.variable, prompt: one.prompt.to_owned() })
                    .collect(),
                todo: sections(todo),
            },
            view::Step::Ask(question) => Self::Ask(question.into()),
            view::Step::Confirm { at, now, url } => Self::Confirm { at: at.to_owned(), now, url },
            view::Step::Show { todo } => Self::Show { todo: sections(todo) },
            view::Step::Wait { at, todo } => Self::Wait { at: at.to_owned(), todo: sections(todo) },
            view::Step::Done { at, todo } => Self::Done { at: at.to_owned(), todo: sections(todo) },
        }
    }
}

impl From<view::Question> for Question {
    fn from(question: view::Question) -> Self {
        Self {
            setting: question.setting.to_owned(),
            at: question.at.to_owned(),
            prompt: question.prompt.to_owned(),
            help: question.help.to_owned(),
            secret: question.secret,
            required: question.required,
            default: question.default,
            given: question.given,
            wrong: question.wrong,
            nth: question.nth,
            of: question.of,
        }
    }
}

fn sections(todo: Vec<view::Section>) -> Vec<Section> {
    let line = |line: view::Line| Line { words: line.words, paste: line.paste };
    todo.into_iter()
        .map(|one| Section { at: one.at.to_owned(), lines: one.lines.into_iter().map(line).collect() })
        .collect()
}
