//! How many segments a text takes: GSM-7 while it can be, UCS-2 otherwise.

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

pub(crate) fn segments(text: &str) -> usize {
    match septets(text) {
        Some(widths) => parts(&widths, 160, 153),
        None => parts(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

fn septets(text: &str) -> Option<Vec<usize>> {
    let width = |c| match c {
        _ if BASIC.contains(c) => Some(1),
        _ if EXTENDED.contains(c) => Some(2),
        _ => None,
    };
    text.chars().map(width).collect()
}

/// Characters of two units are not torn apart.
fn parts(widths: &[usize], alone: usize, each: usize) -> usize {
    if widths.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for width in widths {
        if used + width > each {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn lengths_at_the_borders_are_counted_as_the_standard_says() {
        let cases = [("", 1), (&"a".repeat(160), 1), (&"a".repeat(161), 2), (&"a".repeat(307), 3)];
        for (text, expected) in cases {
            assert_eq!(segments(text), expected, "{} characters", text.len());
        }
        assert_eq!(segments(&"я".repeat(70)), 1);
        assert_eq!(segments(&"я".repeat(71)), 2);
        assert_eq!(segments(&"€".repeat(81)), 2);
        assert_eq!(segments(&format!("{}😀", "я".repeat(66)).repeat(2)), 3);
    }
}
