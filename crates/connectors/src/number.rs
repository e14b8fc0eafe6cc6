//! A provider's number and where its messages go, for APIs with `IncomingPhoneNumbers`.

use crate::lenient::{id, word};
use serde_json::Value;
use twinwire_core::http::Method;
use twinwire_core::setup::{Goes, NumberHook};

/// What is known of us.
pub(crate) struct Ours<'a> {
    /// Our number.
    pub(crate) address: &'a str,
    /// The URL of our hook.
    pub(crate) url: &'a str,
    /// With which methods it may be called.
    pub(crate) methods: &'a [Method],
    /// What stands at a number that nobody has set yet.
    pub(crate) idle: &'a [&'a str],
}

/// Our number in a list of them; none when it is no such list. A filter may have been ignored: others are passed over.
pub(crate) fn in_list(body: &Value, ours: &Ours<'_>) -> Option<NumberHook> {
    let listed = body.get("incoming_phone_numbers")?.as_array()?;
    let own = listed.iter().find(|number| word(number, "phone_number").as_deref() == Some(ours.address));
    match own {
        Some(number) => resource(number, ours),
        None => {
            let why = "the number is not among those of the account, or the credentials may not read them";
            Some(NumberHook { id: String::new(), goes: Goes::Unknown(why.to_owned()) })
        }
    }
}

/// A number as its provider shows it; none when it cannot be read.
pub(crate) fn resource(number: &Value, ours: &Ours<'_>) -> Option<NumberHook> {
    let id = id(number, "sid")?;
    let url = word(number, "sms_url").unwrap_or_default();
    // A fragment says how often to try; it is not sent.
    let plain = url.split('#').next().unwrap_or_default();
    let method = word(number, "sms_method").unwrap_or_else(|| Method::Post.as_str().to_owned());
    let taken = ours.methods.iter().any(|known| known.as_str().eq_ignore_ascii_case(&method));
    // Where there is an application, the number's own URL is ignored.
    let goes = match word(number, "sms_application_sid") {
        Some(application) => Goes::Elsewhere(format!("the application {application}")),
        None if plain == ours.url && taken => Goes::Here,
        None if url.is_empty() || ours.idle.contains(&plain.trim_end_matches('/')) => Goes::Nowhere,
        None => Goes::Elsewhere(url),
    };
    Some(NumberHook { id, goes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const URL: &str = "https://hooks.example.test/v1/hooks/x/chn_1/inbound";
    const OURS: Ours<'_> = Ours {
        address: "+12015550123",
        url: URL,
        methods: &[Method::Post],
        idle: &["https://demo.vendor.test/reply"],
    };

    #[test]
    fn where_a_numbers_messages_go_is_told_apart() {
        let elsewhere = |to: &str| Goes::Elsewhere(to.to_owned());
        for (number, goes) in [
            (json!({"sms_url": URL, "sms_method": "POST"}), Goes::Here),
            (json!({"sms_url": format!("{URL}#rc=5&rp=all"), "sms_method": "post"}), Goes::Here),
            (json!({"sms_url": URL}), Goes::Here),
            // A hook that would be refused is not ours.
            (json!({"sms_url": URL, "sms_method": "GET"}), elsewhere(URL)),
            (json!({"sms_url": URL, "sms_application_sid": "AP1"}), elsewhere("the application AP1")),
            (json!({"sms_url": "", "sms_application_sid": ""}), Goes::Nowhere),
            (json!({"sms_url": null, "sms_application_sid": null}), Goes::Nowhere),
            (json!({"sms_url": "https://demo.vendor.test/reply/"}), Goes::Nowhere),
            (json!({"sms_url": format!("{URL}/more")}), elsewhere(&format!("{URL}/more"))),
            (json!({"sms_url": "https://crm.test/sms"}), elsewhere("https://crm.test/sms")),
        ] {
            let mut shown = number.clone();
            shown["sid"] = json!("PN1");
            let expected = NumberHook { id: "PN1".to_owned(), goes };
            assert_eq!(resource(&shown, &OURS), Some(expected), "{number}");
            assert_eq!(resource(&number, &OURS), None, "no id");
        }
    }

    #[test]
    fn our_number_is_found_among_others_or_it_is_said_that_it_is_not_there() {
        let other = json!({"sid": "PN2", "phone_number": "+12015550199", "sms_url": URL});
        let own = json!({"sid": "PN1", "phone_number": "+12015550123", "sms_url": null});
        let found = in_list(&json!({"incoming_phone_numbers": [other, own]}), &OURS).unwrap();
        assert_eq!(found, NumberHook { id: "PN1".to_owned(), goes: Goes::Nowhere });
        for list in [json!([other]), json!([]), json!([7, null, {}])] {
            let found = in_list(&json!({"incoming_phone_numbers": list}), &OURS).unwrap();
            assert!(matches!(found.goes, Goes::Unknown(_)), "{found:?}");
        }
        for none in [json!({}), json!({"incoming_phone_numbers": null}), json!([]), json!({"messages": []})] {
            assert_eq!(in_list(&none, &OURS), None, "{none}");
        }
    }
}
