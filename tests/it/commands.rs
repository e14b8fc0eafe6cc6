//! Every command has help that fits a terminal, and a test that runs it.

use crate::PROGRAM;
use std::fs;
use std::path::Path;
use twinwire_tests::installation::Installation;
use twinwire_tests::process::Program;

/// The sources of these tests, and the page whose walk they do.
fn tests() -> String {
    fn read(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, all);
            } else {
                all.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    read(&here.join("it"), &mut all);
    all.push_str(&fs::read_to_string(here.join("src/installation.rs")).unwrap());
    all.push_str(&fs::read_to_string(here.join("../docs/GETTING-STARTED.md")).unwrap());
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether somewhere the words are given to the program, as a list of arguments or on the page as a line.
fn is_run(tests: &str, words: &[String]) -> bool {
    let quoted = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let owned = words.iter().map(|word| format!("\"{word}\".to_owned()")).collect::<Vec<_>>().join(", ");
    let line = format!("$ twinwire {}", words.join(" "));
    let begins = |list: &str| ["[", "[ "].iter().any(|open| tests.contains(&format!("{open}{list}")));
    let as_line = [" ", "`"].iter().any(|end| tests.contains(&format!("{line}{end}")));
    begins(&quoted) || begins(&owned) || as_line || tests.contains(&format!("serve_by(&[{quoted}"))
}

#[test]
fn every_command_is_run_by_a_test() {
    let (tests, commands) = (tests(), twinwire_cli::every_command());
    assert!(commands.len() > 50, "{commands:?}");
    // `serve` is started by the harness.
    let started = ["serve"];
    let missing: Vec<String> = commands
        .iter()
        .filter(|words| !started.contains(&words.join(" ").as_str()) && !is_run(&tests, words))
        .map(|words| words.join(" "))
        .collect();
    assert!(missing.is_empty(), "no test runs: {missing:#?}");
}

#[tokio::test]
async fn a_list_is_the_same_with_its_word_and_without() {
    let twinwire = Installation::new(PROGRAM).await;
    let made = twinwire.program.run(&["tokens", "create", "monitor", "--scope", "read"]).await;
    let wide: Vec<&str> = made.stderr.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(made.code == Some(0) && wide.is_empty(), "{made:?}");
    let made =
        twinwire.program.run(&["endpoints", "add", "https://example.com/events", "--json"]).await.json();
    for (list, bare, named) in [
        (&["tokens", "list"][..], "tokens", "monitor"),
        (&["endpoints", "list"], "endpoints", made["endpoint"].as_str().unwrap()),
    ] {
        let (one, other) = (twinwire.program.run(list).await, twinwire.program.run(&[bare]).await);
        assert_eq!((one.code, &one.stdout), (Some(0), &other.stdout), "{one:?}");
        assert!(one.stdout.contains(named), "{one:?}");
    }
}

#[tokio::test]
async fn every_command_has_help_that_fits_a_terminal() {
    let program = Program::new(PROGRAM, std::env::temp_dir());
    for words in twinwire_cli::every_command() {
        let asked: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = program.run(&asked).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        let usage = ran.stdout.lines().find(|line| line.starts_with("Usage: twinwire"));
        assert!(usage.is_some_and(|usage| usage.contains(&words.join(" "))), "{}", ran.stdout);
        assert!(!ran.stdout.starts_with("Usage"), "{words:?} does not say what it does");
        // The program under test has a longer name than the real one.
        let help = ran.stdout.replace("twinwire-under-test", "twinwire");
        let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{words:?}: {wide:#?}");
    }
}
