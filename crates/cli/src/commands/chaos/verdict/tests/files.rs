//! Files go with their own messages, and a long text is all of its parts.

use super::super::super::files::File;
use super::super::customers::LASTED;
use super::super::world::{InFront, Sms};
use super::case::{Case, name, offences, parked, sent, shown, taken, texted, written};
use crate::commands::chaos::plan::Ending;

fn file(name: &str) -> File {
    File { kind: "image/png".to_owned(), bytes: format!("[[{name}]]").into_bytes() }
}

fn with(text: &str, files: &[&str], message: Sms) -> Sms {
    Sms { text: text.to_owned(), files: files.iter().map(|name| file(name)).collect(), ..message }
}

/// A text for two messages: its first words, and what becomes of it where that is said at its end.
fn long(first: &str, end: &str) -> String {
    format!("{first} {}{end}", vec!["word"; 400].join(" "))
}

/// The text in two parts, as they are at the provider. The first holds as many words as fit into 1,592 characters.
fn halves(first: &str, end: &str) -> [String; 2] {
    let text = long(first, end);
    let cut = text[..=1_592].rfind(' ').unwrap();
    [format!("(1/2) {}", &text[..cut]), format!("(2/2) {}", &text[cut + 1..])]
}

fn part(nth: usize, half: usize, first: &str, end: &str) -> Sms {
    let message = sent(nth, &halves(first, end)[half]);
    if half == 0 { message } else { Sms { reference: format!("{}.2", name(nth)), ..message } }
}

/// The usual world, with two agents' messages and two of customers that have files, and a long text.
fn full() -> Case {
    let mut case = Case::clean();
    let files = |names: &[&str]| names.iter().map(|name| file(name)).collect();
    let own = &mut case.asked.conversations[0].taken;
    own.extend([taken(5, "Look", Ending::Delivered), taken(6, "And this", Ending::Delivered)]);
    own.push(taken(7, &long("Dear Ada", ""), Ending::Delivered));
    (own[5].files, own[6].files) = (files(&["a", "b"]), files(&["c"]));
    let own = [with("Look", &["a", "b"], sent(5, "")), with("And this", &["c"], sent(6, ""))];
    case.provider().extend(own);
    case.provider().extend([part(7, 0, "Dear Ada", ""), part(7, 1, "Dear Ada", "")]);
    let texts = [with("See", &["d", "e"], texted("in4", "", 40)), with("Too", &["f"], texted("in5", "", 50))];
    case.provider().extend(texts.clone());
    for nth in [5, 6, 7] {
        case.front().push(written(nth, "", false));
    }
    let shown = texts.map(|sms| InFront { files: sms.files, ..shown(&sms.sid, &sms.text, true) });
    case.front().extend(shown);
    let planned = case.planned();
    (planned.agents, planned.customers) = (7, 5);
    (planned.with_files, planned.in_parts) = (4, 1);
    case
}

fn judged(tamper: impl FnOnce(&mut Case)) -> super::super::Findings {
    let mut case = full();
    tamper(&mut case);
    case.judged()
}

fn said(tamper: impl FnOnce(&mut Case)) -> Vec<(&'static str, usize)> {
    offences(&judged(tamper))
}

fn at_provider<'a>(case: &'a mut Case, reference: &str) -> &'a mut Sms {
    case.provider().iter_mut().find(|sms| sms.reference == reference || sms.sid == reference).unwrap()
}

#[test]
fn files_with_their_messages_and_a_long_text_in_parts_pass() {
    let found = judged(|_| {});
    assert!(found.are_none(), "{found:?}");
    assert_eq!((found.put_in.with_files, found.put_in.in_parts), (4, 1));
}

#[test]
fn a_file_that_went_with_another_message_is_lost_and_there_in_vain() {
    let agents = judged(|case| {
        let own = std::mem::take(&mut at_provider(case, &name(5)).files[0]);
        let other = std::mem::replace(&mut at_provider(case, &name(6)).files[0], own);
        at_provider(case, &name(5)).files[0] = other;
    });
    assert_eq!(offences(&agents), [("lost", 2), ("duplicated", 2)]);
    assert!(agents.lost.examples[0].contains("“Look” with a (image/png, 5 bytes) and b"), "{agents:?}");
    let customers = said(|case| {
        let own = std::mem::take(&mut case.in_front("in4").files[1]);
        let other = std::mem::replace(&mut case.in_front("in5").files[0], own);
        case.in_front("in4").files[1] = other;
    });
    assert_eq!(customers, [("lost", 2), ("duplicated", 2)]);
}

