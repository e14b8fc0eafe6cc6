//! `/messages/{message}`: the story of a message, and what can be done for it.

use super::desk::{Acting, Came, Frame, Path, Shown, Signed, address, done};
use super::words;
use crate::admin::messages::story::{Line, Stories, Story};
use crate::admin::messages::{Done, Retry, Settle};
use crate::web::page;
use askama::Template;
use axum::extract::{self, Query};
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use twinwire_core::explain;
use twinwire_core::model::{Direction, Parked, Side};

/// Stories on one page at most.
const MOST: &str = "10";

/// How much is to be shown.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shows {
    #[serde(flatten)]
    came: Came,
    text: Option<Yes>,
}

/// Said by being there.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Yes {
    Yes,
}

/// The page.
#[derive(Template)]
#[template(path = "dashboard/message.html")]
struct MessagePage<'a> {
    frame: Frame<'a>,
    said: Option<&'a str>,
    stories: &'a Stories,
    here: String,
}

/// `GET /messages/{message}`
pub(super) async fn show(
    signed: Signed,
    extract::Path(id): extract::Path<String>,
    Query(shows): Query<Shows>,
) -> Shown {
    let path = Path::of(&["messages", &id, "story"]).with("most", Some(MOST));
    let stories: Stories = signed.get(&path.with("body", shows.text.map(|Yes::Yes| "true"))).await?;
    Ok(page(
        StatusCode::OK,
        &MessagePage {
            frame: signed.frame("messages"),
            said: shows.came.words(),
            stories: &stories,
            here: address(&["messages", &id]),
        },
    ))
}

/// How it is to be tried anew.
#[derive(Deserialize)]
pub(super) struct Again {
    now: Option<String>,
}

/// `POST /messages/{message}/retry`
pub(super) async fn retry(extract::Path(id): extract::Path<String>, acting: Acting<Again>) -> Shown {
    let Acting { signed, what } = acting;
    let how = Retry { now: what.now.is_some() };
    let _: Done = signed.post(&Path::of(&["messages", &id, "retry"]), &how).await?;
    Ok(done(&address(&["messages", &id]), "retried"))
}

/// What became of it.
#[derive(Deserialize)]
pub(super) struct Answer {
    answer: Became,
    #[serde(default)]
    id: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Became {
    Arrived,
    Lost,
    LostRetry,
}

/// `POST /messages/{message}/settle`
pub(super) async fn settle(extract::Path(id): extract::Path<String>, acting: Acting<Answer>) -> Shown {
    let Acting { signed, what } = acting;
    let answer = match what.answer {
        Became::Arrived => Settle::Arrived { id: what.id, force: false },
        Became::Lost => Settle::NotArrived { retry: false },
        Became::LostRetry => Settle::NotArrived { retry: true },
    };
    let _: Done = signed.post(&Path::of(&["messages", &id, "settle"]), &answer).await?;
    Ok(done(&address(&["messages", &id]), "settled"))
}

/// A line of a story as it is shown.
struct Told<'a> {
    line: &'a Line,
    /// What kind of line it is.
    kind: &'static str,
    words: String,
    way: Option<String>,
    /// How much later than the line before.
    after: Option<String>,
}

impl Told<'_> {
    /// What kind of line it is, for the style.
    fn class(&self) -> String {
        self.kind.replace(' ', "-")
    }
}

impl Story {
    /// Its lines in words.
    fn told(&self) -> Vec<Told<'_>> {
        let mut before: Option<DateTime<Utc>> = None;
        let origin = self.message.row.origin;
        let told = self.story.iter().enumerate().map(|(at, line)| {
            let after = before.map(|before| line.at - before).filter(|after| after.num_milliseconds() > 0);
            before = Some(line.at);
            let (kind, words) = explained(origin, line, at == 0);
            Told { line, kind, words, way: way(line), after: after.map(later) }
        });
        told.collect()
    }

    fn is_uncertain(&self) -> bool {
        self.message.row.parked == Some(Parked::Uncertain)
    }

    fn is_parked(&self) -> bool {
        self.message.row.parked.is_some()
    }

    /// Whether it only waits for a time.
    fn waits(&self) -> bool {
        self.message.next.action["does"] == "wait"
    }

    fn title(&self) -> String {
        let row = &self.message.row;
        match (row.origin, row.direction) {
            (Side::Helpdesk, _) => format!("From {} to the customer {}", row.sender, row.recipient),
            (Side::Provider, Direction::Inbound) => {
                format!("From the customer {} to {}", row.sender, row.recipient)
            }
            (Side::Provider, Direction::Outbound) => {
                format!("Not sent by us, from {} to {}", row.sender, row.recipient)
            }
        }
    }
}

/// What kind of line it is, and what it says.
fn explained(origin: Side, line: &Line, first: bool) -> (&'static str, String) {
    let outcome = line.outcome.as_deref().unwrap_or_default();
    let (kind, words) = match (line.step.as_str(), line.act) {
        ("begin", Some(act)) => ("tried", explain::tried(act, origin).to_owned()),
        ("apply", Some(act)) => ("came back", explain::came(act, origin, outcome)),
        ("seen", _) => match line.way.as_deref() {
            _ if first => ("arrived", outcome.to_owned()),
            Some("webhook") => ("callback", outcome.to_owned()),
            Some("list") => ("read", outcome.to_owned()),
            Some("operator") => ("decided", outcome.to_owned()),
            _ => ("came back", outcome.to_owned()),
        },
        _ => ("decided", explain::noted(outcome)),
    };
    (kind, line.detail.as_ref().map_or(words.clone(), |detail| format!("{words}: {detail}")))
}

/// By which way evidence came.
fn way(line: &Line) -> Option<String> {
    Some(match line.way.as_deref()? {
        "webhook" => format!("webhook, {}", line.event.as_deref().unwrap_or("no event")),
        "list" => "found in the provider's list".to_owned(),
        "look_up" => "found by the look-up".to_owned(),
        "answer" => "in the answer to our call".to_owned(),
        "operator" => "said by an operator".to_owned(),
        other => other.to_owned(),
    })
}

fn later(time: TimeDelta) -> String {
    match time.num_milliseconds() {
        ms @ ..1_000 => format!("+{ms} ms"),
        ms @ 1_000..120_000 => format!("+{}.{} s", ms / 1_000, ms % 1_000 / 100),
        ms => format!("+{}", words::span(&(ms / 1_000))),
    }
}
