//! What a message costs, counted in what does not depend on the machine: statements, rows written, allocations. In a program of
//! its own, because it counts everything that happens in it. docs/PERFORMANCE.md has the seconds.
#![expect(clippy::unwrap_used, reason = "what a test does in a function of its own is still a test")]

use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use twinwire_core::connector::Connector;
use twinwire_core::http::Hook;
use twinwire_engine::{Engine, converge, ingest};
use twinwire_sandbox::front::AgentOrder;
use twinwire_store::channels::{self, StoredChannel};
use twinwire_tests::{Stack, eventually};

/// One at a time: what one counts must not be another's.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// Statements so far.
static STATEMENTS: AtomicU64 = AtomicU64::new(0);
/// The statements since they were last asked for.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What the test itself asks while it waits; as sqlx sums it up, it is not counted.
const OPEN: &str = "select count(*) as open from messages where wake_at is not null or in_flight is not null";
const ASKS: &str = "select count(*) as";
/// With what a connection is set up: one more may be opened at any time.
const OPENS: &str = "\"set ";

/// Counts what sqlx says that it has asked the database.
struct Count;

impl<S: Subscriber> Layer<S> for Count {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" && *event.metadata().level() == Level::DEBUG {
            let mut text = String::new();
            event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                if field.name() == "summary" {
                    text = format!("{value:?}");
                }
            });
            if !text.contains(ASKS) && !text.starts_with(OPENS) {
                STATEMENTS.fetch_add(1, Ordering::SeqCst);
            }
            SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing_subscriber::registry().with(Count).init());
}

/// How many statements something takes, and what came of it.
async fn statements<T>(of: impl Future<Output = T>) -> (u64, T) {
    SEEN.lock().unwrap().clear();
    let before = STATEMENTS.load(Ordering::SeqCst);
    let came = of.await;
    (STATEMENTS.load(Ordering::SeqCst) - before, came)
}

/// What was asked, for a test that fails.
fn asked() -> String {
    SEEN.lock().unwrap().join("\n")
}

/// An engine of which nothing runs by itself, and the channel that webhooks come for.
struct Still {
    stack: Stack,
    engine: Engine,
    channel: Arc<StoredChannel>,
}

impl Still {
    async fn new() -> Self {
        listen();
        let mut stack = Stack::start().await;
        stack.settle().await;
        stack.stop_server().await;
        let engine = stack.still_engine().await;
        let id = &stack.installed.channel.id;
        let channel = channels::by_public_id(&stack.pool, id).await.unwrap().unwrap();
        Self { stack, engine, channel: Arc::new(channel) }
    }

    fn order(&self, n: usize) -> AgentOrder {
        let to = format!("+1202555{n:04}");
        self.stack.front.message_request(&self.stack.channel, None, &[&to], &format!("Text {n}")).unwrap()
    }

    async fn take(&self, order: &AgentOrder) {
        Box::pin(self.take_within(order, Duration::from_secs(5))).await;
    }

    async fn take_within(&self, order: &AgentOrder, time: Duration) {
        let request = &order.request;
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
        let hook = Hook {
            name: "message",
            method: &request.method,
            url: &request.url,
            headers: &headers,
            body: request.body.as_bytes(),
        };
        let front: &'static dyn Connector = self.engine.connectors().named("front").unwrap();
        let until = Instant::now() + time;
        let taking = ingest::receive(&self.engine, front, &self.channel, &hook, until);
        // Every webhook carries it about: what hardly any comes to belongs in a box.
        let bytes = std::mem::size_of_val(&taking);
        assert!(bytes <= 2_000, "the future of a webhook takes {bytes} bytes");
        let answer = taking.await.unwrap();
        assert_eq!(answer.status, 200);
    }

    /// Takes many at once.
    async fn take_all(&self, orders: Range<usize>) {
        let orders: Vec<AgentOrder> = orders.map(|n| self.order(n)).collect();
        futures_util::future::join_all(orders.iter().map(|order| self.take(order))).await;
    }