#[test]
fn a_file_that_is_missing_there_twice_or_not_in_its_place_is_found() {
    let wrong = [("lost", 1), ("duplicated", 1)];
    assert_eq!(said(|case| drop(at_provider(case, &name(5)).files.pop())), wrong);
    assert_eq!(said(|case| at_provider(case, &name(6)).files.clear()), wrong);
    assert_eq!(said(|case| at_provider(case, &name(6)).files.push(file("c"))), wrong);
    assert_eq!(said(|case| at_provider(case, &name(5)).files.swap(0, 1)), wrong);
    assert_eq!(said(|case| drop(case.in_front("in4").files.pop())), wrong);
    assert_eq!(said(|case| case.in_front("in5").files.push(file("f"))), wrong);
    assert_eq!(said(|case| case.in_front("in4").files.swap(0, 1)), wrong);
    assert_eq!(said(|case| case.in_front("in5").files[0].kind = "text/html".to_owned()), wrong);
}

#[test]
fn a_line_in_place_of_a_file_is_enough_only_where_faults_lasted() {
    let lacking = |struck: usize, line: &'static str| {
        judged(move |case| {
            at_provider(case, "in4").struck = struck;
            let there = case.in_front("in4");
            there.files.remove(0);
            there.text.push_str(line);
        })
    };
    let line = "\n[A picture is not here: it could not be fetched (500)]";
    let found = lacking(LASTED, line);
    assert!(found.are_none(), "{found:?}");
    assert_eq!(found.arrived_without_a_file, 1);
    let wrong = [("lost", 1), ("duplicated", 1)];
    assert_eq!(offences(&lacking(LASTED - 1, line)), wrong);
    assert_eq!(offences(&lacking(LASTED, "")), wrong);
    assert_eq!(offences(&lacking(LASTED, "\nsomething else")), wrong);
}

#[test]
fn of_files_that_the_provider_could_not_fetch_the_agent_is_told() {
    let not_fetched = |told: bool| {
        judged(move |case| {
            let sms = at_provider(case, &name(6));
            (sms.not_fetched, sms.files) = (true, Vec::new());
            case.in_front(&name(6)).failed = told;
        })
    };
    let found = not_fetched(true);
    assert!(found.are_none(), "{found:?}");
    assert_eq!((found.files_not_fetched, found.told), (1, 3));
    assert_eq!(offences(&not_fetched(false)), [("wrongly told", 1)]);
}

#[test]
fn a_part_that_is_missing_there_twice_or_elsewhere_is_found() {
    let second = format!("{}.2", name(7));
    let at = |case: &mut Case| case.provider().iter().position(|sms| sms.reference == second).unwrap();
    assert_eq!(
        said(|case| drop({
            let at = at(case);
            case.provider().remove(at)
        })),
        [("lost", 1)]
    );
    assert_eq!(said(|case| case.provider().push(part(7, 1, "Dear Ada", ""))), [("duplicated", 1)]);
    assert_eq!(
        said(|case| {
            let at = at(case);
            case.provider().swap(at - 1, at);
        }),
        [("out of order", 1)]
    );
    let unnumbered = said(|case| at_provider(case, &second).text = halves("Dear Ada", "")[1][6..].to_owned());
    assert_eq!(unnumbered, [("lost", 1), ("duplicated", 1)]);
    let by_another = said(|case| case.in_front(&name(7)).external_id.clone_from(&second));
    assert_eq!(by_another, [("broken", 1)]);
}

#[test]
fn what_follows_a_refused_part_is_held_back_and_the_agent_told_once() {
    let refused = |mark: [&'static str; 2], aside: &[(&'static str, &'static str)]| {
        let mut case = full();
        let (first, end) = (format!("Dear Ada{}", mark[0]), mark[1]);
        let own = &mut case.asked.conversations[0].taken[7];
        (own.text, own.ending) = (long(&first, end), Ending::Refused);
        case.provider().retain(|sms| !sms.reference.starts_with(&name(7)));
        if mark[0].is_empty() {
            case.provider().push(part(7, 0, &first, end));
        }
        for (part, reason) in aside {
            case.rows.0.extend([parked(&format!("{}{part}", name(7)), reason)]);
        }
        case.in_front(&name(7)).failed = true;
        offences(&case.judged())
    };
    let mark = Ending::Refused.mark();
    assert_eq!(refused([mark, ""], &[("", "refused"), (".2", "incomplete")]), []);
    assert_eq!(refused(["", mark], &[(".2", "refused")]), []);
    assert_eq!(refused([mark, ""], &[("", "refused")]), [("put aside", 1)]);
    assert_eq!(refused(["", mark], &[("", "incomplete"), (".2", "refused")]), [("put aside", 1)]);
}
