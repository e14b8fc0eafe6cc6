//! Values: numbers, texts, segments, waits.

use super::input::{Input, lines, split};
use std::time::Duration;
use twinwire_core::backoff::{CAP, LONGEST_RETRY_AFTER, backoff, throttle};
use twinwire_core::http::{Answer, Hook};
use twinwire_core::model::log_id;
use twinwire_core::phone::{address, can_be_texted, e164, is_short_code, region_of};
use twinwire_core::segments::{Encoding, count, encoding};
use twinwire_core::text::{clean, clean_json, first_chars, same_text};

const REGIONS: [Option<&str>; 6] = [None, Some("US"), Some("GB"), Some("FR"), Some("AR"), Some("zz")];

/// Lines: options (region), a text; then another one.
pub(crate) fn check(data: &[u8]) {
    let (mut options, rest) = split(data);
    let region = options.pick(&REGIONS);
    let ([line], other) = lines::<1>(rest);
    let other = String::from_utf8_lossy(other);
    numbers(&line, region);
    numbers(&other, region);
    pieces(&line, &other);
    texts(&line, &other);
}

fn numbers(written: &str, region: Option<&str>) {
    if let Some(number) = e164(written, region) {
        let digits = number.strip_prefix('+').unwrap_or_default();
        assert!((3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()), "{number:?}");
        assert_eq!(
            e164(&number, region).as_ref(),
            Some(&number),
            "read again, {written:?} is another number"
        );
        assert_eq!(e164(&number, None).as_ref(), Some(&number));
        assert!(can_be_texted(&number));
        assert_eq!(address(&number), number);
        assert!(region_of(&number).is_none_or(|region| region.len() >= 2));
        let name = format!("msg_1-{number}");
        assert!(!log_id(&name).contains(&number), "a log would hold a number");
    }
    let kept = address(written);
    assert_eq!(address(&kept), kept, "{written:?}");
    assert_eq!(kept.trim(), kept);
    if can_be_texted(&kept) {
        assert!(is_short_code(&kept) || e164(&kept, region).as_ref() == Some(&kept));
    }
    let _ = log_id(written);
}

fn pieces(text: &str, more: &str) {
    let segments = |text: &str| usize::try_from(count(text)).unwrap_or(usize::MAX);
    let width = |text: &str| match encoding(text) {
        Encoding::Gsm7 => text.chars().map(|c| 1 + usize::from("^{}\\[~]|€\u{c}".contains(c))).sum::<usize>(),
        Encoding::Ucs2 => text.encode_utf16().count(),
    };
    let (single, several) = if encoding(text) == Encoding::Gsm7 { (160, 153) } else { (70, 67) };
    let (width, taken) = (width(text), segments(text));
    assert_eq!(taken == 1, width <= single, "{width} in {taken}");
    // At most one unit of each segment is lost to a character that would straddle two.
    assert!(
        taken == 1 || (width.div_ceil(several)..=width.div_ceil(several - 1)).contains(&taken),
        "{width} in {taken}"
    );
    assert!(segments(&format!("{text}{more}")) >= taken.max(segments(more)), "a longer text takes less");
}

fn texts(text: &str, other: &str) {
    assert!(same_text(text, text), "a text is itself");
    assert!(same_text(text, &format!("  {text}\r\n")), "white space around a text");
    let trial = |text: &str| text.to_lowercase().contains("trial account");
    // What a trial account puts in front is only looked for in what was seen.
    if !trial(text) && !trial(other) {
        assert_eq!(same_text(text, other), same_text(other, text));
    }
    let cleaned = clean(text);
    assert!(!cleaned.contains('\0') && clean(&cleaned) == cleaned);
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(other) {
        let cleaned = clean_json(value);
        assert!(!cleaned.to_string().contains("\\u0000") || other.contains("\\\\u0000"), "{cleaned}");
        assert_eq!(clean_json(cleaned.clone()), cleaned);
    }
    let first = first_chars(text, 26);
    assert!(text.starts_with(&first) && first.chars().count() == text.chars().count().min(26));
}

/// Lines: options (failures, chance), the header; then a URL.
pub(crate) fn retry(data: &[u8]) {
    let ([options, header], url) = lines::<2>(data);
    let mut options = Input(options.as_bytes());
    let failures = u32::from(options.number()) * options.pick(&[1, 65_537]);
    let chance = f64::from(options.byte()) / 256.0;
    let headers = vec![("retry-after".to_owned(), header)];
    let asked = Answer { status: 429, headers, body: Vec::new() }.retry_after();
    let paused = throttle(asked, failures, chance);
    assert!((Duration::from_secs(1)..=LONGEST_RETRY_AFTER).contains(&paused), "{paused:?}");
    if let Some(asked) = asked.filter(|asked| (1..3600).contains(&asked.as_secs())) {
        assert_eq!(paused, asked, "what is asked for is kept");
    }
    let wait = backoff(failures, chance);
    assert!((Duration::from_secs(1)..=CAP).contains(&wait), "{wait:?}");
    assert!(backoff(failures, 1.0) >= wait && backoff(failures.saturating_add(1), chance) >= wait);
    assert!(wait * 2 >= backoff(failures, 1.0), "never less than half");

    let url = String::from_utf8_lossy(url);
    let hook = Hook { name: "x", method: "POST", url: &url, headers: &[], body: b"" };
    assert!(url.ends_with(hook.query()) && (hook.query().is_empty() || url.contains('?')));
}