    /// Rows that were written so far: made, changed, and changed without a new entry in any index.
    async fn written(&self, table: &str) -> (i64, i64, i64) {
        let sql = "select n_tup_ins, n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = $1";
        sqlx::query_as(sql).bind(table).fetch_one(&self.stack.pool).await.unwrap()
    }
}

#[tokio::test]
async fn a_webhook_costs_one_statement_and_many_at_once_cost_no_more_each() {
    let _alone = ALONE.lock().await;
    let still = Still::new().await;
    // What is read once in a while is read now, and the connections are opened.
    still.take_all(0..64).await;
    still.take_all(64..128).await;
    let order = still.order(128);
    let (alone, ()) = statements(Box::pin(still.take(&order))).await;
    assert_eq!(alone, 1, "{}", asked());

    let (together, ()) = statements(still.take_all(129..193)).await;
    assert!(together <= 4, "64 webhooks at once took {together} statements:\n{}", asked());
    assert_eq!(still.stack.count("select count(*) from messages").await, 193);
    assert_eq!(still.stack.count("select count(*) from webhook_log where event = 'message'").await, 193);
}

#[tokio::test]
async fn a_webhook_with_little_time_left_is_stored_in_a_transaction_that_its_answer_can_take_back() {
    let _alone = ALONE.lock().await;
    let still = Still::new().await;
    still.take(&still.order(0)).await;
    let order = still.order(1);
    statements(Box::pin(still.take_within(&order, Duration::from_secs(1)))).await;
    assert!(asked().contains("COMMIT"), "{}", asked());
    assert_eq!(still.stack.count("select count(*) from messages").await, 2);
}

#[tokio::test]
async fn a_webhook_costs_few_allocations() {
    let _alone = ALONE.lock().await;
    let still = Still::new().await;
    for n in 0..8 {
        still.take(&still.order(n)).await;
    }
    let orders: Vec<AgentOrder> = (8..24).map(|n| still.order(n)).collect();
    let mut least = u64::MAX;
    for order in &orders {
        // The least of several: what happens once in a while beside it is not counted.
        least = least.min(allocations(Box::pin(still.take(order))).await);
    }
    assert!(least <= 320, "a webhook took {least} allocations");
}

/// Allocations on this thread, which is the only one, until something is done.
async fn allocations(of: impl Future<Output = ()>) -> u64 {
    let mut of = std::pin::pin!(of);
    let mut count = 0;
    std::future::poll_fn(|context| {
        let mut polled = std::task::Poll::Pending;
        count += allocation_counter::measure(|| polled = of.as_mut().poll(context)).count_total;
        polled
    })
    .await;
    count
}

#[tokio::test]
async fn bringing_a_message_writes_its_row_three_times_and_asks_little() {
    // Fewer than the number's pace lets go at once.
    const MESSAGES: usize = 24;
    let _alone = ALONE.lock().await;
    let still = Still::new().await;
    still.take_all(0..MESSAGES).await;
    let before = still.written("messages").await;

    let shutdown = CancellationToken::new();
    let running = tokio::spawn(converge::run(still.engine.clone(), shutdown.clone()));
    let (asked_for, ()) = statements(eventually("all are brought", || async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        (still.stack.count(OPEN).await == 0).then_some(())
    }))
    .await;
    shutdown.cancel();
    running.await.unwrap();

    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = asked_for as f64 / MESSAGES as f64;
    assert!(each <= 4.0, "{each:.2} statements a message:\n{}", asked());
    let lines = still.stack.count("select count(*) from attempts").await;
    assert_eq!(lines, 4 * i64::try_from(MESSAGES).unwrap(), "ordered, begun, seen, done");
    // Begun and applied; the database counts it a little later.
    let changed = 2 * i64::try_from(MESSAGES).unwrap();
    let hot = eventually("the database has counted", || async {
        let (_, updated, hot) = still.written("messages").await;
        (updated - before.1 >= changed).then_some(hot - before.2)
    })
    .await;
    assert_eq!(still.written("messages").await.1 - before.1, changed);
    // Rows of one page that begin in the same transaction do not all find room on it.
    assert!(hot >= changed / 4, "{hot} of {} begins wrote no index", changed / 2);
}
