//! Group commit: what comes while a transaction runs is done together in the next one.
//!
//! A commit costs the same for one message as for sixty. Nobody waits on purpose for company, so a single one is as fast as
//! it can be; under load the groups grow by themselves. A group does not wait long for what others hold. Where it fails, each
//! who asked does theirs alone: one thing that cannot be done, or has to wait, does not keep the others from it.

use crate::{Error, Result};
use sqlx::PgPool;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use twinwire_store::unit::Unit;

/// Gathers things to be done, and hands out what came of each.
pub(crate) struct Gather<T, R>(Arc<Inner<T, R>>);

struct Inner<T, R> {
    /// Groups that are done at a time.
    at_once: usize,
    /// So many have to wait for another group to begin beside one that runs.
    worth: usize,
    /// The most in a group.
    most: usize,
    queue: Mutex<Queue<T, R>>,
}

struct Queue<T, R> {
    waiting: VecDeque<Asked<T, R>>,
    running: usize,
}

/// A thing that is to be done, and where what came of it goes.
type Asked<T, R> = (Arc<T>, oneshot::Sender<Came<R>>);

/// In what company things are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// Others may be there, or come meanwhile: not to be kept waiting.
    Group,
    /// The group failed, and this one has all the time that it needs.
    Alone,
}

impl Company {
    /// A unit that waits as long as this company allows.
    pub(crate) fn unit(self, pool: &PgPool) -> Unit {
        match self {
            Self::Group => Unit::hasty(pool),
            Self::Alone => Unit::new(pool),
        }
    }
}

/// What came of a thing in its group.
enum Came<R> {
    /// It was done, or failed by itself.
    This(Result<R>),
    /// The group failed.
    Alone,
}

impl<T, R> Clone for Gather<T, R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + Sync + 'static, R: Send + 'static> Gather<T, R> {
    /// Nothing waits yet. One group is done at a time, and has so many in it at most.
    pub(crate) fn new(most: usize) -> Self {
        Self::with(1, 1, most)
    }

    /// As many as `at_once` are done at a time; another one begins beside one that runs where so many wait that it is `worth`
    /// it. What a group costs is mostly the same for any size.
    pub(crate) fn with(at_once: usize, worth: usize, most: usize) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), running: 0 });
        Self(Arc::new(Inner { at_once, worth, most, queue }))
    }

    /// Has one thing done, by `all` together with what else is there then, and gives what came of it. `all` does all of them
    /// or none, and gives as many results, in their order.
    ///
    /// What has begun goes on when the caller is not there any more: others depend on it.
    pub(crate) async fn ask<F>(
        &self,
        thing: Arc<T>,
        all: impl Fn(Vec<Arc<T>>, Company) -> F + Copy + Send + 'static,
    ) -> Result<R>
    where
        F: Future<Output = Result<Vec<R>>> + Send + 'static,
    {
        let (done, came) = oneshot::channel();
        if self.0.put((thing.clone(), done)) {
            tokio::spawn(run(self.0.clone(), all));
        }
        match came.await {
            Ok(Came::This(came)) => came,
            Ok(Came::Alone) => {
                // In a box: hardly anybody comes here, and everybody who asks would carry it about.
                let mut came = Box::pin(all(vec![thing], Company::Alone)).await?;
                came.pop().ok_or(Error::Broken)
            }
            Err(_) => Err(Error::Broken),
        }
    }
}

impl<T, R> Inner<T, R> {
    fn queue(&self) -> MutexGuard<'_, Queue<T, R>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a thing wait. True when somebody has to be started who does groups.
    fn put(&self, asked: Asked<T, R>) -> bool {
        let mut queue = self.queue();
        queue.waiting.push_back(asked);
        let start = queue.running == 0 || (queue.running < self.at_once && queue.waiting.len() >= self.worth);
        queue.running += usize::from(start);
        start
    }

    /// The next group; none when nothing waits that is worth it, and then one less is running.
    fn next(&self) -> Option<Vec<Asked<T, R>>> {
        let mut queue = self.queue();
        // Who has gone does not want it any more.
        queue.waiting.retain(|(_, done)| !done.is_closed());
        if queue.waiting.is_empty() || (queue.running > 1 && queue.waiting.len() < self.worth) {
            queue.running -= 1;
            return None;
        }
        let group = queue.waiting.len().min(self.most);
        Some(queue.waiting.drain(..group).collect())
    }
}

