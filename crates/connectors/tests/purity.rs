//! The core and the connectors stay pure: no runtime, no database, no HTTP client or server can be reached
//! from them.

use std::process::{Command, Output};

const BARRED: [&str; 5] = ["tokio", "sqlx", "reqwest", "axum", "hyper"];

fn assert_pure(package: &str, listed: &Output) {
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8_lossy(&listed.stdout);
    let names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&package), "nothing was listed for {package}");
    for barred in BARRED {
        let reached = names.iter().find(|name| name.split('-').next() == Some(barred));
        assert_eq!(reached, None, "{package} reaches {barred}");
    }
}

/// Lists all crates that `package` is built with.
fn tree(package: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--offline", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

#[test]
fn the_core_does_no_io() {
    assert_pure("twinwire-core", &tree("twinwire-core").output().unwrap());
}

#[test]
fn the_connectors_do_no_io() {
    assert_pure("twinwire-connectors", &tree("twinwire-connectors").output().unwrap());
}
