//! The manual's walk without accounts, done as it is written: every command is run, and prints what stands below it.

use crate::PROGRAM;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use twinwire_tests::installation::folder;
use twinwire_tests::process::{Program, Running};

/// A command of the page, and the lines that stand below it.
struct Step {
    command: String,
    prints: Vec<String>,
}

/// The steps in the page's blocks of the kind `console`.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line) {
            (_, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { command: command.to_owned(), prints: Vec::new() }),
                None => steps.last_mut().unwrap().prints.push(line.to_owned()),
            },
            (false, _) => {}
        }
    }
    steps
}

/// Whether a text is so: `…` stands for anything in a line, and alone on a line for any lines.
fn is_so(said: &[&str], prints: &[String]) -> bool {
    match (prints.split_first(), said.split_first()) {
        (None, None) => true,
        (Some((wanted, rest)), _) if wanted == "…" => {
            (0..=said.len()).any(|skipped| is_so(&said[skipped..], rest))
        }
        (Some((wanted, rest)), Some((line, after))) => fits(line, wanted) && is_so(after, rest),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn fits(line: &str, wanted: &str) -> bool {
    let mut parts = wanted.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut open = false;
    for part in parts {
        open = part.is_empty();
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    open || rest.is_empty()
}

/// The program in the PATH of a shell, under its own name, in an empty folder.
fn shell(folder: &TempDir) -> Program {
    let programs = folder.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(PROGRAM, programs.join("twinwire")).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let here = folder.path().join("here");
    std::fs::create_dir(&here).unwrap();
    Program::new("/bin/sh", here).with("PATH", path)
}

/// Starts what the page leaves running, and waits until it has printed what stands there.
async fn left_running(shell: &Program, step: &Step) -> Running {
    let command = step.command.strip_suffix('&').unwrap().trim();
    let (running, began) = (shell.start(&["-c", &format!("exec {command}")]), Instant::now());
    loop {
        let said = running.stdout();
        if is_so(&said.lines().collect::<Vec<_>>(), &step.prints) {
            return running;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{command}: {said}{}", running.stderr());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_walk_without_accounts_is_as_it_is_written() {
    let folder = folder();
    let shell = shell(&folder);
    let steps = steps(include_str!("../../docs/GETTING-STARTED.md"));
    assert!(steps.len() > 8, "the page has lost its walk");
    let (mut running, mut seen) = (Vec::new(), BTreeMap::<&str, String>::new());
    for step in &steps {
        if step.command.ends_with('&') {
            running.push(left_running(&shell, step).await);
            continue;
        }
        let mut command = step.command.clone();
        for (placeholder, text) in &seen {
            command = command.replace(placeholder, text);
        }
        let ran = shell.run(&["-c", &command]).await;
        assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let lines: Vec<&str> = said.lines().collect();
        assert!(
            is_so(&lines, &step.prints),
            "{command} prints:\n{said}\nand not:\n{}",
            step.prints.join("\n")
        );
        if let Some(key) = said.split_whitespace().find(|word| word.starts_with("sk_")) {
            seen.insert("sk_…", key.to_owned());
        }
    }
    // The last to be started is the first to stop, and the doubles take their file along.
    while let Some(one) = running.pop() {
        one.signal(nix::sys::signal::Signal::SIGTERM);
        assert_eq!(one.ended().await.code, Some(0));
    }
    assert!(!folder.path().join("here/twinwire.toml").exists());
}

#[test]
fn what_is_printed_is_compared_line_by_line() {
    let prints = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (said, wanted, so) in [
        ("a\nb", "a\nb", true),
        ("a\nb", "a", false),
        ("a", "a\nb", false),
        ("a\nx\ny\nb", "a\n…\nb", true),
        ("Channel chn_1 for +1 is made.", "Channel chn_… for +1 is made.", true),
        ("Channel chn_1 for +1 was there.", "Channel chn_… for +1 is made.", false),
        ("sk_abc", "sk_…", true),
        ("xsk_abc", "sk_…", false),
    ] {
        assert_eq!(is_so(&said.lines().collect::<Vec<_>>(), &prints(wanted)), so, "{said} / {wanted}");
    }
}
