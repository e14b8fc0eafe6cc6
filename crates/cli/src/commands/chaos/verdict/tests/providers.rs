//! Two providers: each is held against its own double.

use super::super::world::{InFront, Place, Sms};
use super::super::{Findings, Known};
use super::case::{Case, PROVIDER, offences, parked, shown, taken, texted};
use crate::commands::chaos::plan::{Ending, PutIn};

const OTHER: &str = "Twilio";
const CUSTOMER: &str = "+12125550002";

fn there() -> Place {
    ("+12015550001".to_owned(), CUSTOMER.to_owned())
}

fn name(nth: usize) -> String {
    format!("msg_{nth}-{CUSTOMER}")
}

fn sent(nth: usize, text: &str) -> Sms {
    Sms { sid: format!("SM{nth}"), reference: name(nth), text: text.to_owned(), ..Sms::default() }
}

fn written(nth: usize, text: &str, failed: bool) -> InFront {
    let (uid, external_id, text) = (format!("uid_{nth}"), name(nth), text.to_owned());
    InFront { uid, external_id, text, failed, ..InFront::default() }
}

/// The usual world, and a conversation at another provider: a greeting, an agent's "Yes", one that was refused, and a
/// customer's "OK".
fn both() -> Case {
    let mut case = Case::clean();
    let taken = vec![
        taken(10, "Hello", Ending::Delivered),
        taken(11, "Yes", Ending::Delivered),
        taken(12, "no", Ending::Refused),
    ];
    case.asked.conversations.push(Known { place: there(), provider: OTHER, taken, passer_by: false });
    let put_in = PutIn { agents: 2, customers: 1, ..PutIn::default() };
    case.asked.planned.insert(OTHER, put_in);
    let sms = vec![sent(10, "Hello"), sent(11, "Yes"), texted("SM7", "OK", 15)];
    case.world.providers.insert((OTHER, there()), sms);
    let front = vec![
        written(10, "Hello", false),
        written(11, "Yes", false),
        written(12, "no", true),
        shown("SM7", "OK", true),
    ];
    case.world.front.insert(there(), front);
    case.rows.0.extend([parked(&name(12), "refused")]);
    case
}

fn judged(tamper: impl FnOnce(&mut Case)) -> Findings {
    let mut case = both();
    tamper(&mut case);
    case.judged()
}

fn said(tamper: impl FnOnce(&mut Case)) -> Vec<(&'static str, usize)> {
    offences(&judged(tamper))
}

fn at_other(case: &mut Case) -> &mut Vec<Sms> {
    case.world.providers.get_mut(&(OTHER, there())).unwrap()
}

#[test]
fn what_was_put_in_is_counted_for_each_provider_and_in_all() {
    let found = judged(|_| {});
    assert!(found.are_none(), "{found:?}");
    assert_eq!((found.put_in_at[PROVIDER].messages(), found.put_in_at[OTHER].messages()), (8, 3));
    assert_eq!((found.put_in.agents, found.put_in.customers, found.put_in.messages()), (6, 4, 11));
    assert_eq!((found.told, found.parked["refused"]), (3, 2));
}

#[test]
fn what_is_missing_or_there_twice_at_the_second_provider_is_found() {
    assert_eq!(said(|case| drop(at_other(case).remove(1))), [("lost", 1)]);
    assert_eq!(said(|case| at_other(case).push(sent(11, "Yes"))), [("duplicated", 1)]);
    assert_eq!(said(|case| at_other(case).swap(0, 1)), [("out of order", 1)]);
    let never_shown = said(|case| drop(case.world.front.get_mut(&there()).unwrap().pop()));
    assert_eq!(never_shown, [("lost", 1)]);
    let found = judged(|case| drop(at_other(case).remove(1)));
    assert!(found.lost.examples[0].contains("at Twilio, 0 times, not 1"), "{found:?}");
}

#[test]
fn what_went_out_by_the_wrong_provider_is_lost_here_and_a_copy_there() {
    let strayed = said(|case| {
        let message = at_other(case).remove(1);
        case.world.providers.insert((PROVIDER, there()), vec![message]);
    });
    assert_eq!(strayed, [("lost", 1), ("duplicated", 1)]);
}

#[test]
fn one_provider_does_not_make_up_for_another() {
    let swapped = judged(|case| {
        case.asked.planned.get_mut(PROVIDER).unwrap().customers -= 1;
        case.asked.planned.get_mut(OTHER).unwrap().customers += 1;
    });
    assert_eq!((swapped.broken.count, swapped.is_clean()), (1, false));
}
