//! Where the next page of a list begins. Nobody is to read it: what stands in it may change.

use super::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Items of a page, unless said otherwise.
const USUAL: u16 = 50;
/// Items of a page at most.
pub const MOST: u16 = 500;

/// How many are asked for.
pub(super) fn limit(asked: Option<u16>) -> Result<u16, Problem> {
    let limit = asked.unwrap_or(USUAL);
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::wrong(format!("`limit` is 1 to {MOST}, and is {limit}.")))
}

/// Cuts what was found, one more than a page, down to the page. Gives the last of it where there is more.
pub(super) fn cut<T>(found: &mut Vec<T>, limit: u16) -> Option<&T> {
    let more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    found.last().filter(|_| more)
}

/// A cursor of these numbers, for the list of that kind.
pub(super) fn closed<const N: usize>(kind: &str, numbers: [i64; N]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    URL_SAFE_NO_PAD.encode(format!("{kind}.{}", numbers.join(".")))
}

/// The numbers of a cursor of that kind.
pub(super) fn opened<const N: usize>(kind: &str, cursor: &str) -> Result<[i64; N], Problem> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let numbers = text.as_deref().and_then(|text| {
        let numbers = text.strip_prefix(kind)?.strip_prefix('.')?.split('.');
        numbers.map(|number| number.parse().ok()).collect::<Option<Vec<i64>>>()?.try_into().ok()
    });
    numbers.ok_or_else(wrong)
}

/// It is no cursor of ours.
pub(super) fn wrong() -> Problem {
    Problem::wrong("`before` is not what an earlier page gave as `next`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_to_what_it_was_made_of_and_nothing_else_does() {
        for seq in [1, 4711, -5, i64::MAX] {
            assert_eq!(opened("m1", &closed("m1", [seq])).unwrap(), [seq]);
            assert_eq!(opened("c1", &closed("c1", [seq, 1])).unwrap(), [seq, 1]);
            assert!(opened::<1>("c1", &closed("m1", [seq])).is_err());
            assert!(opened::<2>("m1", &closed("m1", [seq])).is_err());
        }
        for wrong in ["", "4711", "m1.4711", "bTEu", "bTEuLTE_", "é"] {
            assert!(opened::<1>("m1", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_has_a_next_one_only_where_more_was_found() {
        let mut found = vec![1, 2, 3];
        assert_eq!(cut(&mut found, 3), None);
        assert_eq!(cut(&mut found, 2), Some(&2));
        assert_eq!(found, [1, 2]);
    }
}
