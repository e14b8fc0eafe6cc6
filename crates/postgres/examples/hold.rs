//! Holds a private Postgres until its input ends: `hold DATA_DIR [--fetch-into CACHE] [SQL ...]`.
//!
//! It runs the statements, prints `<adopted> <pid> <url>`, and waits. The tests kill it to see what stays.

use std::io::{Read, Write, stdin, stdout};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use twinwire_postgres::{Options, start};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1).peekable();
    let mut options = Options::new(args.next().unwrap_or_default());
    if args.next_if(|arg| arg == "--fetch-into").is_some() {
        options.search = false;
        options.cache_dir = args.next().map(Into::into);
    }
    let server = start(options).await?;
    let mut session = PgConnection::connect(server.url()).await?;
    for sql in args {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut session).await?;
    }
    writeln!(stdout(), "{} {} {}", server.was_adopted(), server.pid(), server.url())?;
    tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new())).await??;
    server.stop().await?;
    Ok(())
}
