//! The set-up as a page, by plain forms as a browser without scripts sends them.

use super::*;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;

/// A browser without scripts.
struct Browser<'a> {
    stack: &'a Stack,
    cookie: Option<String>,
}

/// What it got.
struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Page {
    /// The value of a hidden field.
    fn field(&self, name: &str) -> String {
        let (_, rest) = self.text.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl<'a> Browser<'a> {
    fn new(stack: &'a Stack) -> Browser<'a> {
        Browser { stack, cookie: None }
    }

    async fn get(&mut self, query: &str) -> Page {
        self.request("GET", query, String::new(), &[]).await
    }

    async fn send(&mut self, fields: &[(&str, &str)]) -> Page {
        let body = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        self.request("POST", "", body.collect::<Vec<_>>().join("&"), &[]).await
    }

    /// Sends a form of the page that is shown now, and shows where it leads.
    async fn does(&mut self, fields: &[(&str, &str)]) -> Page {
        let page = self.get("").await;
        let (token, version) = (page.field("form"), page.field("version"));
        let sent = self.send(&[fields, &[("form", &token), ("version", &version)]].concat()).await;
        assert_eq!((sent.status, sent.header("location")), (303, "setup"), "{}", sent.text);
        self.get("").await
    }

    async fn request(&mut self, method: &str, query: &str, body: String, more: &[(&str, &str)]) -> Page {
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let url = format!("{}/v1/install/{PAIR}/setup{query}", self.stack.url());
        let mut request = client.request(method.parse().unwrap(), url).body(body);
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if let Some(set) = headers.get("set-cookie").map(|value| value.to_str().unwrap()) {
            assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
            self.cookie = Some(set.split(';').next().unwrap().to_owned());
        }
        let page = Page { status, headers, text: answer.text().await.unwrap() };
        for secret in ["token", "signing_key"] {
            assert!(!page.text.contains(&usual(secret)), "{}", page.text);
        }
        for (name, part) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; style-src 'self'; script-src 'self'"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert!(page.header(name).contains(part), "{name}: {}", page.header(name));
        }
        assert!(!page.text.contains("style=") && !page.text.contains("<style"), "{}", page.text);
        page
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// A link to a new set-up.
async fn link(stack: &Stack) -> String {
    let (client, _) = Client::begin(stack, json!({ "pair": PAIR })).await;
    let (status, made) = post(stack, &format!("/v1/setup/{}/link", client.setup), &json!({})).await;
    assert_eq!(status, 201, "{made}");
    let link = made["link"].as_str().unwrap();
    let (address, query) = link.split_once('?').unwrap();
    assert_eq!(address, format!("{}/v1/install/{PAIR}/setup", stack.url()));
    format!("?{query}")
}

#[tokio::test]
async fn by_its_page_a_channel_is_set_up_from_a_link_to_front_s_authorization() {
    let stack = Stack::start().await;
    let link = link(&stack).await;
    let mut browser = Browser::new(&stack);
    let page = browser.get(&link).await;
    assert!(page.status == 200 && page.text.contains("Open the set-up"), "{}", page.text);
    browser.send(&[("act", "open"), ("value", &page.field("value"))]).await;
    let mut page = browser.get("").await;
    for name in ["phone", "space", "project", "token", "signing_key"] {
        assert_eq!((page.status, page.field("setting")), (200, name.to_owned()), "{}", page.text);
        let kind = if ["token", "signing_key"].contains(&name) { "password" } else { "text" };
        assert!(page.text.contains(&format!("name=\"value\" type=\"{kind}\" value=\"\"")), "{}", page.text);
        assert!(page.text.contains("for=\"value\"") && page.text.contains("autofocus"), "{}", page.text);
        page = browser.does(&[("act", "answer"), ("setting", name), ("value", &usual(name))]).await;
    }
    assert!(page.text.contains("Set it from here"), "{}", page.text);
    let page = browser.does(&[("act", "webhook_set")]).await;
    assert!(stack.signalwire.webhook(SECOND).is_some());
    let (_, rest) = page.text.split_once("<code>sk_").unwrap();
    let key = format!("sk_{}", rest.split('<').next().unwrap());
    let page = browser.does(&[("act", "continue")]).await;
    assert!(
        page.text.contains("Waiting for Front") && page.text.contains("http-equiv=\"refresh\""),
        "{}",
        page.text
    );
    stack.front.connect(&key).await.unwrap();
    let page = browser.get("").await;
    assert!(page.text.contains("Front has connected the channel"), "{}", page.text);
    assert!(!page.text.contains(&key) && !page.text.contains("http-equiv"), "{}", page.text);
}

#[tokio::test]
async fn a_link_is_spent_by_its_button_once_and_not_by_who_looks_at_it() {
    let stack = Stack::start().await;
    let link = link(&stack).await;
    let secret = link.split_once('=').unwrap().1.to_owned();
    // What shows a preview of it, twice.
    for _ in 0..2 {
        let page = Browser::new(&stack).get(&link).await;
        assert!(page.status == 200 && page.header("set-cookie").is_empty());
    }
    let mut first = Browser::new(&stack);
    assert_eq!(first.send(&[("act", "open"), ("value", &secret)]).await.status, 303);
    assert_eq!(first.get("").await.status, 200);
    // Its own browser gets on with it by the same link.
    assert_eq!(first.get(&link).await.status, 303);
    let mut second = Browser::new(&stack);
    let page = second.send(&[("act", "open"), ("value", &secret)]).await;
    assert!(page.status == 410 && second.cookie.is_none() && page.text.contains("was used"), "{}", page.text);
    assert_eq!(second.get(&link).await.status, 410);
    // Half an hour later.
    let late = self::link(&stack).await;
    sqlx::query("update setups set link_until = now()").execute(&stack.pool).await.unwrap();
    assert_eq!(Browser::new(&stack).get(&late).await.status, 410);
    let secret = late.split_once('=').unwrap().1;
    assert_eq!(Browser::new(&stack).send(&[("act", "open"), ("value", secret)]).await.status, 410);
}

#[tokio::test]
async fn the_admin_token_opens_a_set_up_and_a_wrong_one_does_not() {
    let stack = Stack::start().await;
    let mut browser = Browser::new(&stack);
    let page = browser.get("").await;
    assert!(page.status == 401 && page.text.contains("Admin token"), "{}", page.text);
    let page = browser.send(&[("act", "sign_in"), ("value", "wrong")]).await;
    assert!(page.status == 401 && browser.cookie.is_none() && page.text.contains("not the admin token"));
    assert_eq!(stack.count("select count(*) from setups").await, 0);
    assert_eq!(browser.send(&[("act", "sign_in"), ("value", "admin")]).await.status, 303);
    assert_eq!(browser.get("").await.field("setting"), "phone");
    // The cookie opens its own set-up, of its own pair.
    let other = reqwest::Client::new().get(format!("{}/v1/install/front_twilio/setup", stack.url()));
    let other = other.header("cookie", browser.cookie.clone().unwrap()).send().await.unwrap();
    assert_eq!(other.status(), 401);
    let cookie = browser.cookie.as_mut().unwrap();
    cookie.push('x');
    assert_eq!(browser.get("").await.status, 401);
}

#[tokio::test]
async fn a_form_of_another_site_or_of_an_older_page_changes_nothing() {
    let stack = Stack::start().await;
    let mut browser = Browser::new(&stack);
    browser.send(&[("act", "sign_in"), ("value", "admin")]).await;
    let answer = [("act", "answer"), ("setting", "phone"), ("value", SECOND)];
    for token in ["", "guessed"] {
        let page = browser.send(&[&answer[..], &[("form", token)]].concat()).await;
        assert!(page.status == 403 && page.field("setting") == "phone", "{}", page.text);
    }
    let token = browser.get("").await.field("form");
    let body = format!("act=answer&setting=phone&value=%2B12015550199&form={token}");
    let page = browser.request("POST", "", body, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(page.status, 403);
    assert_eq!(browser.get("").await.field("setting"), "phone");
    // A form of a step that is over, or of none, says so and shows where the set-up stands.
    let page = browser.get("").await;
    let (token, version) = (page.field("form"), page.field("version"));
    let page = browser.send(&[("act", "webhook_set"), ("form", &token), ("version", &version)]).await;
    assert!(page.status == 400 && page.field("setting") == "phone", "{}", page.text);
    let answer = [&answer[..], &[("form", &token), ("version", &version)]].concat();
    assert_eq!(browser.send(&answer).await.status, 303);
    for stale in [&answer[..], &answer[..4]] {
        let page = browser.send(stale).await;
        assert!(page.status == 409 && page.field("setting") == "space", "{}", page.text);
    }
}

#[tokio::test]
async fn by_a_link_nobody_gives_answers_that_the_page_does_not_ask_for() {
    let stack = Stack::start().await;
    let (link, mut browser) = (link(&stack).await, Browser::new(&stack));
    browser.send(&[("act", "open"), ("value", link.split_once('=').unwrap().1)]).await;
    for setting in ["signalwire.verification", "front.verification", "token"] {
        let page = browser.get("").await;
        let (token, version) = (page.field("form"), page.field("version"));
        let page = browser
            .send(&[
                ("act", "answer"),
                ("setting", setting),
                ("value", "log_only"),
                ("form", &token),
                ("version", &version),
            ])
            .await;
        assert!(page.status == 409 && page.field("setting") == "phone", "{setting}: {}", page.text);
    }
}

#[tokio::test]
async fn what_was_wrong_is_said_beside_the_field_and_strangers_words_are_only_words() {
    let stack = Stack::start().await;
    let mut browser = Browser::new(&stack);
    browser.send(&[("act", "sign_in"), ("value", "admin")]).await;
    let page = browser.does(&[("act", "answer"), ("setting", "phone"), ("value", "555")]).await;
    assert!(
        page.text.contains("aria-invalid=\"true\"") && page.text.contains("id=\"wrong\""),
        "{}",
        page.text
    );
    stack.signalwire.set_webhook(SECOND, "https://crm.example.com/?<script>alert(1)</script>");
    for name in ["phone", "space", "project", "token", "signing_key"] {
        browser.does(&[("act", "answer"), ("setting", name), ("value", &usual(name))]).await;
    }
    let page = browser.get("").await;
    assert!(page.text.contains("Take it over") && !page.text.contains("<script>alert"), "{}", page.text);
    // What is before the button is what a hasty Enter does.
    assert!(page.text.find("webhook_leave") < page.text.find("webhook_take_over"));
    let page = browser.does(&[("act", "webhook_take_over")]).await;
    assert!(page.text.contains("What to click"), "{}", page.text);
    for (path, kind) in [("style.css", "text/css"), ("script.js", "text/javascript")] {
        let asset = reqwest::get(format!("{}/v1/setup/assets/{path}", stack.url())).await.unwrap();
        let found = asset.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(asset.status() == 200 && found.starts_with(kind), "{path}");
    }
}
