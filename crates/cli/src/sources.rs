//! Where settings come from: the environment first, then `twinwire.toml`; secrets also from files of their own.

use crate::{output, settings};
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::path::Path;

/// Behind the name of a secret: the value is the path of a file that holds it.
const IN_FILE: &str = "_file";

/// Every value that was given, by name. `file` must be there when it is named.
///
/// # Errors
/// A sentence that names the setting and says what is wrong with it.
pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut values = opened(of_file(file)?, |name| format!("`{name}`"))?;
    values.extend(opened(of_environment()?, settings::variable)?);
    Ok(values)
}

fn of_file(file: Option<&Path>) -> anyhow::Result<BTreeMap<String, String>> {
    let builder = config::Config::builder();
    let builder = match file {
        Some(file) => builder.add_source(config::File::from(file).format(config::FileFormat::Toml)),
        None => {
            builder.add_source(config::File::new("twinwire.toml", config::FileFormat::Toml).required(false))
        }
    };
    let stored = builder.build().map_err(|error| unreadable(&error))?;
    let stored: BTreeMap<String, config::Value> = stored.try_deserialize()?;
    let mut values = BTreeMap::new();
    for (name, value) in stored {
        let value = value
            .into_string()
            .map_err(|_| anyhow::anyhow!("`{name}` in the settings file must be a text"))?;
        values.insert(name, value);
    }
    check_names(&values)?;
    Ok(values)
}

/// Other programs' variables may hold anything, also what is no text.
fn of_environment() -> anyhow::Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for (variable, value) in std::env::vars_os() {
        let Some(variable) = variable.to_str() else { continue };
        let databases = ["DATABASE_URL", "DATABASE_URL_FILE"];
        let ours =
            if databases.contains(&variable) { Some(variable) } else { variable.strip_prefix("TWINWIRE_") };
        let Some(name) = ours.map(str::to_lowercase) else { continue };
        let value = value.into_string().map_err(|_| anyhow::anyhow!("{variable} is not a text in UTF-8"))?;
        if !is_known(&name) {
            output::complain(&format!("warning: {variable} is not a setting of Twinwire and has no effect"));
        }
        values.insert(name, value);
    }
    Ok(values)
}

/// The same with what stands in files of secrets. An empty value is as good as none.
fn opened(
    mut values: BTreeMap<String, String>,
    shown: impl Fn(&str) -> String,
) -> anyhow::Result<BTreeMap<String, String>> {
    values.retain(|_, value| !value.trim().is_empty());
    let files: Vec<String> = values.keys().filter(|name| secret_of(name).is_some()).cloned().collect();
    for name in files {
        let Some((secret, path)) = secret_of(&name).map(str::to_owned).zip(values.remove(&name)) else {
            continue;
        };
        if values.contains_key(&secret) {
            bail!("{} and {} are both set: take one away", shown(&secret), shown(&name));
        }
        let text = std::fs::read_to_string(path.trim()).with_context(|| {
            format!("the file that {} names, {}, cannot be read", shown(&name), path.trim())
        })?;
        if text.trim().is_empty() {
            bail!("the file that {} names, {}, is empty", shown(&name), path.trim());
        }
        values.insert(secret, text.trim_end_matches(['\r', '\n']).to_owned());
    }
    Ok(values)
}

/// The secret whose file a name gives.
fn secret_of(name: &str) -> Option<&str> {
    name.strip_suffix(IN_FILE).filter(|secret| settings::is_secret(secret))
}

fn is_known(name: &str) -> bool {
    settings::known().iter().any(|known| known == name) || secret_of(name).is_some()
}

/// What is wrong with the file, in one line: a whole line of it could hold a secret.
fn unreadable(error: &config::ConfigError) -> anyhow::Error {
    let text = error.to_string();
    let place = text.lines().next().unwrap_or_default();
    anyhow::anyhow!("the settings file cannot be read: {place}")
}

/// A misspelt name in the file would be silently without effect.
fn check_names(values: &BTreeMap<String, String>) -> anyhow::Result<()> {
    match values.keys().find(|name| !is_known(name)) {
        Some(name) => {
            let known = settings::known().join(", ");
            bail!("`{name}` in the settings file is not a setting; the settings are: {known}")
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn open(pairs: &[(&str, &str)]) -> anyhow::Result<BTreeMap<String, String>> {
        opened(given(pairs), settings::variable)
    }

    #[test]
    fn a_misspelt_name_is_named() {
        let misspelt = given(&[("poll_intervall", "60s")]);
        assert!(check_names(&misspelt).unwrap_err().to_string().contains("poll_intervall"));
        assert!(check_names(&given(&[("log_file", "x")])).is_err(), "only secrets come in files");
        assert!(check_names(&given(&[("front_app_secret_file", "x")])).is_ok());
    }

    #[test]
    fn a_secret_is_read_from_its_file_without_the_line_end() {
        let folder = std::env::temp_dir().join(format!("twinwire-sources-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("key");
        std::fs::write(&file, " a secret \r\n").unwrap();
        let path = file.display().to_string();
        assert_eq!(open(&[("secret_key_file", &path)]).unwrap(), given(&[("secret_key", " a secret ")]));
        let error = open(&[("secret_key_file", &path), ("secret_key", "x")]).unwrap_err().to_string();
        assert!(error.contains("TWINWIRE_SECRET_KEY and TWINWIRE_SECRET_KEY_FILE"), "{error}");
        std::fs::write(&file, "\n").unwrap();
        let error = open(&[("database_url_file", &path)]).unwrap_err().to_string();
        assert!(error.contains("DATABASE_URL_FILE") && error.contains("empty"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
        let error = open(&[("admin_token_file", &path)]).unwrap_err().to_string();
        assert!(error.contains("TWINWIRE_ADMIN_TOKEN_FILE") && error.contains("cannot be read"), "{error}");
    }
}
