//! `twinwire db url`

use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use twinwire_store::reader::{self, Login};
use url::Url;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the address of the database, password and all
    Url(UrlArgs),
}

#[derive(Debug, clap::Args)]
struct UrlArgs {
    /// Of a login that can only read, for reports and for people
    #[arg(long)]
    read_only: bool,
    /// Give that login a new password first; the old one ends
    #[arg(long, requires = "read_only")]
    rotate: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let Command::Url(args) = &args.command;
    let database = Database::open(config).await?;
    let found = find(args, &database).await;
    let own = config.database_url.is_none();
    database.close().await?;
    let url = found?;
    if !args.read_only {
        output::complain(
            "warning: who has this address can change and delete everything; `--read-only` prints one for reading",
        );
    }
    if own {
        output::complain("It answers while a command of Twinwire runs, and its port may change.");
    }
    if args.json {
        output::json(&json!({ "url": url.expose_secret(), "read_only": args.read_only }))?;
    } else {
        output::say(url.expose_secret());
    }
    Ok(())
}

async fn find(args: &UrlArgs, database: &Database) -> anyhow::Result<SecretString> {
    if !args.read_only {
        return Ok(database.url.clone());
    }
    let login = if args.rotate {
        reader::rotate(&database.pool, &database.key).await?
    } else {
        reader::ensure(&database.pool, &database.key).await?
    };
    address(&database.url, &login)
}

/// The same database, as that login.
fn address(owner: &SecretString, login: &Login) -> anyhow::Result<SecretString> {
    let mut url = Url::parse(owner.expose_secret()).context("DATABASE_URL is not a URL")?;
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !["user", "password", "dbname"].contains(&name.as_ref()))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    url.set_query(None);
    let (role, password) = (login.role.as_str(), login.password.expose_secret());
    // Where the address names no host, a socket is meant, and what comes before a host has no place.
    let before_host = url.set_username(role).is_ok() && url.set_password(Some(password)).is_ok();
    let after = [("user", role), ("password", password)];
    let mut pairs = kept;
    if !before_host {
        pairs.extend(after.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.set_path(&login.database);
    Ok(String::from(url).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_server_and_changes_its_user() {
        let login =
            Login { role: "shop_reader".to_owned(), password: "s3cret".into(), database: "shop".to_owned() };
        for (owner, reader) in [
            (
                "postgres://me:hunter2@db.test:5433/shop?sslmode=require",
                "postgres://shop_reader:s3cret@db.test:5433/shop?sslmode=require",
            ),
            ("postgres://db.test?user=me&password=hunter2", "postgres://shop_reader:s3cret@db.test/shop"),
            (
                "postgres:///shop?host=/run/pg&user=me",
                "postgres:///shop?host=%2Frun%2Fpg&user=shop_reader&password=s3cret",
            ),
        ] {
            assert_eq!(address(&owner.to_owned().into(), &login).unwrap().expose_secret(), reader);
        }
    }
}
