//! What anybody may send to a hook: nothing is believed but the vendor's own signature, in time.

use super::hooks::{BY_SIGNALWIRE, BY_TWILIO, Signer, front_headers};
use super::input::{Input, lines};
use super::world::{FRONT, PUBLIC, SECRET, SIGNALWIRE, SIGNING_KEY, TWILIO, channel, now, settings};
use twinwire_core::connector::Unverified;
use twinwire_core::http::Hook;
use twinwire_core::setting::Settings;

/// Lines: options (hook, method), signature, timestamp or content type, path and query; then the body.
pub(crate) fn check(data: &[u8]) {
    let ([options, signature, other, tail], body) = lines::<4>(data);
    let mut options = Input(options.as_bytes());
    let name =
        options.pick(&["message", "authorization", "channel", "inbound", "status", "no-such-hook", ""]);
    let method = options.pick(&["POST", "DELETE", "GET", ""]);
    let url = format!("{PUBLIC}{tail}");
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let signed_in = ["x-front-signature", "x-signalwire-signature", "x-twilio-signature", "authorization"];
    let mut headers: Vec<_> = signed_in.iter().map(|name| header(name, &signature)).collect();
    headers.extend([header("x-front-request-timestamp", &other), header("content-type", &other)]);
    let hook = Hook { name, method, url: &url, headers: &headers, body };
    for connector in [FRONT, SIGNALWIRE, TWILIO] {
        let set_up = settings(connector, "https://api.example.test");
        assert!(connector.verify(&hook, &set_up, now()).is_err(), "{} believes anybody", connector.name());
        assert!(connector.verify(&hook, &Settings::default(), now()).is_err(), "there is no key");
        // It is not believed, and must not break anything all the same.
        let (one, other) =
            (connector.read(&hook, &channel(), &set_up), connector.read(&hook, &channel(), &set_up));
        assert_eq!(one, other);
    }
    in_time(&hook, &other);
    at_any_address(&BY_SIGNALWIRE, &hook, &tail);
    at_any_address(&BY_TWILIO, &hook, &tail);
}

/// Signed by Front over whatever it wrote as the time: believed within five minutes only, in either unit.
fn in_time(hook: &Hook<'_>, timestamp: &str) {
    let timestamp = timestamp.trim();
    let headers = front_headers(SECRET, timestamp, hook.body);
    let verified = FRONT.verify(&Hook { headers: &headers, ..*hook }, &settings(FRONT, ""), now());
    let seconds = timestamp.parse::<f64>().ok().map(|at| if at > 1e12 { at / 1e3 } else { at });
    #[expect(clippy::cast_precision_loss, reason = "a time of this century")]
    let age = seconds.map(|at| (at - now().timestamp() as f64).abs());
    match verified {
        Ok(()) => assert!(age.is_some_and(|age| age <= 300.001), "believed at {timestamp:?}"),
        Err(Unverified::Stale) => {
            assert!(age.is_none_or(|age| age.is_nan() || age >= 299.999), "{timestamp:?}");
        }
        Err(Unverified::Missing) => assert!(timestamp.is_empty()),
        Err(other) => panic!("{other} at {timestamp:?}"),
    }
}

/// Signed by a provider over the address as it is: believed, whatever the address looks like.
fn at_any_address(signer: &Signer, hook: &Hook<'_>, tail: &str) {
    let (connector, set_up) = (signer.connector, settings(signer.connector, ""));
    // Neither a fragment nor a user goes over the wire. What stands before the first of these is the host.
    if tail.contains(['#', '@']) || !tail.starts_with(['/', '?', ':']) {
        return;
    }
    let headers = signer.headers(SIGNING_KEY, hook.url, b"");
    let bare = Hook { headers: &headers, body: b"", ..*hook };
    assert_eq!(connector.verify(&bare, &set_up, now()), Ok(()), "{}", hook.url);
    let with_fragment = format!("{}#top", hook.url);
    assert_eq!(connector.verify(&Hook { url: &with_fragment, ..bare }, &set_up, now()), Ok(()));
    let longer = format!("{}x", hook.url);
    assert_eq!(connector.verify(&Hook { url: &longer, ..bare }, &set_up, now()), Err(Unverified::Invalid));
}
