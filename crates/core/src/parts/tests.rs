use super::*;
use crate::media::File;
use crate::observe::Names;
use serde_json::json;

fn order(body: &str) -> Ordered {
    Ordered {
        external_id: "msg_1-+12015550111".to_owned(),
        second_choice: None,
        helpdesk_message_id: "msg_1".to_owned(),
        thread: None,
        recipient: "+12015550111".to_owned(),
        body: body.to_owned(),
        files: vec![File::default()],
        part: Part::WHOLE,
        data: json!({}).into(),
        occurred_at: None,
    }
}

fn bodies(body: &str, longest: usize) -> Vec<String> {
    split(order(body), longest).into_iter().map(|part| part.body).collect()
}

#[test]
fn a_text_that_fits_stays_as_it_is() {
    assert_eq!(split(order("Hello there"), 11), [order("Hello there")]);
}

#[test]
fn a_longer_one_is_cut_where_words_end_and_numbered() {
    assert_eq!(bodies("one two three four five", 17), ["(1/3) one two", "(2/3) three", "(3/3) four five"]);
    assert_eq!(bodies("one  \n\n  three four", 18), ["(1/2) one", "(2/2) three four"]);
}

#[test]
fn a_word_that_is_too_long_is_cut_between_characters_as_people_see_them() {
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let parts = bodies(&family.repeat(5), 8 + 12);
    assert_eq!(
        parts,
        [
            format!("(1/3) {}", family.repeat(2)),
            format!("(2/3) {}", family.repeat(2)),
            format!("(3/3) {family}"),
        ]
    );
    assert_eq!(bodies(&"x".repeat(25), 18), ["(1/3) xxxxxxxxxx", "(2/3) xxxxxxxxxx", "(3/3) xxxxx"]);
}

#[test]
fn nothing_of_a_text_is_lost_and_no_part_is_too_long() {
    let text = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr. ".repeat(250);
    let parts = bodies(&text, 1600);
    assert!(parts.len() == 9 && parts.iter().all(|part| part.chars().count() <= 1600));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let whole: Vec<String> = parts.iter().flat_map(|part| words(part.split_once(") ").unwrap().1)).collect();
    assert_eq!(whole, words(&text));
}

#[test]
fn each_part_has_its_own_name_and_the_helpdesks_one_id() {
    let parts = split(order(&"word ".repeat(10)), 30);
    let names: Vec<_> = parts.iter().map(|part| part.external_id.as_str()).collect();
    assert_eq!(names, ["msg_1-+12015550111", "msg_1-+12015550111.2", "msg_1-+12015550111.3"]);
    assert!(parts.iter().all(|part| part.helpdesk_message_id == "msg_1"));
    assert_eq!(parts.iter().map(|part| part.part.nth).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(parts.iter().all(|part| part.part.of == 3));
    for part in &parts {
        assert_eq!(whole_id(&part.external_id, part.part), "msg_1-+12015550111");
    }
}

#[test]
fn an_id_of_a_whole_message_that_looks_like_a_part_is_left_alone() {
    assert_eq!(whole_id("msg_1-22395.2", Part::WHOLE), "msg_1-22395.2");
}

#[test]
fn files_go_with_the_first_part_and_a_second_choice_of_name_with_each() {
    let mut order = order(&"word ".repeat(10));
    let names = Names { external_id: "other".into(), helpdesk_message_id: "msg_2".into() };
    order.second_choice = Some(names);
    let parts = split(order, 30);
    assert_eq!(parts.iter().map(|part| part.files.len()).collect::<Vec<_>>(), [1, 0, 0]);
    let second = |part: &Ordered| part.second_choice.clone().unwrap().external_id;
    assert_eq!(parts.iter().map(second).collect::<Vec<_>>(), ["other", "other.2", "other.3"]);
}

#[test]
fn a_text_for_more_than_ten_messages_stays_whole_to_be_refused() {
    let text = "x".repeat(10 * 12 + 1);
    assert_eq!(bodies(&text, 20), [text]);
    assert_eq!(bodies(&"x".repeat(10 * 12), 20).len(), 10);
}
