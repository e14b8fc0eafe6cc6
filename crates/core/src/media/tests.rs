use super::*;
use crate::model::{BoundBy, Direction};
use crate::observe::{AtProvider, fold_provider};
use chrono::{DateTime, Utc};
use serde_json::json;

fn file(url: &str) -> File {
    File { url: Some(url.to_owned()), ..File::default() }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000 + seconds, 0).unwrap()
}

fn seen(files: Vec<File>, body: Option<&str>) -> AtProvider {
    AtProvider {
        id: "MM1".to_owned(),
        direction: Direction::Inbound,
        from: "+12015550111".to_owned(),
        to: "+12015550100".to_owned(),
        body: body.map(str::to_owned),
        files,
        said: None,
        status: None,
        error_code: None,
        error_message: None,
        created_at: Some(at(0)),
        sent_at: None,
        updated_at: None,
        reference: None,
        data: None,
    }
}

fn theirs(files: Vec<File>, body: &str) -> Message {
    fold_provider(None, &seen(files, Some(body)), BoundBy::Answer, at(0))
}

fn kept(url: &str) -> Fetched {
    let file = File { content_type: Some("image/jpeg".into()), name: None, size: Some(3), url: None };
    Fetched::Kept { url: url.to_owned(), key: format!("key of {url}"), file }
}

fn states(row: &Message) -> Vec<&State> {
    row.media.iter().map(|medium| &medium.state).collect()
}

#[test]
fn a_bare_number_of_files_gives_way_to_their_addresses() {
    let row = theirs(File::unnamed(2), "");
    let row = fold_provider(Some(&row), &seen(vec![file("a"), file("b")], None), BoundBy::Answer, at(1));
    assert_eq!(row.media.iter().map(|m| m.file.url.as_deref()).collect::<Vec<_>>(), [Some("a"), Some("b")]);
}

#[test]
fn what_was_fetched_stays_whatever_evidence_comes_later() {
    let mut row = theirs(vec![file("a")], "");
    fetched(&mut row, &kept("a"));
    for later in [vec![file("a")], vec![file("b"), file("c")], File::unnamed(1), Vec::new()] {
        let after = fold_provider(Some(&row), &seen(later, Some("")), BoundBy::Answer, at(1));
        assert_eq!(after.media, row.media);
    }
}

#[test]
fn files_that_the_vendor_named_take_the_place_of_their_number() {
    let mut row = theirs(File::unnamed(2), "");
    fetched(&mut row, &Fetched::Listed(vec![file("a"), file("b")]));
    assert_eq!(next(&row).unwrap().1.file.url.as_deref(), Some("a"));
    let again = fold_provider(Some(&row), &seen(File::unnamed(2), Some("")), BoundBy::Answer, at(1));
    assert_eq!(again.media, row.media, "the number says nothing new");
}

#[test]
fn a_file_that_is_there_already_is_not_taken_from_the_list_again() {
    let mut row = theirs(vec![file("a"), File::default()], "");
    fetched(&mut row, &kept("a"));
    fetched(&mut row, &Fetched::Listed(vec![file("a"), file("b")]));
    let urls: Vec<_> = row.media.iter().map(|medium| medium.file.url.as_deref()).collect();
    assert_eq!(urls, [Some("a"), Some("b")]);
}

#[test]
fn what_a_vendor_counts_and_does_not_name_is_said_to_be_missing() {
    let mut row = theirs(File::unnamed(3), "Hi");
    let layout = File { content_type: Some(LAYOUT.into()), ..File::default() };
    fetched(&mut row, &Fetched::Listed(vec![layout, file("a")]));
    assert!(matches!(states(&row)[..], [State::Wanted, State::Missing { .. }]), "{row:?}");
    assert!(text_with_lines(&row, &[0]).starts_with("Hi\n[A file is not here: the provider does not say"));
}

#[test]
fn a_list_that_cannot_be_had_costs_all_files_of_which_nothing_is_known() {
    let mut row = theirs(File::unnamed(2), "Hi");
    fetched(&mut row, &Fetched::Missing { why: "no list".into() });
    assert!(states(&row).iter().all(|state| matches!(state, State::Missing { .. })));
}

#[test]
fn a_file_that_evidence_has_replaced_meanwhile_is_not_kept() {
    let mut row = theirs(vec![file("b")], "");
    fetched(&mut row, &kept("a"));
    assert_eq!(states(&row), [&State::Wanted]);
}

#[test]
fn a_text_that_came_as_a_file_is_the_messages_text_and_stays_it() {
    let mut row = theirs(vec![file("a"), file("b")], "");
    fetched(&mut row, &Fetched::Said { url: "a".into(), text: "Hello".into() });
    let after =
        fold_provider(Some(&row), &seen(vec![file("a"), file("b")], Some("")), BoundBy::Answer, at(1));
    assert_eq!((after.body.as_str(), states(&after)), ("Hello", vec![&State::Said, &State::Wanted]));
}

#[test]
fn files_that_do_not_go_along_are_lines_in_the_agents_text() {
    let named = File { name: Some("plan.pdf".into()), ..file("c") };
    let image = File { content_type: Some("image/png".into()), ..file("b") };
    let mut row = theirs(vec![file("a"), image, named], "Look");
    fetched(&mut row, &kept("a"));
    fetched(&mut row, &Fetched::Missing { why: "it is gone".into() });
    assert_eq!(
        text_with_lines(&row, &[0]),
        "Look\n[A picture is not here: it is gone]\n[plan.pdf is not here: it could not be fetched in time]"
    );
    assert_eq!(text_with_lines(&row, &[0, 1, 2]), "Look");
    row.body.clear();
    assert!(
        text_with_lines(&row, &[1, 2]).starts_with("[A picture is not here: it could not be brought along")
    );
}

