//! The numbers of an account, and where their messages go.

use serde_json::{Value, json};
use twinwire_sandbox::SignalWire;

use crate::support::*;

fn url(double: &SignalWire, rest: &str) -> String {
    format!(
        "{}/api/laml/2010-04-01/Accounts/{}/IncomingPhoneNumbers{rest}",
        double.url(),
        double.options().project
    )
}

async fn listed(double: &SignalWire, query: &str) -> Value {
    let got = call("GET", &url(double, query), &basic(double), "text/plain", "").await.unwrap();
    assert_eq!(got.status, 200, "{}", got.text);
    got.json["incoming_phone_numbers"].clone()
}

async fn set(double: &SignalWire, sid: &str, fields: &[(&str, &str)]) -> Got {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let kind = "application/x-www-form-urlencoded";
    call("POST", &url(double, &format!("/{sid}.json")), &basic(double), kind, &body).await.unwrap()
}

#[tokio::test]
async fn what_is_set_at_a_number_is_shown_and_called_from_then_on() {
    let (server, double) =
        (Server::start(|_| (200, "text/xml", "<Response/>".to_owned())).await, signalwire(true).await);
    double.add_number("+15550100009");
    double.set_application(OURS, "a1b2");
    let all = listed(&double, ".json").await;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    let own = listed(&double, ".json?PhoneNumber=%2B15550100001").await;
    assert_eq!(
        (own[0]["phone_number"].clone(), own[0]["sms_application_sid"].clone()),
        (json!(OURS), json!("a1b2"))
    );
    assert_eq!(own.as_array().unwrap().len(), 1);
    let sid = own[0]["sid"].as_str().unwrap();
    let hook = format!("{}/inbound", server.url);
    // An application is asked in place of the number's own URL.
    assert_eq!(set(&double, sid, &[("SmsUrl", &hook), ("SmsMethod", "POST")]).await.status, 200);
    assert_eq!(double.webhook(OURS), None);
    let got = set(&double, sid, &[("SmsApplicationSid", "")]).await;
    assert_eq!((got.json["sms_url"].clone(), double.webhook(OURS)), (json!(hook), Some(hook)));
    double.customer_texts(ADA, OURS, "Hello").await;
    assert!(double.deliveries().iter().any(|one| one.request.url.starts_with(&server.url)));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let double = signalwire(true).await;
    double.set_webhook(OURS, "https://crm.example.com/sms");
    let own = listed(&double, ".json?PhoneNumber=%2B15550100001").await;
    let sid = own[0]["sid"].as_str().unwrap();
    for (sid, fields, status) in [
        ("nobody", ("SmsUrl", "https://a.test"), 404),
        (sid, ("SmsUrl", "not a url"), 400),
        (sid, ("SmsMethod", "PATCH"), 400),
    ] {
        assert_eq!(set(&double, sid, &[fields]).await.status, status, "{fields:?}");
    }
    let other = call("GET", &url(&double, ".json"), "Basic eDp5", "text/plain", "").await.unwrap();
    assert_eq!(other.status, 401);
    assert_eq!(double.webhook(OURS).as_deref(), Some("https://crm.example.com/sms"));
}
