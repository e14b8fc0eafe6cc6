//! The demo is its own proof: it exits with 0 only if everything ended where it should, pictures too.

use crate::PROGRAM;
use twinwire_tests::installation::folder;
use twinwire_tests::process::Program;

#[tokio::test]
async fn the_demo_ends_well_fits_a_terminal_and_leaves_no_files() {
    let folder = folder();
    let program = Program::new(PROGRAM, folder.path()).with("TWINWIRE_DATA_DIR", folder.path());
    let ran = program.run(&["demo", "--once", "--json"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = ran.json();
    assert_eq!((&told["ok"], told["differences"].as_array().unwrap().len()), (&true.into(), 0));
    let with_files = told["rows"].as_array().unwrap().iter().filter(|row| row["files"] == 1).count();
    assert_eq!(with_files, 2, "a picture each way");
    for words in ["byte for byte", "image/jpeg", "2 numbered parts"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    // The first lines speak of the database's folder, wherever that is.
    let story = ran.stderr.lines().skip_while(|line| !line.contains("Front has connected"));
    // A line of the log is as long as it is: on a slow machine a job may have to try again.
    let story = story.filter(|line| !line.contains(" WARN "));
    let wide: Vec<&str> = story.filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let left = std::fs::read_dir(folder.path().join("demo/media")).unwrap().count();
    assert_eq!(left, 0, "its files go with it");
}
