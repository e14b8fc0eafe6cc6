//! What is asked of a vendor.

use super::*;

/// What holds for every request: it goes to the configured API, carries no secret in its URL, has headers
/// that nobody outside could add to, and is given up before a look-up is trusted.
pub(crate) fn assert_sound(connector: &dyn Connector, call: &Call<'_>, request: &Request) {
    let about = format!("{} {call:?}", connector.name());
    let (Ok(url), Ok(api)) = (Url::parse(&request.url), Url::parse(API)) else {
        panic!("{about}: {} is no URL", request.url)
    };
    assert_eq!(url.origin(), api.origin(), "{about}: {url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{about}: {url}");
    assert!(request.url.bytes().all(|b| b.is_ascii_graphic()), "{about}: {}", request.url);
    for secret in secrets(connector) {
        assert!(!request.url.contains(&secret), "{about}: a secret in the URL");
    }
    for (name, value) in &request.headers {
        let lower = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(lower, "{about}: header {name}");
        assert!(value.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{about}: value of {name}");
    }
    assert!(request.timeout > Duration::ZERO, "{about}: no time-out");
    assert!(request.timeout < connector.caps().settling, "{about}: looked up before it was given up");
}

#[test]
fn every_call_is_built_soundly_or_refused() {
    for connector in ALL {
        let (set_up, not_set_up, channel) = (settings(*connector), Settings::default(), channel());
        let contexts = [
            context(&set_up, Some(&channel), Some("cnv_1")),
            context(&set_up, Some(&channel), Some("../x?y#z\r\n")),
            context(&set_up, None, None),
        ];
        for message in odd() {
            for call in calls(&message) {
                for context in &contexts {
                    let Ok(request) = connector.build(&call, context) else { continue };
                    assert_sound(*connector, &call, &request);
                    let path = request.url.split(['?', '#']).next().unwrap();
                    assert!(path.starts_with(&format!("{API}/")), "{} {call:?}: {path}", connector.name());
                    let parsed = Url::parse(&request.url).unwrap();
                    assert!(parsed.path().starts_with("/base/"), "{} {call:?}: {path}", connector.name());
                    let again = connector.build(&call, context).unwrap();
                    assert_eq!((&request.url, &request.headers), (&again.url, &again.headers));
                    assert_eq!(request.body, again.body);
                }
                let without = context(&not_set_up, Some(&channel), Some("cnv_1"));
                assert!(connector.build(&call, &without).is_err(), "{}: without settings", connector.name());
            }
        }
    }
}

#[test]
fn a_plain_message_can_be_delivered_and_looked_for() {
    for connector in ALL {
        let (settings, channel, message) = (settings(*connector), channel(), plain(connector.side()));
        let context = context(&settings, Some(&channel), Some("cnv_1"));
        for call in [Call::Deliver(&message), Call::LookUp { message: &message, page: None }] {
            connector.build(&call, &context).unwrap();
        }
    }
}

#[test]
fn a_further_page_leads_to_no_other_host() {
    let pages = [
        "",
        "/",
        "x",
        "https://evil.test/base/x",
        "//evil.test/base/x",
        "https://vendor.test.evil.test/base",
        "https://vendor.test@evil.test/base",
        "https://evil.test@vendor.test/base",
        "http://vendor.test/base",
        "https://vendor.test:8443/base",
        "https://vendor.test/base/x y\r\nHost: evil.test",
        "https://vendor.test\\@evil.test/base",
        "@evil.test/",
        ".evil.test/",
        "/base/../../x",
        "file:///etc/passwd",
    ];
    for connector in ALL {
        let (settings, channel, message) = (settings(*connector), channel(), plain(connector.side()));
        let context = context(&settings, Some(&channel), Some("cnv_1"));
        for page in pages.map(Some) {
            for call in [Call::LookUp { message: &message, page }, Call::List { since: None, page }] {
                if let Ok(request) = connector.build(&call, &context) {
                    assert_sound(*connector, &call, &request);
                }
            }
        }
    }
}