#[test]
fn a_name_is_safe_in_a_header_and_in_a_path() {
    for (name, tidy) in [
        ("cat.jpg", "cat.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.png", "a.png"),
        ("a\"b\r\nc.png", "a_b__c.png"),
        ("..", "file"),
        ("", "file"),
        ("100%.pdf", "100_.pdf"),
        ("bild ä.jpg", "bild ä.jpg"),
    ] {
        assert_eq!(tidy_name(name), tidy, "{name:?}");
    }
    let long = tidy_name(&format!("{}.jpeg", "x".repeat(500)));
    assert_eq!((long.chars().count(), long.ends_with("x.jpeg")), (LONGEST_NAME, true));
}

#[test]
fn files_stand_in_the_table_as_people_would_write_them() {
    let mut row = theirs(vec![file("a"), file("b")], "");
    fetched(&mut row, &kept("a"));
    let stored = serde_json::to_value(&row.media).unwrap();
    assert_eq!(
        stored,
        json!([
            { "url": "a", "content_type": "image/jpeg", "size": 3, "state": "kept", "key": "key of a" },
            { "url": "b", "state": "wanted" },
        ])
    );
    assert_eq!(serde_json::from_value::<Vec<Medium>>(stored).unwrap(), row.media);
}

mod fits {
    use crate::media::fit::*;

    const MMS: Limits = Limits {
        way: Way::ByUrl,
        most: 3,
        total: 1_000_000,
        types: &[
            ("image/jpeg", 800_000),
            ("image/png", 800_000),
            ("application/pdf", 500_000),
            ("audio/*", 300_000),
        ],
    };

    fn weighed(files: &[(&str, u64)]) -> Vec<Weighed> {
        let one = |(content_type, size): &(&str, u64)| Weighed {
            content_type: (*content_type).to_owned(),
            size: *size,
            title: "it".to_owned(),
        };
        files.iter().map(one).collect()
    }

    #[test]
    fn images_give_way_to_what_cannot_be_made_smaller() {
        use Fit::{AsIs, Shrunk};
        for (files, fits) in [
            (&[("image/jpeg", 800_000)][..], &[AsIs][..]),
            (&[("image/jpeg", 800_001)], &[Shrunk(800_000)]),
            (&[("image/webp", 1)], &[Shrunk(800_000)]),
            (&[("audio/ogg", 300_000), ("application/pdf", 500_000)], &[AsIs, AsIs]),
            (&[("application/pdf", 500_000), ("image/png", 700_000)], &[AsIs, Shrunk(500_000)]),
            (&[("image/jpeg", 600_000), ("image/jpeg", 600_000)], &[Shrunk(500_000), Shrunk(500_000)]),
            (&[("image/jpeg", 10_000), ("image/jpeg", 30_000_000)], &[AsIs, Shrunk(800_000)]),
            (&[], &[]),
        ] {
            assert_eq!(all(&weighed(files), &MMS, "X"), Ok(fits.to_vec()), "{files:?}");
        }
    }

    #[test]
    fn what_cannot_go_is_refused_in_words() {
        for (files, words) in [
            (&[("application/zip", 1)][..], "X does not take files such as it (application/zip)"),
            (&[("application/pdf", 500_001)], "it has 501 kB, and X takes 500 kB of such a file"),
            (&[("audio/ogg", 300_000); 4], "the message has 4 files, and X takes 3 files"),
            (&[("image/gif", 10)], "X does not take files such as it (image/gif)"),
            (
                &[("application/pdf", 500_000), ("application/pdf", 490_000), ("image/jpeg", 50_000)],
                "the files have 1.0 MB together, and X takes 1.0 MB",
            ),
        ] {
            let refused = all(&weighed(files), &MMS, "X").unwrap_err();
            assert!(refused.starts_with(words), "{files:?}: {refused}");
        }
    }

    #[test]
    fn of_a_customers_files_goes_what_there_is_room_for() {
        let inbox = Limits { way: Way::Uploaded, most: 3, total: 100, types: &[("*/*", 90)] };
        for (sizes, go) in [
            (&[50, 50][..], &[true, true][..]),
            (&[50, 60, 40], &[true, false, true]),
            (&[91, 10], &[false, true]),
            (&[1, 1, 1, 1], &[true, true, true, false]),
        ] {
            let files: Vec<_> = sizes.iter().map(|size| ("text/x", *size)).collect();
            assert_eq!(some(&weighed(&files), &inbox), go, "{sizes:?}");
        }
    }

    #[test]
    fn a_size_is_said_as_people_say_it() {
        let said = [0, 999, 1_000, 500_001, 1_250_000, 25_000_000].map(size);
        assert_eq!(said, ["0 bytes", "999 bytes", "1 kB", "501 kB", "1.3 MB", "25.0 MB"]);
    }

    #[test]
    fn a_type_is_read_without_its_parameters() {
        for (said, is) in [
            ("Image/JPEG; name=x", "image/jpeg"),
            ("text/plain", "text/plain"),
            ("", ""),
            ("image", ""),
            ("image/png\r\nX: y", ""),
            ("a/b/c", ""),
        ] {
            assert_eq!(essence(said), is);
        }
    }
}
