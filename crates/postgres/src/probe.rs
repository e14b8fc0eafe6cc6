//! Real connections: the only proof that a server is ours and answers.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection as _, PgConnection};

use crate::Error;
use crate::cluster::Cluster;
use crate::connection::{Connection, damaged};
use crate::context::Context;

/// How waiting for the server ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It answers.
    Ready,
    /// Its process ended.
    Gone,
    /// Time is up; it lives and refuses us, for example in crash recovery.
    Refusing,
    /// Time is up, and it does not answer.
    Silent,
}

/// One attempt to connect.
enum Answer {
    Ready,
    Refuses,
    No,
    WrongPassword,
}

/// Waits until the server answers, is no longer alive, or the deadline is over.
pub(crate) fn wait(
    cluster: &Cluster,
    connection: &Connection,
    alive: impl Fn() -> bool,
    deadline: Instant,
    context: &Context,
) -> Result<Wait, Error> {
    loop {
        let refuses = match context.runtime.block_on(ask(connection, &cluster.data())) {
            Answer::Ready => return Ok(Wait::Ready),
            Answer::WrongPassword => {
                return Err(damaged(
                    &cluster.connection(),
                    "has a password that Postgres does not accept".into(),
                ));
            }
            Answer::Refuses => true,
            Answer::No => false,
        };
        if !alive() {
            return Ok(Wait::Gone);
        }
        if Instant::now() > deadline {
            return Ok(if refuses { Wait::Refusing } else { Wait::Silent });
        }
        context.pause(20)?;
    }
}

async fn ask(connection: &Connection, data: &Path) -> Answer {
    match tokio::time::timeout(Duration::from_secs(5), data_directory(connection)).await {
        Ok(Ok(answer)) if fs::canonicalize(&answer).is_ok_and(|answer| answer == data) => Answer::Ready,
        // A copy of our folder that runs elsewhere knows the password too.
        Ok(Ok(_)) | Err(_) => Answer::No,
        Ok(Err(error)) => {
            tracing::debug!(%error, "Postgres does not answer yet");
            match error.as_database_error().and_then(DatabaseError::code).as_deref() {
                Some("28P01") => Answer::WrongPassword,
                // It is starting, or all its connections are taken.
                Some(_) => Answer::Refuses,
                None => Answer::No,
            }
        }
    }
}

async fn data_directory(connection: &Connection) -> Result<String, sqlx::Error> {
    let mut session = connect(connection).await?;
    let _: i32 = sqlx::query_scalar("select 1").fetch_one(&mut session).await?;
    let answer =
        sqlx::query_scalar("select current_setting('data_directory')").fetch_one(&mut session).await?;
    session.close().await?;
    Ok(answer)
}

async fn connect(connection: &Connection) -> Result<PgConnection, sqlx::Error> {
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(connection.port)
        .username("twinwire")
        .password(&connection.password)
        .database("postgres")
        .ssl_mode(PgSslMode::Disable);
    options.disable_statement_logging().connect().await
}

/// Makes the database `twinwire` unless it is there.
pub(crate) fn ensure_database(connection: &Connection, context: &Context) -> Result<(), Error> {
    let work = async {
        let mut session = connect(connection).await?;
        let there: bool =
            sqlx::query_scalar("select exists (select from pg_database where datname = 'twinwire')")
                .fetch_one(&mut session)
                .await?;
        if !there {
            sqlx::query("create database twinwire").execute(&mut session).await?;
        }
        session.close().await
    };
    context.runtime.block_on(work).map_err(Error::Database)
}
