//! Where Twinwire stands: the database, its schema, the clock and the folder.

use super::{Check, Finding, Trouble};
use crate::explain::lasted;
use chrono::TimeDelta;
use std::time::Duration;

/// Clocks nearer than that are the same: vendors' tell whole seconds.
const SAME: TimeDelta = TimeDelta::seconds(5);
/// Clocks further apart are wrong: the tokens of some vendors live for thirty seconds.
const WRONG: TimeDelta = TimeDelta::seconds(20);
/// Bytes that should be free on the disk of an own Postgres.
const LOW: u64 = 1 << 30;
/// Without these it stops soon.
const FULL: u64 = 200 << 20;

/// The database.
#[derive(Clone, Debug)]
pub struct Database {
    /// As 150018 for 15.18.
    pub version: i32,
    /// How long a question takes.
    pub took: Duration,
    /// How far its clock is ahead of ours.
    pub ahead: TimeDelta,
    /// Settings by name, as Postgres shows them.
    pub settings: Vec<(String, String)>,
    /// Extensions that are needed and missing.
    pub missing_extensions: Vec<String>,
}

/// What there is to say of the database.
pub fn database(facts: &Database) -> Vec<Finding> {
    let check = Check::Database;
    let is =
        |name: &str, word: &str| facts.settings.iter().any(|(known, value)| known == name && value == word);
    let mut found = Vec::new();
    for name in ["fsync", "full_page_writes"] {
        if is(name, "off") {
            let words =
                format!("Postgres runs with {name} = off: a crash of its machine destroys the database.");
            found.push(
                Finding::of(check, Trouble::DatabaseUnsafe, words)
                    .next(format!("Set {name} = on and reload Postgres.")),
            );
        }
    }
    if is("synchronous_commit", "off") {
        let words = "Postgres runs with synchronous_commit = off: in a crash of its machine the last moments are lost, and \
                     what was sent in them may be sent twice.";
        let finding = Finding::of(check, Trouble::DatabaseAsynchronous, words);
        found.push(finding.next("Set synchronous_commit = on, at least for this database."));
    }
    for name in &facts.missing_extensions {
        let words = format!("The extension {name} is missing: jobs cannot run.");
        let finding = Finding::of(check, Trouble::ExtensionMissing, words);
        found.push(finding.next(format!("As a superuser of this database: create extension {name}")));
    }
    found.extend(clock(check, "the database", facts.ahead));
    if found.is_empty() {
        let (major, minor) = (facts.version / 10_000, facts.version % 10_000);
        let took = facts.took.as_millis();
        let words =
            format!("PostgreSQL {major}.{minor} answers in {took} ms, and its clock agrees with ours.");
        found.push(Finding::well(check, words));
    }
    found
}

/// What is wrong between our clock and another one that is `ahead` of it; nothing where they agree.
pub fn clock(check: Check, whose: &str, ahead: TimeDelta) -> Option<Finding> {
    let (apart, way) = if ahead < TimeDelta::zero() { (-ahead, "ahead of") } else { (ahead, "behind") };
    let trouble = match apart {
        apart if apart < SAME => return None,
        apart if apart < WRONG => Trouble::ClockDrifts,
        _ => Trouble::ClockWrong,
    };
    let words = format!("The clock of this process is {} {way} that of {whose}.", lasted(apart));
    Some(Finding::of(check, trouble, words).next("Have the machine's clock set by NTP (`timedatectl`)."))
}

/// The schema.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Migrations of this program.
    pub known: usize,
    /// Of them, those that the database has not had.
    pub missing: usize,
    /// Migrations that the database has had and this program does not know.
    pub unknown: usize,
}

/// What there is to say of the schema.
pub fn schema(facts: Schema) -> Vec<Finding> {
    let check = Check::Migrations;
    let mut found = Vec::new();
    if facts.missing > 0 {
        let words = format!("{} of {} migrations are not applied.", facts.missing, facts.known);
        found.push(
            Finding::of(check, Trouble::MigrationsMissing, words)
                .next("Run `twinwire migrate`, or start `twinwire serve` anew."),
        );
    }
    if facts.unknown > 0 {
        let words = format!(
            "The database has had {} migrations that this program does not know: a newer Twinwire has used it.",
            facts.unknown
        );
        let finding = Finding::of(check, Trouble::MigrationsUnknown, words);
        found.push(finding.next("Bring every process of the installation to the newer version."));
    }
    if found.is_empty() {
        found.push(Finding::well(check, format!("All {} are applied, and none is unknown.", facts.known)));
    }
    found
}

/// The folder of a process.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// Its path, where there is one.
    pub path: Option<String>,
    /// Its permissions, where it could be looked at.
    pub mode: Option<u32>,
    /// The permissions of the key in it, where the key is kept there.
    pub key_mode: Option<u32>,
    /// What could not be looked at, and why.
    pub unreadable: Option<String>,
    /// Bytes that are free on its disk, where an own Postgres is in it.
    pub free: Option<u64>,
    /// Settings of connectors that are missing, with what they are.
    pub missing: Vec<(String, String)>,
}

/// What there is to say of the folder and of the settings.
pub fn folder(facts: &Folder) -> Vec<Finding> {
    let check = Check::Installation;
    let mut found = Vec::new();
    let path = facts.path.as_deref().unwrap_or_default();
    if let Some(mode) = facts.key_mode.filter(|mode| mode & 0o077 != 0) {
        let words = format!("Others on this machine can read the key of the secrets ({:o}).", mode & 0o777);
        let finding = Finding::of(check, Trouble::KeyReadable, words);
        found.push(finding.next(format!("chmod 600 {path}/secret.key")));
    }
    if let Some(mode) = facts.mode.filter(|mode| mode & 0o022 != 0) {
        let words = format!("Others on this machine can write into the data folder ({:o}).", mode & 0o777);
        found.push(Finding::of(check, Trouble::FolderWritable, words).next(format!("chmod go-w {path}")));
    }
    if let Some(what) = &facts.unreadable {
        let finding = Finding::of(check, Trouble::FolderUnreadable, what.clone());
        found.push(finding.next("Run it as the user that the server runs as."));
    }
    if let Some(free) = facts.free.filter(|free| *free < LOW) {
        let trouble = if free < FULL { Trouble::DiskFull } else { Trouble::DiskLow };
        let words = format!("{} MiB are free on the disk of Twinwire's own Postgres ({path}).", free >> 20);
        found.push(
            Finding::of(check, trouble, words)
                .next("Make room, or move the data folder (TWINWIRE_DATA_DIR)."),
        );
    }
    for (variable, what) in &facts.missing {
        let words = format!("{variable} is not set: {what}");
        found.push(
            Finding::of(check, Trouble::SettingMissing, words)
                .next(format!("Set {variable} and start the server anew.")),
        );
    }
    if found.is_empty() {
        found.push(Finding::well(check, "The key opens what is sealed; nothing that is needed is missing."));
    }
    found
}
