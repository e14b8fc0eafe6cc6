//! That something has changed: one stream to each open page, fed by one query a second for all of them together, while there
//! is any. What has changed a page asks for anew.

use super::desk::{Signed, Sorry};
use crate::admin::problem::Problem;
use crate::{App, web};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;
use twinwire_store::pulse::{self, Pulse};
use twinwire_store::{Result as Stored, dashboard_sessions};

/// Pages that may be open at a time, in one process.
const SEATS: usize = 200;
/// Of these, as many for one session.
const OF_ONE: usize = 25;
/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// How often a stream says that it is there, so that nothing on the way takes it for dead.
const ALIVE: Duration = Duration::from_secs(15);

/// What has changed, in words that pages know.
type Topics = Arc<str>;

/// Who looks, and how they are told.
pub struct Live {
    told: Sender<Topics>,
    viewers: Mutex<Viewers>,
}

#[derive(Default)]
struct Viewers {
    last: u64,
    /// The session of each, by its hash, and what ends its stream.
    open: HashMap<u64, (Vec<u8>, CancellationToken)>,
    /// Whether somebody looks for changes.
    looked_for: bool,
}

impl Default for Live {
    fn default() -> Self {
        Self { told: channel(16).0, viewers: Mutex::default() }
    }
}

impl Live {
    /// Ends every stream. The pages are loaded anew, and shown to whoever is signed in still.
    pub fn end_all(&self) {
        self.viewers().open.values().for_each(|(_, end)| end.cancel());
    }

    fn viewers(&self) -> MutexGuard<'_, Viewers> {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets somebody look, if there is room.
    fn enter(self: &Arc<Self>, app: &App, session: &[u8]) -> Option<Viewer> {
        let mut viewers = self.viewers();
        let its_own = viewers.open.values().filter(|(hash, _)| hash == session).count();
        if viewers.open.len() >= SEATS || its_own >= OF_ONE {
            return None;
        }
        viewers.last += 1;
        let (id, end) = (viewers.last, CancellationToken::new());
        viewers.open.insert(id, (session.to_vec(), end.clone()));
        if !viewers.looked_for {
            viewers.looked_for = true;
            tokio::spawn(look(app.clone()));
        }
        Some(Viewer { id, end, stop: app.stop.clone(), told: self.told.subscribe(), live: self.clone() })
    }

    /// Ends the streams of sessions that are over.
    async fn check(&self, app: &App) -> Stored<()> {
        let hashes: Vec<Vec<u8>> = self.viewers().open.values().map(|(hash, _)| hash.clone()).collect();
        let open = dashboard_sessions::open(app.engine.pool(), &hashes, app.engine.now()).await?;
        for (hash, end) in self.viewers().open.values() {
            if hashes.contains(hash) && !open.contains(hash) {
                end.cancel();
            }
        }
        Ok(())
    }

    /// Whether nobody looks any more; then nothing is looked for, until somebody comes.
    fn is_empty(&self) -> bool {
        let mut viewers = self.viewers();
        viewers.looked_for = !viewers.open.is_empty();
        !viewers.looked_for
    }
}

/// An open page.
struct Viewer {
    id: u64,
    /// The session is over.
    end: CancellationToken,
    /// The server stops.
    stop: CancellationToken,
    told: Receiver<Topics>,
    live: Arc<Live>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.live.viewers().open.remove(&self.id);
    }
}

impl Viewer {
    /// What it is told next; none where the stream ends.
    async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = self.end.cancelled() => {
                // Once: then it is the server that stops.
                self.stop = self.end.clone();
                Some(Event::default().event("ended").data("signed out"))
            }
            told = self.told.recv() => match told {
                Ok(topics) => Some(Event::default().event("changed").data(&*topics)),
                Err(RecvError::Lagged(_)) => Some(Event::default().event("changed").data(ALL)),
                Err(RecvError::Closed) => None,
            },
        }
    }
}

/// Everything there is.
const ALL: &str = "messages webhooks jobs channels";

/// `GET /live`
pub(super) async fn stream(signed: Signed) -> Response {
    let app = &signed.desk.app;
    let Some(viewer) = app.live.enter(app, &signed.hash) else {
        let words = "Too many pages are open. This one is as it was when it was loaded.";
        return Sorry(Problem::later(EVERY * 30, words)).into_response();
    };
    let events = stream::unfold(viewer, |mut viewer| async move {
        let event = viewer.next().await?;
        Some((Ok::<_, Infallible>(event), viewer))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response();
    web::secure(&mut response);
    // nginx would keep it back until a buffer is full.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().extend([unbuffered]);
    response
}

/// Looks for changes while anybody is there.
async fn look(app: App) {
    let (mut before, mut failing) = (None, false);
    while app.stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        if app.live.is_empty() {
            return;
        }
        match felt(&app).await {
            Ok(now) => {
                // The first time nobody knows what has changed since the pages were loaded.
                let topics = before.map_or(Some(ALL.into()), |before| changed(&before, &now));
                if let Some(topics) = topics {
                    // That nobody hears it is no fault: the last page was closed just now.
                    app.live.told.send(topics).ok();
                }
                (before, failing) = (Some(now), false);
            }
            Err(error) if !failing => {
                tracing::warn!(%error, "open pages of the dashboard are not told of changes");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

async fn felt(app: &App) -> Stored<Pulse> {
    app.live.check(app).await?;
    pulse::feel(app.engine.pool(), app.engine.now()).await
}

/// What has changed, if anything.
fn changed(before: &Pulse, now: &Pulse) -> Option<Topics> {
    let topics = [
        ("messages", before.messages != now.messages),
        ("webhooks", before.webhooks != now.webhooks),
        ("jobs", before.jobs != now.jobs),
        ("channels", before.channels != now.channels),
    ];
    let topics: Vec<&str> = topics.into_iter().filter(|(_, is)| *is).map(|(topic, _)| topic).collect();
    (!topics.is_empty()).then(|| topics.join(" ").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_by_what_it_is_of_and_none_is_not_told() {
        let before = Pulse::default();
        assert_eq!(changed(&before, &before), None);
        let now = Pulse { messages: (1, 7), channels: 3, ..Pulse::default() };
        assert_eq!(changed(&before, &now).as_deref(), Some("messages channels"));
    }
}
