//! Crashes of Twinwire, of Postgres, and of initdb.

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use support::{Holder, alive, count, execute, folder, hold, kill, options};
use twinwire_postgres::{Crash, Error, start};

const FILL: &str = "create table kept (id int); insert into kept select generate_series(1, 1000)";

#[tokio::test]
async fn a_server_is_adopted_after_its_user_was_killed() {
    let temp = folder();
    let holder = Holder::spawn(hold(&temp.path().join("data")).arg(FILL));
    let pid = holder.pid;
    holder.kill();
    assert!(alive(pid));
    let server = start(options(&temp)).await.unwrap();
    assert!(server.was_adopted());
    assert_eq!(server.pid(), pid);
    assert_eq!(count(server.url()).await, 1000);
    server.stop().await.unwrap();
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_killed_postmaster_comes_back_with_its_rows() {
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    execute(server.url(), FILL).await;
    kill(server.pid());
    let again = start(options(&temp)).await.unwrap();
    assert!(!again.was_adopted());
    assert_eq!(count(again.url()).await, 1000);
    let pid = again.pid();
    again.stop().await.unwrap();
    assert!(alive(pid), "the first user is still there");
    server.stop().await.unwrap();
    assert!(!alive(pid));
}

#[tokio::test]
async fn both_killed_come_back_with_their_rows() {
    let temp = folder();
    let holder = Holder::spawn(hold(&temp.path().join("data")).arg(FILL));
    let pid = holder.pid;
    holder.kill();
    kill(pid);
    let server = start(options(&temp)).await.unwrap();
    assert_eq!(count(server.url()).await, 1000);
    server.stop().await.unwrap();
}

/// Restarted containers give the old number to another process.
#[tokio::test]
async fn a_noted_process_number_that_another_process_has_does_not_stop_the_start() {
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    execute(server.url(), FILL).await;
    kill(server.pid());
    std::mem::forget(server);
    let data = temp.path().join("data/postgres/data");
    let mut stranger = as_owner_of(&data, "sleep").arg("600").spawn().unwrap();
    let path = data.join("postmaster.pid");
    let noted = fs::read_to_string(&path).unwrap();
    let rest = noted.split_once('\n').unwrap().1;
    fs::write(&path, format!("{}\n{rest}", stranger.id())).unwrap();
    let again = start(options(&temp)).await;
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    let again = again.unwrap();
    assert_eq!(count(again.url()).await, 1000);
    // The forgotten user would keep it up.
    kill(again.pid());
}

#[expect(clippy::unwrap_used, reason = "a helper that fails should end its test")]
fn as_owner_of(path: &Path, program: &str) -> Command {
    use std::os::unix::{fs::MetadataExt, process::CommandExt};
    let meta = fs::metadata(path).unwrap();
    let mut command = Command::new(program);
    if meta.uid() != fs::metadata("/proc/self").unwrap().uid() {
        command.uid(meta.uid()).gid(meta.gid());
    }
    command
}

/// Two servers on one data folder would damage it.
#[tokio::test]
async fn data_in_use_in_another_container_is_refused() {
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    execute(server.url(), FILL).await;
    // The other container's server is not among our processes, but its lock is seen.
    kill(server.pid());
    let path = temp.path().join("data/postgres/connection.json");
    let elsewhere = fs::read_to_string(&path).unwrap().replace("pid:[", "pid:[9");
    fs::write(&path, elsewhere).unwrap();
    assert!(matches!(start(options(&temp)).await, Err(Error::UsedElsewhere(_))));
    server.stop().await.unwrap();
    let moved = start(options(&temp)).await.unwrap();
    assert_eq!(count(moved.url()).await, 1000);
    moved.stop().await.unwrap();
}

#[tokio::test]
async fn an_interrupted_initdb_is_redone() {
    let temp = folder();
    let unfinished = temp.path().join("data/postgres/data.new");
    fs::create_dir_all(unfinished.join("base")).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    fs::write(temp.path().join("data/postgres/password.tmp"), "left over").unwrap();
    let server = start(options(&temp)).await.unwrap();
    execute(server.url(), FILL).await;
    assert!(!unfinished.exists());
    server.stop().await.unwrap();
}

/// The killed process leaves a running initdb behind, which must not get in the way of the next one.
#[tokio::test]
async fn a_first_start_killed_at_any_moment_is_redone() {
    for millis in [100, 250, 400, 600] {
        let temp = folder();
        let mut first = hold(&temp.path().join("data")).stdin(Stdio::piped()).spawn().unwrap();
        thread::sleep(Duration::from_millis(millis));
        first.kill().unwrap();
        first.wait().unwrap();
        let server = start(options(&temp)).await.unwrap();
        execute(server.url(), FILL).await;
        assert_eq!(count(server.url()).await, 1000);
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_taken_port_is_left_for_another() {
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    execute(server.url(), FILL).await;
    let old = server.url().to_owned();
    server.stop().await.unwrap();
    let port: u16 = old.rsplit([':', '/']).nth(1).unwrap().parse().unwrap();
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let server = start(options(&temp)).await.unwrap();
    assert_ne!(server.url(), old);
    assert_eq!(count(server.url()).await, 1000);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_is_no_cluster_is_never_removed() {
    let temp = folder();
    let data = temp.path().join("data/postgres/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("letter.txt"), "dear").unwrap();
    assert!(matches!(start(options(&temp)).await, Err(Error::NotACluster(_))));
    assert!(data.join("letter.txt").exists());
}

#[tokio::test]
async fn data_without_its_password_says_what_to_do() {
    let temp = folder();
    start(options(&temp)).await.unwrap().stop().await.unwrap();
    fs::remove_file(temp.path().join("data/postgres/connection.json")).unwrap();
    let error = start(options(&temp)).await.unwrap_err().to_string();
    assert!(error.contains("connection.json") && error.contains("Restore"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_made_to_crash_comes_back_in_the_same_place_with_its_rows() {
    let temp = folder();
    let mut server = start(options(&temp)).await.unwrap();
    execute(server.url(), FILL).await;
    for how in [Crash::Kill, Crash::Immediate] {
        let pid = server.pid();
        server.crash(how, Duration::from_millis(100)).await.unwrap();
        assert!(!alive(pid) && server.pid() != pid, "{how:?}");
        assert_eq!(count(server.url()).await, 1000, "{how:?}");
    }
    let pid = server.pid();
    server.stop().await.unwrap();
    assert!(!alive(pid));
}
