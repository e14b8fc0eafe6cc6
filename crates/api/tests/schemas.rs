//! Every form of the API's document has a name of its own: of two with one name the document would keep the last, and
//! tell of the other with its fields.
#![expect(clippy::unwrap_used, reason = "what a test does in a function of its own is still a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of the crate.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// The names under which the forms of a file stand in the document.
fn names(source: &str) -> Vec<String> {
    let mut lines = source.lines();
    let mut names = Vec::new();
    while let Some(line) = lines.next() {
        if !(line.starts_with("#[derive(") && line.contains("ToSchema")) {
            continue;
        }
        let mut renamed = None;
        for line in lines.by_ref() {
            if let Some(name) = line.strip_prefix("#[schema(as = ") {
                renamed = Some(name.trim_end_matches(")]").to_owned());
            }
            let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
            if matches!(words.next(), Some("struct" | "enum")) {
                let own = words.next().unwrap().trim_end_matches(['{', ';']);
                names.push(renamed.unwrap_or_else(|| own.to_owned()));
                break;
            }
        }
    }
    names
}

#[test]
fn no_two_forms_stand_under_one_name_in_the_document() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    for file in files {
        for name in names(&fs::read_to_string(&file).unwrap()) {
            if let Some(other) = seen.insert(name.clone(), file.clone()) {
                panic!("{name} stands in {} and in {}", other.display(), file.display());
            }
        }
    }
    assert!(seen.contains_key("Webhook") && seen.contains_key("StoryWebhook"), "{:?}", seen.keys());
}
