//! The stack.

use crate::database::TestDatabase;
use crate::installation::doubles;
use crate::server::{engine, serve};
use crate::wait::eventually;
use serde_json::Value;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use twinwire_cli::server::Server;
use twinwire_core::model::Message;
use twinwire_core::setting::Settings;
use twinwire_engine::jobs::read_list;
use twinwire_engine::setup::{self, Installed};
use twinwire_engine::{Engine, Keep, Safeguard};
use twinwire_sandbox::front::Message as FrontMessage;
use twinwire_sandbox::{Front, SignalWire};
use twinwire_store::backfills::{self, Backfill, Kind};
use twinwire_store::{messages, pool};

/// The support team's number.
pub const SUPPORT: &str = "+12015550123";
/// A customer.
pub const CUSTOMER: &str = "+12025550147";
/// Another one.
pub const OTHER_CUSTOMER: &str = "+12025550148";
/// The Front app.
pub const AGENT_APP: &str = "app_uid_test";
/// Its secret.
pub const SECRET: &str = "front app secret for tests";
/// The SignalWire space.
pub const SPACE: &str = "acme";
const PROJECT: &str = "c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13";
const TOKEN: &str = "PTtesttesttesttesttest";
const SIGNING_KEY: &str = "PSK_testtesttesttest";

/// A poll interval with which nothing is read unless the test asks for it.
const NEVER: Duration = Duration::from_secs(3600);

/// How a stack differs from the usual one.
#[derive(Clone, Debug)]
pub struct Setting {
    /// How often accounts are read; never during a test, usually.
    pub poll_interval: Duration,
    /// How long an outcome stays unknown before it is looked up.
    pub settling: Duration,
    /// The lease.
    pub lease: Duration,
    /// Whether the provider's webhooks are set up.
    pub webhooks: bool,
    /// The safeguard that is left out.
    pub without: Option<Safeguard>,
    /// Calls a minute that Front takes from the company.
    pub front_per_minute: &'static str,
    /// Where files of messages are kept.
    pub media: Arc<TempDir>,
    /// Whether files are fetched from addresses of private networks, where the doubles are.
    pub private_hosts: bool,
    /// How long what is kept is kept.
    pub keep: Keep,
    /// Whether the Front application is set.
    pub front_app: bool,
    /// What vendors call, where it is not the address itself.
    pub public_url: Option<String>,
    /// Where Twilio is, for tests that make channels of it.
    pub twilio_url: Option<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            poll_interval: NEVER,
            settling: Duration::from_millis(1500),
            lease: Duration::from_secs(5),
            webhooks: true,
            without: None,
            front_per_minute: "60000",
            media: Arc::new(TempDir::new().unwrap()),
            private_hosts: true,
            keep: Keep::default(),
            front_app: true,
            public_url: None,
            twilio_url: None,
        }
    }
}

/// A running Twinwire between the two doubles, with one connected channel.
pub struct Stack {
    /// The database.
    pub database: TestDatabase,
    /// Connections to it, for looking.
    pub pool: PgPool,
    /// The helpdesk.
    pub front: Front,
    /// The provider.
    pub signalwire: SignalWire,
    /// Twinwire; none while it is stopped.
    pub server: Option<Server>,
    /// What the set-up gave.
    pub installed: Installed,
    /// Front's id of the channel.
    pub channel: String,
    /// How it differs from the usual one; what is changed holds from the next start of the server.
    pub setting: Setting,
}

impl Stack {
    /// A stack as usual.
    pub async fn start() -> Self {
        Self::with(Setting::default()).await
    }

    /// A stack as usual, on a database server of its own, which the test may kill.
    pub async fn with_own_database() -> Self {
        Self::on(TestDatabase::own().await, Setting::default()).await
    }

    /// A stack that differs.
    ///
    /// # Panics
    /// When any part of it does not start.
    pub async fn with(setting: Setting) -> Self {
        Self::on(TestDatabase::new().await, setting).await
    }

    /// A stack on a database.
    ///
    /// # Panics
    /// When any part of it does not start.
    pub async fn on(database: TestDatabase, setting: Setting) -> Self {
        start_logging();
        let pool = pool::connect(&database.url, 5).await.unwrap();
        let (front, signalwire) = doubles().await;
        if setting.poll_interval >= NEVER {
            no_regular_readings(&pool).await;
        }
        let server = serve(&database.url, &front, &signalwire, &setting).await;
        let installed = setup::install(&server.engine, "front_signalwire", &answers(SUPPORT)).await.unwrap();
        front.set_server_url(&format!("http://{}/v1/install/front_signalwire/authorization", server.address));
        let channel = front.connect(&installed.api_key).await.unwrap().id;
        let stack =
            Self { database, pool, front, signalwire, server: Some(server), installed, channel, setting };
        if stack.setting.webhooks {
            stack.signalwire.set_webhook(SUPPORT, &stack.hook_url("inbound"));
        }
        stack
    }

