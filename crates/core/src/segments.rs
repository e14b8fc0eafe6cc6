//! How many SMS segments a text takes: what numbers are paced in and billed by.

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
    let gsm = text.chars().all(|c| BASIC.contains(c) || EXTENDED.contains(c));
    if gsm { Encoding::Gsm7 } else { Encoding::Ucs2 }
}

/// Segments that a text takes; an empty one takes one. No character straddles two segments.
pub fn count(text: &str) -> u32 {
    let (single, several): (usize, usize) = match encoding(text) {
        Encoding::Gsm7 => (160, 153),
        Encoding::Ucs2 => (70, 67),
    };
    let widths: Vec<usize> = text.chars().map(|c| width(c, encoding(text))).collect();
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
        }
    }
}
