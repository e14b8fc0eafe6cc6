//! How fast a vendor may be called.

use crate::setting::Settings;

/// A vendor's limits for one channel. Nothing here paces webhooks: those come as fast as they come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    /// Text segments a second that the channel's number sends.
    pub segments_per_second: Option<f64>,
    /// Calls a second for the channel.
    pub calls_per_second: Option<f64>,
    /// A budget of calls that the channel shares.
    pub budget: Option<Budget>,
}

/// Calls a minute, shared by every channel and process that names the same key.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// Whose budget it is.
    pub key: String,
    /// Calls a minute.
    pub per_minute: f64,
}

/// The fastest that can be asked for, in anything per second or minute.
const FASTEST: f64 = 100_000.0;

/// Reads a rate: a positive number, with a fraction where the vendor counts so slowly.
///
/// # Errors
/// A sentence that names the setting.
pub fn rate(settings: &Settings, name: &str) -> Result<Option<f64>, String> {
    let Some(text) = settings.get(name) else { return Ok(None) };
    match text.trim().parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= FASTEST => Ok(Some(rate)),
        _ => Err(format!("`{name}` must be a number above 0, such as 3 or 0.5, and is `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_positive_number() {
        let read = |text: &str| rate(&[("calls", text)].into_iter().collect(), "calls");
        assert_eq!(read("3"), Ok(Some(3.0)));
        assert_eq!(read(" 0.2 "), Ok(Some(0.2)));
        assert_eq!(read(""), Ok(None));
        for wrong in ["0", "-1", "fast", "NaN", "inf", "1e9"] {
            assert!(read(wrong).unwrap_err().contains("`calls`"), "{wrong}");
        }
    }
}
