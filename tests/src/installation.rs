//! A Twinwire that runs as a process of its own, between the doubles.

use crate::database::{TestDatabase, world_readable_dir};
use crate::process::{Program, Ran, Serving, lasting_address};
use crate::stack::{AGENT_APP, SECRET, SUPPORT, answers};
use crate::wait::eventually;
use serde_json::Value;
use sqlx::PgPool;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use twinwire_sandbox::front::AgentOrder;
use twinwire_sandbox::{Front, FrontOptions, SignalWire, SignalWireOptions};
use twinwire_store::pool;
use twinwire_store::seal::SecretKey;

/// How long messages may take to come to rest. Generous: machines are shared, and leases run out first.
const PATIENCE: Duration = Duration::from_secs(90);

/// The program with all that it needs: a database, the doubles, a folder, settings.
pub struct Installation {
    /// The database.
    pub database: TestDatabase,
    /// Connections to it, for looking.
    pub pool: PgPool,
    /// The helpdesk.
    pub front: Front,
    /// The provider.
    pub signalwire: SignalWire,
    /// The program, with its settings.
    pub program: Program,
    /// The server; none while it is down.
    pub server: Option<Serving>,
    /// Front's id of the channel; empty before [`Installation::connect`].
    pub front_channel: String,
    /// What `setup` printed; null before.
    pub installed: Value,
    /// The folder that it runs in.
    pub folder: TempDir,
}

impl Installation {
    /// Nothing runs yet but the database and the doubles.
    ///
    /// # Panics
    /// When one of them does not start.
    pub async fn new(path: &str) -> Self {
        let database = TestDatabase::new().await;
        let (front, signalwire) = doubles().await;
        let folder = world_readable_dir();
        let program = settings(Program::new(path, folder.path()), &front, &signalwire)
            .with("DATABASE_URL", &database.url)
            .with("TWINWIRE_SECRET_KEY", key(7))
            .with("TWINWIRE_LISTEN", lasting_address().to_string());
        Self {
            pool: pool::connect(&database.url, 3).await.unwrap(),
            database,
            front,
            signalwire,
            program,
            server: None,
            front_channel: String::new(),
            installed: Value::Null,
            folder,
        }
    }

    /// A server runs, and Front's user has connected a channel.
    pub async fn connected(path: &str) -> Self {
        let mut installation = Self::new(path).await;
        installation.start().await;
        installation.connect().await;
        installation
    }

    /// Makes a channel by the real set-up and connects it. The provider's webhooks are set up as `setup` says.
    ///
    /// # Panics
    /// When either fails.
    pub async fn connect(&mut self) {
        self.installed = self.setup().await.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.front_channel = self.front.connect(&text(&self.installed["api_key"])).await.unwrap().id;
        self.signalwire.set_webhook(SUPPORT, &text(&self.installed["webhook_urls"]["inbound"]));
    }

