//! The statements that write a unit: one for each kind of thing, whatever their number.

mod add;
mod change;
mod records;

use super::{Key, Line, Unit};
use crate::Result;
use crate::messages::media;
use crate::webhook_log::Received;
use add::add;
use change::change;
use chrono::{DateTime, Utc};
use records::{add_records, change_records, place_records};
use serde_json::Value;
use twinwire_core::event::Happened;
use twinwire_core::model::Message;

/// What happened to rows: their channels, ids, and the words.
#[derive(Debug, Default)]
struct News {
    channels: Vec<i64>,
    ids: Vec<String>,
    words: Vec<&'static str>,
}

impl News {
    fn add(&mut self, (channel, id): &Key, happened: Vec<Happened>) {
        for what in happened {
            self.channels.push(*channel);
            self.ids.push(id.clone());
            self.words.push(what.word());
        }
    }
}

/// Lines of stories, a list for each of their columns.
#[derive(Debug, Default)]
struct Lines {
    channels: Vec<i64>,
    ids: Vec<String>,
    times: Vec<DateTime<Utc>>,
    steps: Vec<&'static str>,
    acts: Vec<Option<String>>,
    outcomes: Vec<Option<String>>,
    details: Vec<Option<String>>,
    owners: Vec<Option<String>>,
    fences: Vec<Option<i64>>,
    ways: Vec<Option<&'static str>>,
    webhooks: Vec<Option<i64>>,
    events: Vec<Option<String>>,
}

impl From<Vec<Line>> for Lines {
    fn from(lines: Vec<Line>) -> Self {
        let mut all = Self::default();
        for line in lines {
            let (owner, fence) = line.by.unzip();
            let (webhook, event) = line.webhook.unzip();
            all.channels.push(line.channel);
            all.ids.push(line.external_id);
            all.times.push(line.at);
            all.steps.push(line.step);
            all.acts.push(line.act);
            all.outcomes.push(line.outcome);
            all.details.push(line.detail);
            all.owners.push(owner);
            all.fences.push(fence);
            all.ways.push(line.way);
            all.webhooks.push(webhook);
            all.events.push(event);
        }
        all
    }
}

/// What only adds, and is written by one statement.
#[derive(Debug, Default)]
struct Additions {
    /// Rows that must not be there.
    presumed: Vec<Key>,
    born: Vec<(i64, Message)>,
    news: News,
    threads: Vec<(Key, String)>,
    requests: Vec<(i64, Received)>,
    lines: Vec<Line>,
    woken: Vec<i64>,
}

impl Additions {
    fn is_empty(&self) -> bool {
        let others = self.presumed.is_empty()
            && self.threads.is_empty()
            && self.requests.is_empty()
            && self.lines.is_empty();
        self.born.is_empty() && others && self.woken.is_empty()
    }
}

impl Unit {
    /// Writes what is kept. Afterwards nothing is.
    pub(super) async fn write(&mut self) -> Result<()> {
        self.write_records().await?;
        let mut additions = self.additions();
        let (changed, news) = self.changes();
        if !changed.is_empty() {
            let lines = std::mem::take(&mut additions.lines);
            if !additions.is_empty() {
                // Rows that are made and changed are made first.
                add(self.conn().await?, additions).await?;
            }
            change(self.conn().await?, changed, news, lines).await
        } else if additions.is_empty() {
            Ok(())
        } else if let Some(tx) = &mut self.tx {
            add(tx, additions).await
        } else {
            add(&mut *self.pool.acquire().await?, additions).await
        }
    }

    fn additions(&mut self) -> Additions {
        let mut additions = Additions {
            presumed: std::mem::take(&mut self.presumed),
            threads: std::mem::take(&mut self.threads).into_iter().collect(),
            requests: std::mem::take(&mut self.requests),
            lines: std::mem::take(&mut self.lines),
            woken: std::mem::take(&mut self.woken).into_iter().collect(),
            ..Additions::default()
        };
        for key in std::mem::take(&mut self.born) {
            let Some(row) = self.rows.get_mut(&key) else { continue };
            let Some(born) = row.born.take() else { continue };
            if row.was.is_none() {
                additions.news.add(&key, std::mem::take(&mut row.happened));
            }
            additions.born.push((key.0, born));
        }
        additions
    }

    fn changes(&mut self) -> (Vec<(i64, Message, Message)>, News) {
        let (mut changed, mut news) = (Vec::new(), News::default());
        for (key, row) in &mut self.rows {
            let Some(was) = row.was.take() else { continue };
            let Some(now) = &row.now else { continue };
            news.add(key, std::mem::take(&mut row.happened));
            changed.push((key.0, was, now.clone()));
        }
        (changed, news)
    }

    async fn write_records(&mut self) -> Result<()> {
        let mut new = Vec::new();
        for key in std::mem::take(&mut self.new_records) {
            let Some(kept) = self.records.get_mut(&key) else { continue };
            (kept.says_more, kept.placed) = (false, false);
            new.extend(kept.now.clone().map(|record| (key.0, record)));
        }
        let (mut more, mut placed) = (Vec::new(), Vec::new());
        for (key, kept) in &mut self.records {
            let Some(record) = &kept.now else { continue };
            if std::mem::take(&mut kept.says_more) {
                more.push((key.0, record.clone()));
            }
            if std::mem::take(&mut kept.placed) {
                placed.push((key.0, record.clone()));
            }
        }
        if !new.is_empty() {
            add_records(self.conn().await?, &new).await?;
        }
        if !more.is_empty() {
            change_records(self.conn().await?, &more).await?;
        }
        if !placed.is_empty() {
            place_records(self.conn().await?, &placed).await?;
        }
        Ok(())
    }
}

/// Something of each.
fn each<'a, T, U>(all: &'a [T], of: impl Fn(&'a T) -> U) -> Vec<U> {
    all.iter().map(of).collect()
}

fn each_media<'a>(messages: impl Iterator<Item = &'a Message>) -> Result<Vec<Value>> {
    messages.map(media).collect()
}
