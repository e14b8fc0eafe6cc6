//! Lists page by page. A page ends where the next one begins: by the place of its last item, so that what comes meanwhile
//! moves nothing.

use super::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Items of a page, unless said otherwise.
pub(super) const USUAL: u16 = 50;
/// Items of a page at most.
pub const MOST: u16 = 500;

/// How many are wanted: as asked, or as usual.
pub(super) fn limit(asked: Option<u16>, usual: u16, most: u16) -> Result<u16, Problem> {
    let limit = asked.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::wrong(format!("`limit` is 1 to {most}, and is {limit}.")))
}

/// One more than asked for: whether there is a next page.
pub(super) fn and_one(limit: u16) -> i64 {
    i64::from(limit) + 1
}

/// The page, and where the next one begins if there is one.
pub(super) fn cut<T>(
    mut found: Vec<T>,
    limit: u16,
    cursor: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let next = found.last().filter(|_| more).map(cursor);
    (found, next)
}

/// Where the next page of a list begins. Nobody is to read it: what stands in it may change.
pub(super) fn cursor(list: &str, place: &[i64]) -> String {
    let place: Vec<String> = place.iter().map(ToString::to_string).collect();
    URL_SAFE_NO_PAD.encode(format!("{list}.{}", place.join(".")))
}

/// The place that a cursor of that list names.
pub(super) fn opened<const N: usize>(list: &str, cursor: Option<&str>) -> Result<Option<[i64; N]>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.as_deref().and_then(|text| {
        let place = text.strip_prefix(list)?.strip_prefix('.')?;
        let place: Result<Vec<i64>, _> = place.split('.').map(str::parse).collect();
        place.ok()?.try_into().ok()
    });
    place.map(Some).ok_or_else(wrong)
}

/// It is no cursor of this list.
pub(super) fn wrong() -> Problem {
    Problem::wrong("`before` is not what an earlier page of this list gave as `next`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_to_what_it_was_made_of_and_nothing_else_does() {
        for place in [[1, 0], [4711, -3], [i64::MAX, i64::MIN]] {
            assert_eq!(opened("m1", Some(&cursor("m1", &place))).unwrap(), Some(place));
        }
        assert_eq!(opened::<1>("m1", None).unwrap(), None);
        let another = cursor("w1", &[1, 2]);
        for wrong in ["", "4711", "m1.4711", "bTEu", "bTEuLTE_", "é", &another, &cursor("m1", &[1])] {
            assert!(opened::<2>("m1", Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn there_is_a_next_page_only_where_there_is_more() {
        let next = |found, limit| cut(found, limit, ToString::to_string);
        assert_eq!(next(vec![3, 2, 1], 2), (vec![3, 2], Some("2".to_owned())));
        assert_eq!(next(vec![3, 2], 2), (vec![3, 2], None));
        assert_eq!(next(vec![], 2), (vec![], None));
        assert!(limit(Some(0), 5, 9).is_err() && limit(Some(10), 5, 9).is_err());
        assert_eq!((limit(None, 5, 9).unwrap(), limit(Some(9), 5, 9).unwrap()), (5, 9));
    }
}