    /// `twinwire setup` with the right answers.
    pub async fn setup(&self) -> Ran {
        let arguments = setup_arguments();
        self.program.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    /// The channel's id.
    ///
    /// # Panics
    /// Before the set-up.
    pub fn channel(&self) -> &str {
        self.installed["channel"].as_str().unwrap()
    }

    /// Starts the server.
    pub async fn start(&mut self) {
        self.start_as(&self.program.clone()).await;
    }

    /// Starts the server so that it dies at a point.
    pub async fn start_to_die_at(&mut self, point: &str) {
        self.start_as(&self.program.clone().with("TWINWIRE_CRASH_AT", point)).await;
    }

    async fn start_as(&mut self, program: &Program) {
        let server = program.serve().await;
        self.front
            .set_server_url(&format!("http://{}/v1/install/front_signalwire/authorization", server.address));
        self.server = Some(server);
    }

    /// The server's process, to be ended.
    ///
    /// # Panics
    /// While it is down.
    pub fn take_server(&mut self) -> Serving {
        self.server.take().unwrap()
    }

    /// Stops the server in order.
    ///
    /// # Panics
    /// When it is down, or does not end well.
    pub async fn stop(&mut self) {
        let ran = self.take_server().stop().await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    /// An agent's message.
    ///
    /// # Panics
    /// When the channel is not connected.
    pub fn order(&self, to: &[&str], text: &str) -> AgentOrder {
        self.front.message_request(&self.front_channel, None, to, text).unwrap()
    }

    /// Posts an agent's message as often as it takes until the server has taken it.
    pub async fn insist(&self, order: &AgentOrder) {
        eventually("the server takes the agent's message", || async {
            let sent = self.front.post(order).await.unwrap();
            sent.answer.is_success().then_some(())
        })
        .await;
    }

    /// Waits until nothing is due and nothing is in doubt. A call in flight when its server died stays marked where
    /// evidence has settled the message since.
    ///
    /// # Panics
    /// When that does not come, with what stays open and what the server said.
    pub async fn settle(&self) {
        let (open, began) = ("wake_at is not null or doubt is not null", Instant::now());
        while self.count(&format!("select count(*) from messages where {open}")).await > 0 {
            if began.elapsed() > PATIENCE {
                let sql = format!("select to_jsonb(m) - 'data' - 'body' from messages m where {open}");
                let rows: Vec<Value> =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap();
                let log = self.server.as_ref().map(|server| server.running.stderr());
                panic!("the messages do not come to rest: {rows:#?}\n{}", log.unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// One number from the database.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.pool).await.unwrap()
    }

    /// Texts that a customer got, in the order in which the provider took them.
    pub fn texts_to(&self, customer: &str) -> Vec<String> {
        self.signalwire.outbound_to(customer).into_iter().map(|message| message.body).collect()
    }

    /// Texts of a customer as agents see them, in the order in which they came.
    pub fn texts_from(&self, customer: &str) -> Vec<String> {
        let messages = self.front.messages(&self.front_channel, customer);
        messages.into_iter().filter(|message| message.is_inbound).map(|message| message.text).collect()
    }

    /// Neither side has anything twice.
    ///
    /// # Panics
    /// When one has.
    pub fn assert_nothing_doubled(&self) {
        assert!(self.signalwire.duplicates().is_empty(), "{:?}", self.signalwire.duplicates());
        let doubled = self.front.duplicates(&self.front_channel);
        assert!(doubled.is_empty(), "{doubled:?}");
    }
}

/// The doubles, with the credentials of the usual answers. Nobody else gets the address of one that is stopped.
///
/// # Panics
/// When one does not start.
pub async fn doubles() -> (Front, SignalWire) {
    let front = FrontOptions {
        app_id: AGENT_APP.to_owned(),
        app_secret: SECRET.to_owned(),
        listen: Some(lasting_address()),
        ..FrontOptions::default()
    };
    let answers = answers(SUPPORT);
    let answer = |name: &str| answers.get(name).unwrap().to_owned();
    let signalwire = SignalWire::start(SignalWireOptions {
        space: answer("space"),
        project: answer("project"),
        token: answer("token"),
        signing_key: answer("signing_key"),
        listen: Some(lasting_address()),
        ..SignalWireOptions::default()
    });
    let (front, signalwire) = (Front::start(front).await.unwrap(), signalwire.await.unwrap());
    signalwire.add_number(SUPPORT);
    (front, signalwire)
}

/// What every test of the program sets: the doubles, no polls by themselves, and short times.
pub fn settings(program: Program, front: &Front, signalwire: &SignalWire) -> Program {
    program
        .with("TWINWIRE_FRONT_APP_ID", AGENT_APP)
        .with("TWINWIRE_FRONT_APP_SECRET", SECRET)
        .with("TWINWIRE_FRONT_API_URL", front.url())
        .with("TWINWIRE_FRONT_REQUESTS_PER_MINUTE", "60000")
        .with("TWINWIRE_FRONT_REQUESTS_PER_SECOND", "1000")
        .with("TWINWIRE_SIGNALWIRE_API_URL", signalwire.url())
        .with("TWINWIRE_POLL_INTERVAL", "1d")
        .with("TWINWIRE_SETTLING", "1500ms")
        .with("TWINWIRE_LEASE", "2s")
}

/// A secret key as text.
pub fn key(byte: u8) -> String {
    use secrecy::ExposeSecret;
    SecretKey::text_of([byte; 32]).expose_secret().to_owned()
}

/// The arguments of the usual set-up.
pub fn setup_arguments() -> Vec<String> {
    let mut arguments = vec!["setup".to_owned(), "front_signalwire".to_owned()];
    for (name, value) in answers(SUPPORT).iter() {
        arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    arguments.push("--json".to_owned());
    arguments
}

/// A folder that any user can enter.
pub fn folder() -> TempDir {
    world_readable_dir()
}

/// The number in a file of `folder`, as Postgres notes its process.
pub fn postgres_pid(folder: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(folder.join("postgres/data/postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok()
}
