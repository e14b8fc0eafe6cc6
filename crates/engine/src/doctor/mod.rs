//! Whether this installation is well: asks the database, the vendors and the network, and lets
//! [`twinwire_core::doctor`] say what the answers mean. Nothing is changed, and no message is sent.
//!
//! * this file — which check asks whom;
//! * [`reach`] — calling our own public address, and answering such a call;
//! * `vendors` — credentials, clocks and webhooks.

pub mod reach;
mod vendors;

use crate::answers::missing_installation;
use crate::jobs::queue;
use crate::{Engine, Result};
use chrono::TimeDelta;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;
use twinwire_core::doctor::place::{self, Database, Folder, Schema};
use twinwire_core::doctor::work::{self, Account, AllJobs, Endpoint, Jobs, Messages, Stuck};
use twinwire_core::doctor::{Check, Finding};
use twinwire_store::accounts::{self, REFUSED, REFUSED_TO_READ, Shown};
use twinwire_store::{channels, checkup, endpoints, pool, vitals};

/// What belongs to the process on its machine, beside the database.
#[derive(Clone, Debug)]
pub struct Home {
    /// The data folder.
    pub folder: PathBuf,
    /// The file of the key, where the key is kept in one.
    pub key: Option<PathBuf>,
    /// Whether Twinwire's own Postgres is in it.
    pub keeps_database: bool,
    /// Whether the settings of the process say where vendors reach the installation.
    pub public_url_is_set: bool,
}

/// Runs one check.
///
/// # Errors
/// When the database does not answer.
pub async fn run(engine: &Engine, check: Check) -> Result<Vec<Finding>> {
    Ok(match check {
        Check::Database => place::database(&database(engine).await?),
        Check::Migrations => {
            let (known, missing, unknown) = checkup::migrations(engine.pool()).await?;
            place::schema(Schema { known, missing, unknown })
        }
        Check::Installation => place::folder(&installation(engine).await?),
        Check::Workers => vec![work::workers(queue::alive(engine.pool()).await?)],
        Check::PublicUrl => reach::check(engine).await?,
        Check::Vendors => vendors::credentials(engine).await?,
        Check::Webhooks => vendors::webhooks(engine).await?,
        Check::Accounts => resting(engine).await?,
        Check::Messages => work::messages(&messages(engine).await?, engine.now()),
        Check::Jobs => work::jobs(&jobs(engine).await?),
        Check::Endpoints => waiting(engine).await?,
    })
}

/// Accounts of channels that are not removed.
async fn used_accounts(engine: &Engine) -> Result<Vec<Shown>> {
    let all = accounts::shown(engine.pool(), None).await?;
    Ok(all.into_iter().filter(|account| !account.channels.is_empty()).collect())
}

/// A vendor's name for people.
fn title<'a>(engine: &Engine, connector: &'a str) -> &'a str {
    match engine.connectors().named(connector) {
        Ok(known) => known.title(),
        Err(_) => connector,
    }
}

async fn database(engine: &Engine) -> Result<Database> {
    let version = pool::server_version(engine.pool()).await?;
    let conn = &mut *engine.pool().acquire().await?;
    let settings = checkup::settings(conn).await?;
    let missing_extensions = checkup::missing_extensions(conn).await?;
    let (began, before) = (Instant::now(), engine.now());
    let there = checkup::time(conn).await?;
    let took = began.elapsed();
    let half = TimeDelta::from_std(took / 2).unwrap_or_default();
    Ok(Database { version, took, ahead: there - (before + half), settings, missing_extensions })
}

async fn installation(engine: &Engine) -> Result<Folder> {
    let mut facts = match engine.home() {
        Some(home) => at_home(home),
        None => Folder::default(),
    };
    let mut pairs: Vec<String> =
        channels::all(engine.pool()).await?.into_iter().map(|channel| channel.channel.pair).collect();
    pairs.sort_unstable();
    pairs.dedup();
    for pair in pairs {
        let Some((helpdesk, provider)) = engine.connectors().pair(&pair) else { continue };
        let missing = [helpdesk, provider].into_iter().flat_map(|one| missing_installation(engine, one));
        facts.missing.extend(missing.map(|(variable, what)| (variable, what.to_owned())));
    }
    facts.missing.sort_unstable();
    facts.missing.dedup();
    Ok(facts)
}