    /// Twinwire.
    ///
    /// # Panics
    /// While it is stopped.
    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.server().engine
    }

    /// Where Twinwire listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.server().address)
    }

    /// Where the provider posts to.
    pub fn hook_url(&self, hook: &str) -> String {
        self.installed.channel.provider_url(&self.url(), "signalwire", hook)
    }

    /// The channel's key in the tables.
    pub async fn channel_key(&self) -> i64 {
        sqlx::query_scalar("select id from channels where public_id = $1")
            .bind(&self.installed.channel.id)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Waits until nothing is due and nothing is in flight.
    pub async fn settle(&self) {
        eventually("the stack comes to rest", || async {
            let open: i64 = sqlx::query_scalar(
                "select count(*) from messages where wake_at is not null or in_flight is not null or doubt is not null",
            )
            .fetch_one(&self.pool)
            .await
            .unwrap();
            (open == 0).then_some(())
        })
        .await;
    }

    /// The rows of the channel, in order.
    pub async fn rows(&self) -> Vec<Message> {
        let channel = self.channel_key().await;
        let ids: Vec<String> = sqlx::query_scalar(
            "select external_id from messages where channel_id = $1 order by occurred_at, seq",
        )
        .bind(channel)
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(messages::get(&self.pool, channel, &id).await.unwrap());
        }
        rows
    }

    /// A row of any channel that is so, if there is one.
    pub async fn row(&self, so: &str) -> Option<Message> {
        let sql = format!("select channel_id, external_id from messages where {so} limit 1");
        let found: Option<(i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_optional(&self.pool).await.unwrap();
        let (channel, id) = found?;
        messages::get(&self.pool, channel, &id).await.unwrap()
    }

    /// One number from the database.
    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.pool).await.unwrap()
    }

    /// Texts that customers got, in the order in which the provider took them.
    pub fn texts_to(&self, customer: &str) -> Vec<String> {
        self.signalwire.outbound_to(customer).into_iter().map(|message| message.body).collect()
    }

    /// A conversation as agents see it.
    pub fn thread(&self, customer: &str) -> Vec<FrontMessage> {
        self.front.messages(&self.channel, customer)
    }

    /// The texts of a conversation as agents see them.
    pub fn thread_texts(&self, customer: &str) -> Vec<String> {
        self.thread(customer).into_iter().map(|message| message.text).collect()
    }

    /// Runs a backfill to its end and waits until what it found is delivered.
    pub async fn backfill(&self, kind: Kind) -> Backfill {
        let account = self.count("select id from accounts where connector = 'signalwire'").await;
        let id = read_list::request(self.engine(), account, None, kind, "test").await.unwrap();
        let done = eventually("the backfill ends", || async {
            backfills::get(&self.pool, id).await.unwrap().filter(Backfill::is_over)
        })
        .await;
        self.settle().await;
        done
    }

    /// Stops Twinwire in order.
    pub async fn stop_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Starts Twinwire again, on another port: vendors are told the new address.
    pub async fn start_server(&mut self) {
        let server = serve(&self.database.url, &self.front, &self.signalwire, &self.setting).await;
        self.front
            .set_server_url(&format!("http://{}/v1/install/front_signalwire/authorization", server.address));
        self.server = Some(server);
    }

    /// One more Twinwire on the same database, as a second process beside the first. Vendors call the first.
    pub async fn second_server(&self) -> Server {
        serve(&self.database.url, &self.front, &self.signalwire, &self.setting).await
    }

    /// The engine of one more Twinwire on the same database, of which nothing runs by itself.
    pub async fn still_engine(&self) -> Engine {
        let address = "http://127.0.0.1:1".to_owned();
        engine(&self.database.url, &self.front, &self.signalwire, &self.setting, address).await
    }

    /// One more Twinwire on the same database, which was not told of the Front application.
    pub async fn server_without_front(&self) -> Server {
        let setting = Setting { front_app: false, ..self.setting.clone() };
        serve(&self.database.url, &self.front, &self.signalwire, &setting).await
    }

    /// One more Twinwire on the same database, which is reached at that address.
    pub async fn server_at(&self, public_url: &str) -> Server {
        let setting = Setting { public_url: Some(public_url.to_owned()), ..self.setting.clone() };
        serve(&self.database.url, &self.front, &self.signalwire, &setting).await
    }

    /// Asks Twinwire something.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = reqwest::get(format!("{}{path}", self.url())).await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }
}

/// `TWINWIRE_LOG=debug` shows what the server does under a test.
fn start_logging() {
    if let Ok(filter) = std::env::var("TWINWIRE_LOG") {
        tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init().ok();
    }
}

/// The answers of the set-up for a number.
pub fn answers(phone: &str) -> Settings {
    [("phone", phone), ("space", SPACE), ("project", PROJECT), ("token", TOKEN), ("signing_key", SIGNING_KEY)]
        .into_iter()
        .collect()
}

/// Claims the regular jobs of this hour and the next ones: a reading that falls into a test by the clock would bring in what
/// the test has lost on purpose.
async fn no_regular_readings(pool: &PgPool) {
    sqlx::query(
        "insert into apalis.twinwire_ticks (name, ran_at)
        select name, now() + interval '1 day' from unnest(array['poll', 'incremental', 'count_hours']) as name",
    )
    .execute(pool)
    .await
    .unwrap();
}
