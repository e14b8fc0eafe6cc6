//! The numbers of an account: what each does with messages that come in, read and set by `IncomingPhoneNumbers`.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Sms;
use super::routes::{Call, json_response};
use crate::core::{Refusal, refused};
use crate::locked;

/// One number of the account.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) phone: String,
    /// Where its incoming messages are posted.
    pub(crate) url: Option<String>,
    /// With which method, as it was set. The double posts whatever it is.
    pub(crate) method: String,
    /// The application that is asked in its place.
    pub(crate) application: Option<String>,
}

impl Number {
    pub(crate) fn new(number: &str) -> Number {
        Number { phone: number.to_owned(), url: None, method: "POST".to_owned(), application: None }
    }

    /// The URL that is called; the application's own is somebody else's.
    pub(crate) fn called(&self) -> Option<&str> {
        self.url.as_deref().filter(|_| self.application.is_none())
    }

    /// Made of the number: `PN` and 32 digits, or a UUID.
    fn sid(&self, prefixed: bool) -> String {
        let digits: u128 = self.phone.bytes().fold(7, |sum, b| (sum * 31 + u128::from(b)) % (1 << 120));
        let hex = format!("{digits:032x}");
        if prefixed {
            return format!("PN{hex}");
        }
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
    }

    fn shown(&self, account: &str, prefixed: bool) -> Value {
        json!({
            "sid": self.sid(prefixed),
            "account_sid": account,
            "phone_number": self.phone,
            "friendly_name": self.phone,
            "capabilities": { "voice": true, "sms": true, "mms": true },
            "sms_url": self.url.clone().unwrap_or_default(),
            "sms_method": self.method,
            "sms_application_sid": self.application.clone().unwrap_or_default(),
        })
    }
}

impl Sms {
    /// Where a number's messages are posted; none where nobody is told of them.
    pub fn webhook(&self, number: &str) -> Option<String> {
        let state = locked(&self.inner.state);
        let known = state.numbers.iter().find(|known| known.phone == number)?;
        known.called().map(str::to_owned)
    }

    /// Has an application asked in place of a number's own URL.
    pub fn set_application(&self, number: &str, application: &str) {
        self.add_number(number);
        let mut state = locked(&self.inner.state);
        for known in state.numbers.iter_mut().filter(|known| known.phone == number) {
            known.application = Some(application.to_owned());
        }
    }

    pub(super) fn list_numbers(&self, call: &Call) -> Response {
        let (account, prefixed) = (&self.inner.setup.account, self.inner.dialect.suffix);
        let asked = call.field("PhoneNumber");
        let state = locked(&self.inner.state);
        // A number of another network is none that was bought.
        let own = state.numbers.iter().filter(|number| !number.phone.contains(':'));
        let listed = own.filter(|number| asked.is_none_or(|asked| asked == number.phone));
        let listed: Vec<Value> = listed.map(|number| number.shown(account, prefixed)).collect();
        let page =
            json!({ "page": 0, "page_size": 50, "next_page_uri": null, "incoming_phone_numbers": listed });
        json_response(StatusCode::OK, &page)
    }

    pub(super) fn update_number(&self, call: &Call) -> Result<Response, Refusal> {
        let (account, prefixed) = (&self.inner.setup.account, self.inner.dialect.suffix);
        let given =
            |name: &str| call.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let mut state = locked(&self.inner.state);
        let number = state.numbers.iter_mut().find(|number| number.sid(prefixed) == call.sid);
        let number = number.ok_or_else(|| refused(404, 20404, "The number was not found"))?;
        let url = given("SmsUrl");
        if url.as_deref().is_some_and(|url| !url.is_empty() && url::Url::parse(url).is_err()) {
            return Err(refused(400, 21502, "SmsUrl is not a valid URL"));
        }
        if let Some(method) = given("SmsMethod") {
            if !["GET", "POST"].contains(&method.as_str()) {
                return Err(refused(400, 21403, "SmsMethod must be GET or POST"));
            }
            number.method = method;
        }
        if let Some(url) = url {
            number.url = Some(url).filter(|url| !url.is_empty());
        }
        if let Some(application) = given("SmsApplicationSid") {
            number.application = Some(application).filter(|application| !application.is_empty());
        }
        Ok(json_response(StatusCode::OK, &number.shown(account, prefixed)))
    }
}