/// What the machine says of the data folder.
fn at_home(home: &Home) -> Folder {
    let mut unreadable = None;
    let mut mode = |path: &Path| match fs::metadata(path) {
        Ok(found) => Some(found.permissions().mode()),
        Err(error) => {
            unreadable = Some(format!("{} cannot be looked at: {error}.", path.display()));
            None
        }
    };
    // A process that keeps nothing there need not have one.
    let used = home.key.is_some() || home.keeps_database;
    let folder_mode = if used { mode(&home.folder) } else { None };
    let key_mode = home.key.as_deref().and_then(&mut mode);
    let free = home.keeps_database.then(|| free(&home.folder)).flatten();
    let path = Some(home.folder.display().to_string());
    Folder { path, mode: folder_mode, key_mode, unreadable, free, missing: Vec::new() }
}

/// Bytes that are free for us on the disk of a folder.
fn free(folder: &Path) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(found.blocks_available().saturating_mul(found.fragment_size()))
}

async fn resting(engine: &Engine) -> Result<Vec<Finding>> {
    let used = used_accounts(engine).await?;
    let all: Vec<Account<'_>> = used
        .iter()
        .map(|one| Account {
            account: &one.public_id,
            title: title(engine, &one.connector),
            rests_until: one.paused_until,
            reason: one.pause_reason.as_deref(),
            refused: matches!(one.pause_reason.as_deref(), Some(REFUSED | REFUSED_TO_READ)),
            refusals: one.pauses,
            log_only: one.verification == "log_only",
        })
        .collect();
    Ok(work::accounts(&all, engine.now()))
}

async fn messages(engine: &Engine) -> Result<Messages> {
    let vitals = vitals::read(engine.pool(), engine.now()).await?;
    let stuck = {
        let conn = &mut *engine.pool().acquire().await?;
        checkup::stuck(conn, engine.now() - work::STUCK_AFTER).await?
    };
    let new = channels::all(engine.pool()).await?.into_iter();
    let new = new.filter(|one| one.state == channels::State::New).map(|one| one.channel.id);
    #[expect(clippy::cast_possible_truncation, reason = "counts of rows are whole and far below 2^52")]
    let whole = |(why, count): (String, f64)| (why, count as i64);
    Ok(Messages {
        stuck: stuck
            .into_iter()
            .map(|one| Stuck { channel: one.channel, due: one.due, since: one.since, worked: one.worked })
            .collect(),
        unconnected: new.collect(),
        pending: vitals.pending(),
        // What a customer asked for is no trouble, and parts of a text are counted by the one that failed.
        parked: vitals
            .parked
            .into_iter()
            .filter(|(why, _)| !matches!(why.as_str(), "opted_out" | "incomplete"))
            .map(whole)
            .collect(),
    })
}

async fn jobs(engine: &Engine) -> Result<AllJobs> {
    let now = engine.now();
    let (failed, stuck) = {
        let conn = &mut *engine.pool().acquire().await?;
        let failed = checkup::failed_jobs(conn, now - work::JOBS_OF).await?;
        (failed, checkup::stuck_jobs(conn, now - work::JOB_STUCK_AFTER).await?)
    };
    let of = |found: Vec<checkup::OfKind>| {
        found.into_iter().map(|one| Jobs { kind: one.kind, count: one.count, latest: one.latest }).collect()
    };
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a lag are far below 2^52")]
    let behind = |(connector, seconds): (String, f64)| {
        (title(engine, &connector).to_owned(), TimeDelta::seconds(seconds as i64))
    };
    let vitals = vitals::read(engine.pool(), now).await?;
    let of_provider = |name: &str| {
        engine.connectors().named(name).is_ok_and(|one| one.side() == twinwire_core::model::Side::Provider)
    };
    let lags = vitals.poll_lag.into_iter().filter(|(name, _)| of_provider(name));
    Ok(AllJobs { failed: of(failed), stuck: of(stuck), behind: lags.map(behind).collect() })
}

async fn waiting(engine: &Engine) -> Result<Vec<Finding>> {
    let found = endpoints::list(engine.pool(), None).await?;
    let all: Vec<Endpoint<'_>> = found
        .iter()
        .map(|one| Endpoint {
            endpoint: &one.endpoint,
            state: &one.state,
            reason: one.state_reason.as_deref(),
            failing_since: one.failing_since,
            last_error: one.last_error.as_deref(),
            pending: one.pending,
        })
        .collect();
    Ok(work::endpoints(&all, engine.now()))
}
