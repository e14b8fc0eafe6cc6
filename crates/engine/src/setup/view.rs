//! What comes next in a set-up, in words, for any face. Answers are not in it; the channel's own key is, where it is to be
//! pasted.

use super::SetupError;
use super::session::Session;
use crate::{Engine, answers};
use chrono::{DateTime, Utc};
use serde::Serialize;
use twinwire_core::connector::Connector;
use twinwire_core::setting::Verification;
use twinwire_core::setup::{Ask, Goes, Next, Paste, Told, asks, next};
use twinwire_store::channels;

/// A set-up as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// Its id.
    pub setup: String,
    /// How often it was changed: what is said of this step names it.
    pub version: i64,
    /// The pair.
    pub pair: String,
    /// The channel, once it is made.
    pub channel: Option<String>,
    /// Our number, once the channel is made.
    pub number: Option<String>,
    /// When the set-up is forgotten.
    pub expires_at: DateTime<Utc>,
    /// What was answered, by name: to go back to.
    pub answered: Vec<&'static str>,
    /// What comes next.
    #[serde(flatten)]
    pub step: Step,
}

/// What comes next.
#[derive(Clone, Debug, Serialize)]
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
        at: &'static str,
        /// Where the number's messages go now.
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
        at: &'static str,
        /// What is to be done at the vendors.
        todo: Vec<Section>,
    },
    /// The channel works.
    Done {
        /// Who has connected it.
        at: &'static str,
        /// What may still be done at the vendors.
        todo: Vec<Section>,
    },
}

/// A setting of the installation that is missing.
#[derive(Clone, Debug, Serialize)]
pub struct Variable {
    /// In the environment.
    pub variable: String,
    /// What it is.
    pub prompt: &'static str,
}

/// A question.
#[derive(Clone, Debug, Serialize)]
pub struct Question {
    /// The setting.
    pub setting: &'static str,
    /// Whose it is.
    pub at: &'static str,
    /// What to ask a person.
    pub prompt: &'static str,
    /// Where to find the answer.
    pub help: &'static str,
    /// It is not to be shown while it is typed.
    pub secret: bool,
    /// It may not be left empty.
    pub required: bool,
    /// What stands there if it is left as it is. Never a secret.
    pub default: Option<String>,
    /// It was answered before. Left empty, it stays what it was if it is secret or required.
    pub given: bool,
    /// What was wrong with the last answer.
    pub wrong: Option<String>,
    /// Which question it is, from 1, of how many at most.
    pub nth: usize,
    /// How many questions there are at most.
    pub of: usize,
}

/// What is to be done at one vendor.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// The vendor.
    pub at: &'static str,
    /// That, in order.
    pub lines: Vec<Line>,
}

/// One thing to do.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What to click.
    pub words: String,
    /// What to paste.
    pub paste: Option<String>,
}

/// A set-up as it is shown.
pub async fn of(engine: &Engine, session: &Session) -> Result<View, SetupError> {
    let prepared = session.prepared();
    let facts = session.facts(engine, &prepared);
    let step = match next(&session.setup.progress, &facts) {
        Next::Install => Step::Install {
            missing: missing(engine, session),
            todo: section(session.helpdesk, session.helpdesk.guide().before, &server(engine, session))
                .into_iter()
                .collect(),
        },
        Next::Ask { of, ask, wrong, .. } => {
            let places: Vec<&Ask> = asks(&facts).map(|(_, ask, _)| ask).collect();
            let nth = places.iter().position(|one| one.setting == ask.setting).unwrap_or_default() + 1;
            Step::Ask(question(session, of, ask, wrong, (nth, places.len())))
        }
        Next::Confirm(goes) => {
            let url = inbound(engine, session).unwrap_or_default();
            Step::Confirm { at: session.provider.title(), now: goes.clone(), url }
        }
        Next::Show => Step::Show { todo: todo(engine, session, true).await? },
        Next::Wait => Step::Wait { at: session.helpdesk.title(), todo: todo(engine, session, true).await? },
        // The machine has nothing for a person to do between its own steps.
        Next::Done | Next::Check | Next::Make | Next::ReadHook | Next::SetHook(_) => {
            Step::Done { at: session.helpdesk.title(), todo: todo(engine, session, false).await? }
        }
    };
    let answered = |name: &str| session.setup.progress.answers.get(name).is_some();
    Ok(View {
        setup: session.setup.id.clone(),
        version: session.version(),
        pair: session.setup.pair.clone(),
        channel: session.made.as_ref().map(|(channel, _)| channel.channel.id.clone()),
        number: session.made.as_ref().map(|(channel, _)| channel.channel.address.clone()),
        expires_at: session.setup.expires_at,
        answered: asks(&facts).map(|(_, ask, _)| ask.setting).filter(|name| answered(name)).collect(),
        step,
    })
}

