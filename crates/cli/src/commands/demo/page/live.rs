//! Says when there is something new to see.

use super::Shared;
use crate::commands::demo::cast::Cast;
use crate::commands::demo::rows;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often the table is looked at: a row may change after everything else has.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Several changes at once are one for the page.
const CALM: Duration = Duration::from_millis(60);

/// A counter of changes.
#[derive(Clone)]
pub(super) struct Live(watch::Sender<u64>);

impl Default for Live {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Live {
    /// Something has changed.
    pub(super) fn changed(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Watches both doubles and the table.
    pub(super) async fn watch(&self, cast: &Cast) {
        let (mut front, mut signalwire) = (cast.front.subscribe(), cast.signalwire.subscribe());
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut mark = None;
        loop {
            // That some changes were missed is a change too.
            tokio::select! {
                _ = front.recv() => self.changed(),
                _ = signalwire.recv() => self.changed(),
                _ = tick.tick() => {
                    let now = rows::mark(&cast.reader).await.ok();
                    if now != mark {
                        mark = now;
                        self.changed();
                    }
                }
            }
        }
    }
}

/// `GET /events`: one event now, and one whenever `/state` has changed.
pub(super) async fn events(
    State(shared): State<Shared>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut changes = shared.live.0.subscribe();
    changes.mark_changed();
    let stream = unfold(changes, |mut changes| async move {
        changes.changed().await.ok()?;
        sleep(CALM).await;
        let count = *changes.borrow_and_update();
        Some((Ok(Event::default().data(count.to_string())), changes))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