/// Does groups until nothing waits.
async fn run<T, R, F>(gathered: Arc<Inner<T, R>>, all: impl Fn(Vec<Arc<T>>, Company) -> F)
where
    F: Future<Output = Result<Vec<R>>> + Send + 'static,
    R: Send + 'static,
{
    loop {
        // Nobody is waited for, but whoever is about to ask at this moment comes along.
        tokio::task::yield_now().await;
        let Some(group) = gathered.next() else { return };
        let (things, waiting): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let size = things.len();
        // On its own, so that one group that breaks does not take the others with it.
        match tokio::spawn(all(things, Company::Group)).await {
            Ok(Ok(came)) => {
                for (done, came) in waiting.into_iter().zip(came) {
                    // Who asked may have gone.
                    done.send(Came::This(Ok(came))).ok();
                }
            }
            Ok(Err(error)) if size > 1 || error.is_contention() => {
                tracing::debug!(%error, size, "what was not done together is done alone");
                for done in waiting {
                    done.send(Came::Alone).ok();
                }
            }
            Ok(Err(error)) => {
                if let Some(done) = waiting.into_iter().next() {
                    done.send(Came::This(Err(error))).ok();
                }
            }
            Err(error) => tracing::error!(%error, "a group broke"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn what_comes_while_a_group_is_done_is_done_together() {
        let gather = Gather::<u32, (u32, usize)>::new(3);
        let all = |things: Vec<Arc<u32>>, _| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(things.iter().map(|thing| (**thing, things.len())).collect())
        };
        let asked = (0..7).map(|thing| gather.ask(Arc::new(thing), all));
        let came = futures_util::future::join_all(asked).await;
        let came: Vec<_> = came.into_iter().map(Result::unwrap).collect();
        // In their order, and as many as may be.
        assert_eq!(came, [(0, 3), (1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (6, 1)]);
    }

    #[tokio::test]
    async fn who_goes_while_they_wait_for_a_group_is_not_done() {
        let gather = Gather::<u32, u32>::new(3);
        let into: &'static Mutex<Vec<u32>> = Box::leak(Box::default());
        let all = move |things: Vec<Arc<u32>>, _| async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            into.lock().unwrap().extend(things.iter().map(|thing| **thing));
            Ok(things.iter().map(|thing| **thing).collect())
        };
        let first = tokio::spawn({
            let gather = gather.clone();
            async move { gather.ask(Arc::new(1), all).await }
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        let gone = tokio::time::timeout(Duration::from_millis(20), gather.ask(Arc::new(2), all)).await;
        let third = gather.ask(Arc::new(3), all);
        assert!(gone.is_err() && third.await.is_ok() && first.await.unwrap().is_ok());
        assert_eq!(*into.lock().unwrap(), [1, 3]);
    }

    #[tokio::test]
    async fn a_group_that_breaks_leaves_the_others_be() {
        let gather = Gather::<bool, ()>::new(1);
        let all = |things: Vec<Arc<bool>>, _| async move {
            assert!(things.iter().all(|fine| **fine));
            Ok(vec![(); things.len()])
        };
        assert!(matches!(gather.ask(Arc::new(false), all).await, Err(Error::Broken)));
        assert!(gather.ask(Arc::new(true), all).await.is_ok());
    }

    #[tokio::test]
    async fn what_fails_or_waits_fails_and_waits_alone() {
        let gather = Gather::<u64, u64>::new(9);
        let all = |things: Vec<Arc<u64>>, _| async move {
            if things.len() > 1 {
                return Err(Error::Jobs("not together".to_owned()));
            }
            let wait = *things[0];
            tokio::time::sleep(Duration::from_millis(wait)).await;
            if wait == 7 { Err(Error::Jobs("seven".to_owned())) } else { Ok(vec![wait]) }
        };
        let began = std::time::Instant::now();
        let slow = gather.ask(Arc::new(60_000), all);
        let (one, seven) = (gather.ask(Arc::new(1), all), gather.ask(Arc::new(7), all));
        let others = async {
            let (one, seven) = tokio::join!(one, seven);
            assert_eq!(one.unwrap(), 1);
            assert_eq!(seven.unwrap_err().to_string(), "jobs: seven");
        };
        tokio::select! {
            _ = slow => panic!("it did not wait"),
            () = others => {}
        }
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
