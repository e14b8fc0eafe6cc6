//! The verdict on small worlds: one that is as it should be, and one for each way in which it is not.

mod case;
mod files;
mod providers;

use super::rows::{Row, Rows};
use case::{Case, PROVIDER, foreign, name, offences, parked, place, sent, shown, texted};

/// What is said of a world that was changed.
fn said(tamper: impl FnOnce(&mut Case)) -> Vec<(&'static str, usize)> {
    let mut case = Case::clean();
    tamper(&mut case);
    offences(&case.judged())
}

#[test]
fn a_world_as_it_should_be_passes() {
    let found = Case::clean().judged();
    assert!(found.are_none(), "{found:?}");
    assert_eq!((found.told, found.parked["refused"]), (2, 1));
}

#[test]
fn a_lost_text_and_a_copied_one_of_the_same_words_do_not_make_up_for_each_other() {
    let customers = said(|case| case.in_front("in2").external_id = "in1".to_owned());
    assert_eq!(customers, [("lost", 1), ("duplicated", 1)]);
    let agents = said(|case| case.provider()[4].reference = name(1));
    assert_eq!(agents, [("lost", 1), ("duplicated", 1)]);
    let text = said(|case| case.in_front("in3").text = "OK".to_owned());
    assert_eq!(text, [("lost", 1), ("duplicated", 1)]);
}

#[test]
fn what_is_missing_or_there_twice_is_found() {
    assert_eq!(said(|case| drop(case.provider().remove(1))), [("lost", 1)]);
    assert_eq!(said(|case| case.provider().push(sent(1, "OK"))), [("duplicated", 1)]);
    assert_eq!(said(|case| case.provider().push(sent(3, "no"))), [("duplicated", 1)]);
    assert_eq!(said(|case| case.front().push(shown("in1", "OK", true))), [("duplicated", 1)]);
    // An agent's own message, brought in as somebody else's.
    assert_eq!(said(|case| case.front().push(shown("out1", "OK", false))), [("duplicated", 1)]);
}

#[test]
fn a_message_that_nobody_asked_for_is_a_copy_wherever_it_stands() {
    let stray = |phone: &'static str| {
        said(move |case| drop(case.world.providers.insert((PROVIDER, place(phone)), vec![sent(1, "OK")])))
    };
    assert_eq!(stray("+19995550000"), [("duplicated", 1)]);
    let nameless = vec![shown("in1", "OK", true)];
    assert_eq!(said(|case| drop(case.world.front.insert(place(""), nameless))), [("duplicated", 1)]);
}

#[test]
fn what_was_put_aside_is_not_done() {
    let customers = said(|case| {
        case.front().retain(|message| message.external_id != "in3");
        case.rows.0.extend([parked("in3", "gave_up")]);
    });
    assert_eq!(customers, [("lost", 1), ("put aside", 1)]);
    let otherwise = said(|case| case.rows = Rows([parked(&name(3), "gave_up")].into()));
    assert_eq!(otherwise, [("put aside", 2)]);
    assert_eq!(said(|case| case.rows = Rows::default()), [("put aside", 1)]);
    let untold = said(|case| {
        case.provider().remove(1);
        case.rows.0.extend([parked(&name(1), "gave_up")]);
    });
    assert_eq!(untold, [("lost", 1), ("wrongly told", 1), ("put aside", 1)]);
}

#[test]
fn an_agent_who_is_told_of_the_wrong_message_is_told_wrongly() {
    let note = format!("{}_failed", name(4));
    let other = said(|case| case.in_front(&note).external_id = format!("{}_failed", name(2)));
    assert_eq!(other, [("wrongly told", 2)]);
    let nothing = said(|case| case.in_front(&note).external_id = "x_failed".to_owned());
    assert_eq!(nothing, [("wrongly told", 2)]);
    let twice = said(|case| case.in_front(&name(4)).failed = true);
    assert_eq!(twice, [("wrongly told", 1)]);
    let never = said(|case| case.in_front(&name(3)).failed = false);
    assert_eq!(never, [("wrongly told", 1)]);
}

#[test]
fn what_changed_places_is_out_of_order() {
    assert_eq!(said(|case| case.provider().swap(1, 4)), [("out of order", 1)]);
    assert_eq!(said(|case| case.front().swap(2, 3)), [("out of order", 1)]);
}

#[test]
fn what_is_open_does_not_pass() {
    let open = Row { external_id: "in1".to_owned(), open: true, ..Row::default() };
    assert_eq!(said(|case| drop(case.rows.0.insert("in1".to_owned(), open))), [("unsettled", 1)]);
}

#[test]
fn a_plan_that_was_not_kept_and_a_complaint_do_not_pass() {
    assert_eq!(said(|case| case.planned().customers += 1), [("broken", 1)]);
    assert_eq!(said(|case| case.world.complaints.push("not empty".to_owned())), [("broken", 1)]);
    let mut nothing = Case::clean().judged();
    nothing.not_shown.push("only 0 of 1 kills".to_owned());
    assert!(!nothing.are_none() && nothing.is_clean());
}

#[test]
fn a_stranger_is_shown_once_or_again_once_and_in_their_own_words() {
    let with = |times: usize, text: &'static str| {
        let mut case = Case::clean();
        let there = place("+16465550000");
        case.asked.strangers.push((there.clone(), PROVIDER));
        case.planned().strangers = 1;
        let own = super::first_text(0);
        case.world.providers.insert((PROVIDER, there.clone()), vec![texted("new", &own, 40)]);
        let text = if text.is_empty() { &own } else { text };
        case.world.front.insert(there, vec![shown("new", text, true); times]);
        case.judged()
    };
    assert!(with(1, "").are_none());
    assert_eq!((with(2, "").are_none(), with(2, "").first_texts_shown_again), (true, 1));
    assert_eq!((with(0, "").lost.count, with(3, "").duplicated.count), (1, 1));
    assert_eq!((with(1, "else").lost.count, with(1, "else").duplicated.count), (1, 1));
}

#[test]
fn an_equal_text_of_another_application_excuses_one_uncertain_message_and_no_other() {
    let uncertain = |case: &mut Case| {
        case.rows.0.extend([parked(&name(2), "uncertain")]);
        case.in_front(&name(2)).failed = true;
    };
    let alone = said(uncertain);
    assert_eq!(alone, [("put aside", 1)]);
    let mut case = Case::clean();
    uncertain(&mut case);
    case.provider().remove(4);
    case.provider().push(foreign("app2", "OK"));
    case.planned().applications = 2;
    let found = case.judged();
    assert!(found.are_none(), "{found:?}");
    assert_eq!(found.left_to_the_operator, 1);
}
