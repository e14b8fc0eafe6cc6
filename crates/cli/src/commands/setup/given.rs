//! Answers of the command line: as they are, from a file, or from standard input, so that no secret has to stand in a
//! script, in the shell's history or in the list of processes.

use crate::Failure;
use std::collections::BTreeMap;
use std::io::Read;

/// Longest answer that is read from a file: credentials are short.
const LONGEST: u64 = 64 * 1024;

/// The answers, with those from elsewhere in their place. Without a value from outside nothing is read.
pub(super) fn read(
    answers: &[(String, String)],
    stdin: &mut dyn Read,
) -> Result<BTreeMap<String, String>, Failure> {
    if answers.iter().filter(|(_, value)| value == "-").count() > 1 {
        return Err(Failure::Usage("only one answer can come from standard input (-)".to_owned()));
    }
    let mut all = BTreeMap::new();
    for (name, value) in answers {
        let value = match value.strip_prefix('@') {
            _ if value == "-" => text(name, "standard input", stdin)?,
            Some(path) => {
                let mut file = std::fs::File::open(path)
                    .map_err(|error| Failure::Usage(format!("`{name}`: {path} cannot be read: {error}")))?;
                text(name, path, &mut file)?
            }
            None => value.clone(),
        };
        all.insert(name.clone(), value);
    }
    Ok(all)
}

fn text(name: &str, place: &str, from: &mut dyn Read) -> Result<String, Failure> {
    let mut text = String::new();
    let read = from.take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Failure::Usage(format!("`{name}`: {place} cannot be read: {error}")))?;
    if text.trim().is_empty() {
        return Err(Failure::Usage(format!("`{name}`: {place} is empty")));
    }
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)], stdin: &str) -> Result<BTreeMap<String, String>, String> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(&pairs, &mut stdin.as_bytes()).map_err(|failure| match failure {
            Failure::Usage(words) => words,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn answers_come_as_they_are_from_a_file_or_from_standard_input() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "PTsecret\n").unwrap();
        let file = format!("@{}", file.display());
        let given = [("space", "acme"), ("token", file.as_str()), ("signing_key", "-")];
        let all = of(&given, " PSK_secret \n").unwrap();
        assert_eq!(all["space"], "acme");
        assert_eq!((all["token"].as_str(), all["signing_key"].as_str()), ("PTsecret", "PSK_secret"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert!(of(&[("token", "@/nowhere/token")], "").unwrap_err().contains("/nowhere/token"));
        assert!(of(&[("token", "-")], " \n").unwrap_err().contains("empty"));
        assert!(of(&[("token", "-"), ("signing_key", "-")], "x").unwrap_err().contains("only one"));
    }
}
