//! The answers of the set-up.

use super::*;

#[test]
fn the_set_up_asks_nothing_of_a_channel_and_tidies_what_is_given() {
    let prepared = Front.prepare(&Settings::default()).unwrap();
    assert_eq!((prepared.account, prepared.address, prepared.answers.iter().count()), (None, None, 0));
    let answers = [("app_id", " uid "), ("api_url", "https://api2.frontapp.com/"), ("other", "x")];
    let prepared = Front.prepare(&answers.into_iter().collect()).unwrap();
    let tidied: Vec<_> = prepared.answers.iter().collect();
    assert_eq!(tidied, [("api_url", "https://api2.frontapp.com"), ("app_id", "uid")]);
    for wrong in ["api2.frontapp.com", "ftp://x.test", "https://x.test/?a=b", "https://"] {
        assert!(Front.prepare(&[("api_url", wrong)].into_iter().collect()).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_said_of_front_holds() {
    assert_eq!((Front.name(), Front.title()), ("front", "Front"));
    assert_eq!(Front.side(), twinwire_core::model::Side::Helpdesk);
    let secrets: Vec<_> =
        Front.settings().iter().filter(|setting| setting.secret).map(|setting| setting.name).collect();
    assert_eq!(secrets, ["app_secret"]);
    let longest = build(&Call::Deliver(&inbound())).unwrap();
    assert!(Front.caps().settling > longest.timeout);
    assert_eq!(longest.method, Method::Post);
}
