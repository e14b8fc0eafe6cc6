//! Users, folders and installations.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use support::{Holder, alive, folder, hold_program, options};
use twinwire_postgres::{Error, Options, is_there, start};

/// User and group `daemon`, which every Unix has.
const DAEMON: u32 = 1;

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

#[tokio::test]
async fn root_gives_postgres_a_user_of_its_own() {
    if !is_root() {
        return;
    }
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    assert_ne!(fs::metadata(format!("/proc/{}", server.pid())).unwrap().uid(), 0);
    assert_ne!(fs::metadata(temp.path().join("data/postgres/data")).unwrap().uid(), 0);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_ordinary_user_starts_it_and_root_can_go_on_with_the_data() {
    if !is_root() {
        return;
    }
    let temp = folder();
    let home = temp.path().join("data");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(DAEMON), Some(DAEMON)).unwrap();
    let program = temp.path().join("hold");
    fs::copy(hold_program(), &program).unwrap();
    let as_daemon = || {
        let mut command = std::process::Command::new(&program);
        command.arg(&home).uid(DAEMON).gid(DAEMON).current_dir("/");
        Holder::spawn(&mut command)
    };
    let holder = as_daemon();
    assert_eq!(fs::metadata(format!("/proc/{}", holder.pid)).unwrap().uid(), DAEMON);
    holder.let_go();
    let server = start(options(&temp)).await.unwrap();
    assert_eq!(fs::metadata(format!("/proc/{}", server.pid())).unwrap().uid(), DAEMON);
    server.stop().await.unwrap();
    as_daemon().let_go();
}

#[tokio::test]
async fn a_closed_folder_above_the_data_is_named() {
    if !is_root() {
        return;
    }
    let temp = folder();
    let closed = temp.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let error = start(Options::new(closed.join("data"))).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { folder, .. } if folder.ends_with("closed")), "{error}");
    assert!(error.to_string().contains("/var/lib/twinwire"));
}

#[tokio::test]
async fn a_missing_program_folder_is_named() {
    let temp = folder();
    let bin_dir = Some(PathBuf::from("/nowhere/bin"));
    let error = start(Options { bin_dir, ..options(&temp) }).await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/bin") && error.contains("TWINWIRE_POSTGRES_BIN"), "{error}");
}

#[tokio::test]
async fn data_of_another_version_says_which_is_needed() {
    let temp = folder();
    start(options(&temp)).await.unwrap().stop().await.unwrap();
    fs::write(temp.path().join("data/postgres/data/PG_VERSION"), "13\n").unwrap();
    let error = start(options(&temp)).await.unwrap_err();
    assert!(matches!(error, Error::WrongVersion { needed: 13, .. }), "{error}");
}

#[tokio::test]
async fn a_long_data_folder_works() {
    let temp = folder();
    let long = temp.path().join("a-folder-with-quite-a-long-name".repeat(5)).join("and another ".repeat(8));
    let server = start(Options::new(long)).await.unwrap();
    assert!(alive(server.pid()));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn whether_it_is_there_is_known_without_making_it() {
    let temp = folder();
    let home = temp.path().join("data");
    assert!(!is_there(&home));
    assert!(!home.exists(), "nothing is made by asking");
    // What a start leaves when it is killed before the cluster is whole.
    fs::create_dir_all(home.join("postgres/data.new-1")).unwrap();
    fs::create_dir(home.join("postgres/data")).unwrap();
    assert!(!is_there(&home));
    start(options(&temp)).await.unwrap().stop().await.unwrap();
    assert!(is_there(&home));
    let stray = temp.path().join("stray");
    fs::create_dir_all(stray.join("postgres/data/something")).unwrap();
    assert!(is_there(&stray), "a start says what is wrong with it");
}
