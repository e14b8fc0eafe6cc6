//! How many SMS segments a text takes: what numbers are paced in and billed by.

use std::borrow::Cow;

/// Characters of the GSM 03.38 basic table, one septet each.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters of its extension table, two septets each.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// The alphabet in which a text is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Seven bits: 160 in one segment, 153 in each of several.
    Gsm7,
    /// UTF-16 units: 70 in one segment, 67 in each of several.
    Ucs2,
}

/// The alphabet of a text: one character outside GSM 03.38 moves the whole text to UCS-2.
pub fn encoding(text: &str) -> Encoding {
    if text.chars().all(is_gsm) { Encoding::Gsm7 } else { Encoding::Ucs2 }
}

fn is_gsm(c: char) -> bool {
    BASIC.contains(c) || EXTENDED.contains(c)
}

/// Segments that a text takes; an empty one takes one. No character straddles two segments.
pub fn count(text: &str) -> u32 {
    let encoding = encoding(text);
    let (single, several): (usize, usize) = match encoding {
        Encoding::Gsm7 => (160, 153),
        Encoding::Ucs2 => (70, 67),
    };
    let widths: Vec<usize> = text.chars().map(|c| width(c, encoding)).collect();
    if widths.iter().sum::<usize>() <= single {
        return 1;
    }
    let (mut segments, mut used) = (1, 0);
    for width in widths {
        if used + width > several {
            segments += 1;
            used = 0;
        }
        used += width;
    }
    segments
}

fn width(c: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 => 1 + usize::from(EXTENDED.contains(c)),
        Encoding::Ucs2 => c.len_utf16(),
    }
}

/// What smart encoding writes in the place of characters: those on the left for what stands on the right. By Twilio's list
/// of the characters that it replaces (docs, Smart Encoding, read 2026-11), without letters that only look alike.
const PLAIN: [(&str, &str); 24] = [
    ("\"", "«»“”„‟ʺˮ❝❞〝〞"),
    ("'", "‘’‛‗ʻˈʼʽʹ´ˊ`ˋ❛❜′"),
    ("-", "‐‑‒–—―⁃•−﹣⎼⎽"),
    ("/", "÷⧸⁄∕"),
    ("\\", "⧹⧵﹨"),
    ("|", "∣⎸⎹⏐⎜⎟"),
    (",", "‚﹐﹑､、"),
    (".", "。﹒｡"),
    ("!", "ǃ︕﹗"),
    ("!!", "‼"),
    ("?", "︖﹖"),
    ("(", "❨❪﹙⟮⦅"),
    (")", "❩❫﹚⟯⦆"),
    ("*", "⁎∗⊛✢✣✤✥✱✲✳✺✻✼✽❃❉❊⧆﹡"),
    ("+", "˖﹢"),
    (":", "ː˸⦂꞉︓"),
    (";", "⁏︔﹔"),
    ("<", "‹﹤"),
    (">", "›﹥"),
    ("~", "˜˷∼"),
    ("^", "ˆ"),
    ("...", "…"),
    (
        " ",
        "\u{a0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\t",
    ),
    ("", "\u{200b}\u{200c}\u{2060}\u{feff}"),
];

/// A character as smart encoding writes it; none where it stays as it is.
pub(crate) fn plain(c: char) -> Option<&'static str> {
    const ASCII: &str =
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    // The full-width forms stand in the order of ASCII.
    let nth = u32::from(c).checked_sub(0xff01).and_then(|nth| usize::try_from(nth).ok());
    if let Some(plain) = nth.and_then(|nth| ASCII.get(nth..=nth)) {
        return Some(plain);
    }
    PLAIN.iter().find(|(_, like)| like.contains(c)).map(|(plain, _)| *plain)
}

/// A text by smart encoding: typographic characters give way to plain ones where the whole text then takes seven bits a
/// character, and it stays as it is otherwise.
pub fn smart(text: &str) -> Cow<'_, str> {
    if encoding(text) == Encoding::Gsm7 {
        return text.into();
    }
    let mut smart = String::with_capacity(text.len());
    for c in text.chars() {
        match plain(c).filter(|_| !is_gsm(c)) {
            Some(plain) => smart.push_str(plain),
            None => smart.push(c),
        }
    }
    if encoding(&smart) == Encoding::Gsm7 { smart.into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_the_providers_calculators_do() {
        let cases: serde_json::Value =
            serde_json::from_str(include_str!("../fixtures/segments.json")).unwrap();
        let cases = cases.as_array().unwrap();
        assert!(cases.len() > 10);
        for case in cases {
            let text = match (case["text"].as_str(), &case["text_repeat"]) {
                (Some(text), _) => text.to_owned(),
                (None, repeat) => repeat["ch"]
                    .as_str()
                    .unwrap()
                    .repeat(usize::try_from(repeat["n"].as_u64().unwrap()).unwrap()),
            };
            let alphabet = if encoding(&text) == Encoding::Gsm7 { "GSM-7" } else { "UCS-2" };
            assert_eq!(alphabet, case["encoding"], "{}", case["note"]);
            assert_eq!(u64::from(count(&text)), case["segments"], "{}", case["note"]);
            let smart = smart(&text);
            let alphabet = if encoding(&smart) == Encoding::Gsm7 { "GSM-7" } else { "UCS-2" };
            assert_eq!(alphabet, case["smart"]["encoding"], "smart: {}", case["note"]);
            assert_eq!(u64::from(count(&smart)), case["smart"]["segments"], "smart: {}", case["note"]);
        }
    }

    #[test]
    fn a_text_of_any_length_is_counted_in_no_time() {
        let began = std::time::Instant::now();
        assert_eq!(count(&"long text ".repeat(100_000)), 6536);
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
    }

    #[test]
    fn smart_encoding_changes_a_text_only_where_that_saves_something() {
        for (text, sent) in [
            ("It\u{2019}s \u{201c}ready\u{201d} \u{2014} soon\u{2026}", "It's \"ready\" - soon..."),
            ("Caf\u{e9} \u{20ac}5", "Caf\u{e9} \u{20ac}5"),
            ("fa\u{e7}ade \u{2013} no", "fa\u{e7}ade \u{2013} no"),
            ("\u{1f44d} \u{2013} ok", "\u{1f44d} \u{2013} ok"),
            ("\u{ff28}\u{ff49}\u{ff01}", "Hi!"),
            ("a\u{200b}b\u{a0}c", "ab c"),
            ("so\u{ff61}", "so."),
            ("", ""),
        ] {
            assert_eq!(smart(text), sent, "{text:?}");
        }
    }

    #[test]
    fn everything_that_smart_encoding_writes_takes_seven_bits() {
        for (plain, _) in PLAIN {
            assert_eq!(encoding(plain), Encoding::Gsm7, "{plain:?}");
        }
    }
}