fn question(
    session: &Session,
    of: &dyn Connector,
    ask: &Ask,
    wrong: Option<&str>,
    (nth, count): (usize, usize),
) -> Question {
    let setting = of.settings().iter().find(|setting| setting.name == ask.setting);
    let given = session.setup.progress.answers.get(ask.setting);
    let secret = setting.is_none_or(|setting| setting.secret);
    let usual = setting.and_then(|setting| setting.default);
    Question {
        setting: ask.setting,
        at: of.title(),
        prompt: setting.map_or(ask.setting, |setting| setting.prompt),
        help: ask.help,
        secret,
        required: setting.is_some_and(|setting| setting.required),
        default: given.or(usual).filter(|_| !secret).map(str::to_owned),
        given: given.is_some(),
        wrong: wrong.map(str::to_owned),
        nth,
        of: count,
    }
}

/// The settings of the installation that are missing.
fn missing(engine: &Engine, session: &Session) -> Vec<Variable> {
    let of = [session.helpdesk, session.provider].into_iter();
    of.flat_map(|connector| answers::missing_installation(engine, connector))
        .map(|(variable, prompt)| Variable { variable, prompt })
        .collect()
}

/// What is pasted at the vendors.
struct Pastes {
    server: String,
    key: Option<String>,
    inbound: Option<String>,
}

fn server(engine: &Engine, session: &Session) -> Pastes {
    let server = format!("{}/v1/install/{}/authorization", engine.public_url(), session.setup.pair);
    Pastes { server, key: None, inbound: None }
}

fn inbound(engine: &Engine, session: &Session) -> Option<String> {
    let (channel, _) = session.made.as_ref()?;
    Some(channel.channel.provider_url(engine.public_url(), session.provider.name(), "inbound"))
}

/// What is to be done at both vendors; at the helpdesk only until the channel is connected.
async fn todo(engine: &Engine, session: &Session, connects: bool) -> Result<Vec<Section>, SetupError> {
    let Some((channel, made)) = &session.made else { return Ok(Vec::new()) };
    let mut pastes = Pastes { inbound: inbound(engine, session), ..server(engine, session) };
    let mut sections = Vec::new();
    let hook = session.setup.progress.notes.hook.as_ref().map(|hook| &hook.goes);
    if made.hears && hook != Some(&Goes::Here) {
        let mut own = section(session.provider, session.provider.guide().connect, &pastes);
        if let (Some(own), Some(Goes::Unknown(why))) = (&mut own, hook) {
            let words = format!("The number's webhook could not be set from here: {why}.");
            own.lines.insert(0, Line { words, paste: None });
        }
        sections.extend(own);
    }
    if let (false, Some(key)) = (made.hears, session.provider.signed_with()) {
        let words = format!(
            "No {key} is set, so webhooks would be refused: messages come by polling alone, within a minute. \
             Set it to have them at once."
        );
        sections.push(Section { at: session.provider.title(), lines: vec![Line { words, paste: None }] });
    }
    for (connector, account) in
        [(session.helpdesk, channel.helpdesk_account), (session.provider, channel.provider_account)]
    {
        if engine.account(account).await?.verification == Verification::LogOnly {
            let words = format!(
                "Webhooks are taken without being verified: whoever knows their URL can write messages. Undo it with \
                 `twinwire setup --channel {} --set {}.verification=enforce`.",
                channel.channel.id,
                connector.name()
            );
            sections.push(Section { at: connector.title(), lines: vec![Line { words, paste: None }] });
        }
    }
    if connects {
        let key = channels::api_key(engine.pool(), engine.key(), channel.id, &channel.channel.id).await?;
        pastes.key = Some(key);
        sections.extend(section(session.helpdesk, session.helpdesk.guide().connect, &pastes));
    }
    Ok(sections)
}

fn section(connector: &dyn Connector, told: &[Told], pastes: &Pastes) -> Option<Section> {
    let line = |told: &Told| Line {
        words: told.words.to_owned(),
        paste: told.paste.and_then(|paste| match paste {
            Paste::Server => Some(pastes.server.clone()),
            Paste::Key => pastes.key.clone(),
            Paste::Inbound => pastes.inbound.clone(),
        }),
    };
    (!told.is_empty()).then(|| Section { at: connector.title(), lines: told.iter().map(line).collect() })
}
