//! The answers of a set-up: tidied so that requests can be made of them, or refused in a sentence.

use super::input::lines;
use super::world::{FRONT, PUBLIC, SIGNALWIRE, TWILIO, channel, context, ours, theirs};
use twinwire_core::connector::{Call, Channel, Connector, Prepared};
use twinwire_core::model::Side;
use twinwire_core::phone::{can_be_texted, network};
use twinwire_core::setting::Settings;
use url::Url;

/// Lines: one answer for each setting of any connector.
pub(crate) fn check(data: &[u8]) {
    let (answers, _) = lines::<10>(data);
    for connector in [FRONT, SIGNALWIRE, TWILIO] {
        let named = || connector.settings().iter().zip(&answers);
        let given: Settings = named().map(|(setting, answer)| (setting.name, answer.as_str())).collect();
        match connector.prepare(&given) {
            Ok(prepared) => usable(connector, &prepared),
            Err(why) => assert!(!why.trim().is_empty(), "refused without a word"),
        }
        // Whatever else is wrong, the sentence does not repeat a secret.
        let marked =
            |secret: bool, answer: &str| if secret { format!("hush{answer}hush") } else { answer.to_owned() };
        let given: Settings =
            named().map(|(setting, answer)| (setting.name, marked(setting.secret, answer))).collect();
        if let Err(why) = connector.prepare(&given) {
            assert!(!why.contains("hush"), "{why}");
        }
    }
}

fn usable(connector: &dyn Connector, prepared: &Prepared) {
    for (name, answer) in prepared.answers.iter() {
        let setting = connector.settings().iter().find(|setting| setting.name == name);
        if setting.is_some_and(|setting| setting.required && setting.default.is_none()) {
            assert!(!answer.trim().is_empty(), "`{name}` is empty");
        }
    }
    let again = connector.prepare(&prepared.answers);
    let again = again.unwrap_or_else(|why| panic!("its own answers are refused: {why}"));
    let pairs = |prepared: &Prepared| {
        prepared.answers.iter().map(|(name, answer)| (name.to_owned(), answer.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(pairs(&again), pairs(prepared), "tidied again, they are others");
    assert_eq!((&again.account, &again.address), (&prepared.account, &prepared.address));
    if let Some((address, region)) = &prepared.address {
        let (_, number) = network(address);
        assert!(number.starts_with('+') && can_be_texted(number), "{address:?} is no number");
        assert!(
            prepared.answers.iter().any(|(_, answer)| answer == address),
            "the number is kept as it was typed"
        );
        assert!(region.as_ref().is_none_or(|region| region.len() >= 2));
    }
    requests(connector, prepared);
}

fn requests(connector: &dyn Connector, prepared: &Prepared) {
    // Without the address of a double, it is the vendor's own.
    let mut settings = prepared.answers.clone();
    let (row, vendor) = match connector.side() {
        Side::Provider => {
            settings.set("api_url", "");
            (ours(), if connector.name() == TWILIO.name() { "twilio.com" } else { "signalwire.com" })
        }
        Side::Helpdesk => (theirs(), "frontapp.com"),
    };
    let api = settings.get("api_url").map(str::to_owned);
    let channel = Channel { id: "chn_1".to_owned(), ..channel() };
    let Ok(request) = connector.build(&Call::Deliver(&row), &context(&settings, &channel, None)) else {
        // Front's settings are given one by one: what is missing is the operator's to give.
        assert_eq!(connector.side(), Side::Helpdesk, "prepared, and yet no request can be made");
        return;
    };
    let Ok(url) = Url::parse(&request.url) else { panic!("{:?} is no URL of {PUBLIC}", request.url) };
    for (name, value) in &request.headers {
        assert!(value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{name}: {value:?}");
    }
    match api.as_deref().map(Url::parse) {
        Some(Ok(api)) => assert_eq!(url.origin(), api.origin()),
        Some(Err(error)) => panic!("{error}"),
        None => {
            let host = url.host_str().unwrap_or_default();
            let parts = host.split('.').count();
            assert!(
                url.scheme() == "https" && host.ends_with(vendor) && parts == 3
                    || host == "api2.frontapp.com",
                "{url}"
            );
        }
    }
}
