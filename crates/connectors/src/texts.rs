//! What every provider of text messages lets its operator choose about texts.

use twinwire_core::setting::{Scope, Setting, Settings};

const SMART: &str = "smart_encoded";
const LONG: &str = "long_texts";
const YES: &str = "yes";
const NO: &str = "no";
const SPLIT: &str = "split";
const REFUSE: &str = "refuse";

/// Setting: whether typographic characters give way to plain ones where that saves segments.
pub(crate) const SMART_ENCODED: Setting = Setting {
    name: SMART,
    prompt: "Smart encoding (yes or no): curly quotes and dashes become plain ones, so that a text takes fewer segments",
    scope: Scope::Account,
    secret: false,
    required: false,
    default: Some(NO),
};

/// Setting: what becomes of a text that is too long for one message.
pub(crate) const LONG_TEXTS: Setting = Setting {
    name: LONG,
    prompt: "Texts that are too long for one message (split or refuse): in numbered parts, or back to the agent",
    scope: Scope::Account,
    secret: false,
    required: false,
    default: Some(SPLIT),
};

/// Checks and tidies the answers.
pub(crate) fn prepare(answers: &Settings, tidy: &mut Settings) -> Result<(), String> {
    if let Some(smart) = answers.get(SMART) {
        let smart = match smart.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => YES,
            "no" | "false" | "off" | "0" => NO,
            _ => return Err(format!("`{SMART}` is yes or no")),
        };
        tidy.set(SMART, smart);
    }
    if let Some(long) = answers.get(LONG) {
        let long = match long.trim().to_ascii_lowercase().as_str() {
            SPLIT => SPLIT,
            REFUSE => REFUSE,
            _ => return Err(format!("`{LONG}` is {SPLIT} or {REFUSE}")),
        };
        tidy.set(LONG, long);
    }
    Ok(())
}

/// Tidies one answer by itself. Answers about anything else stay as they are.
pub(crate) fn tidy(setting: &str, answer: &str) -> Result<String, String> {
    let given = [(setting, answer)].into_iter().collect();
    let mut tidy = Settings::default();
    prepare(&given, &mut tidy)?;
    Ok(tidy.get(setting).unwrap_or(answer).to_owned())
}

/// Whether smart encoding is on.
pub(crate) fn is_smart(settings: &Settings) -> bool {
    settings.get(SMART) == Some(YES)
}

/// Where a text is split, of which one message takes `longest` characters.
pub(crate) fn splits_at(settings: &Settings, longest: usize) -> Option<usize> {
    (settings.get(LONG) != Some(REFUSE)).then_some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(name: &'static str, answer: &str) -> Result<Settings, String> {
        let mut tidy = Settings::default();
        prepare(&[(name, answer)].into_iter().collect(), &mut tidy).map(|()| tidy)
    }

    #[test]
    fn answers_about_texts_are_tidied_or_refused_by_name() {
        for (name, answer, tidy) in [
            (SMART, " Yes ", Some(YES)),
            (SMART, "on", Some(YES)),
            (SMART, "0", Some(NO)),
            (SMART, "", None),
            (LONG, "SPLIT\n", Some(SPLIT)),
            (LONG, "refuse", Some(REFUSE)),
            (LONG, "", None),
        ] {
            assert_eq!(prepared(name, answer).unwrap().get(name), tidy, "{name}={answer}");
        }
        for (name, answer) in [(SMART, "split"), (SMART, "maybe"), (LONG, "yes"), (LONG, "cut")] {
            let error = prepared(name, answer).unwrap_err();
            assert!(error.starts_with(&format!("`{name}` is ")), "{error}");
        }
    }

    #[test]
    fn long_texts_are_split_unless_they_are_to_be_refused() {
        assert_eq!(splits_at(&Settings::default(), 1600), Some(1600));
        assert_eq!(splits_at(&prepared(LONG, "split").unwrap(), 1600), Some(1600));
        assert_eq!(splits_at(&prepared(LONG, "refuse").unwrap(), 1600), None);
        assert!(!is_smart(&Settings::default()) && is_smart(&prepared(SMART, "yes").unwrap()));
    }
}
