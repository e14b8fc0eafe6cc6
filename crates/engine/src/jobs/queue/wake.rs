//! Waking a worker when a job is added.

use super::Queue;
use apalis::prelude::{PollSnapshot, PollStrategy, StreamStrategy};
use apalis_postgres::Pubsub;
use sqlx::PgPool;
use std::task::{Context, Poll};

/// Wakes the worker when a job is added. apalis' own wiring loses the wake-up if the notification comes while
/// the queue is being read, and never listens again once the connection fails.
pub(super) struct Notifications {
    pool: PgPool,
    queue: Queue,
    listener: Option<StreamStrategy<Pubsub>>,
}

impl Notifications {
    /// For a queue.
    pub(super) fn new(pool: &PgPool, queue: Queue) -> Self {
        Self { pool: pool.clone(), queue, listener: None }
    }
}

impl PollStrategy for Notifications {
    fn poll_drive(&mut self, cx: &mut Context<'_>, snapshot: &PollSnapshot) -> Poll<Option<()>> {
        let (pool, queue) = (&self.pool, self.queue);
        let listener = self
            .listener
            .get_or_insert_with(|| StreamStrategy::new(Pubsub::new(pool.clone(), queue.name().to_owned())));
        let polled = listener.poll_drive(cx, snapshot);
        match polled {
            // Read the queue once more after the read that may be under way.
            Poll::Ready(Some(())) => cx.waker().wake_by_ref(),
            // The listener is lost. A new one is made at the next wake-up, at the latest at the next
            // heartbeat.
            Poll::Ready(None) => self.listener = None,
            Poll::Pending => {}
        }
        polled
    }
}
