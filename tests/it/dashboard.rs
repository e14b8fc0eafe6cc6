//! The dashboard, as browsers without scripts see it; [`browser`] is one with them.

mod acts;
mod browser;
mod live;
mod pages;
mod pictures;
mod sign_in;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use serde_json::json;
use twinwire_tests::Stack;

/// A browser without scripts.
struct Visitor<'a> {
    stack: &'a Stack,
    cookie: Option<String>,
    /// Headers that it sends besides.
    more: Vec<(&'static str, String)>,
}

/// What it got.
struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// What its forms carry.
    fn form(&self) -> String {
        let (_, rest) =
            self.text.split_once("name=\"form\" value=\"").unwrap_or_else(|| panic!("{}", self.text));
        rest.split('"').next().unwrap().to_owned()
    }

    #[track_caller]
    fn has(&self, words: &str) {
        assert!(self.text.contains(words), "{words} is not in {}", self.text);
    }

    #[track_caller]
    fn lacks(&self, words: &str) {
        assert!(!self.text.contains(words), "{words} is in {}", self.text);
    }
}

impl<'a> Visitor<'a> {
    fn new(stack: &'a Stack) -> Self {
        Self { stack, cookie: None, more: Vec::new() }
    }

    /// One that is signed in with a new token of that scope.
    async fn with(stack: &'a Stack, scope: &str) -> Self {
        Self::with_token(stack, &token(stack, scope).await).await
    }

    async fn with_token(stack: &'a Stack, token: &str) -> Self {
        let mut visitor = Self::new(stack);
        let page = visitor.send("/sign-in", &[("token", token), ("next", "/")]).await;
        assert_eq!((page.status, page.header("location")), (303, "/"), "{}", page.text);
        visitor
    }

    async fn get(&mut self, path: &str) -> Page {
        self.request("GET", path, String::new()).await
    }

    /// Sends fields as they are.
    async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        self.request("POST", path, body.collect::<Vec<_>>().join("&")).await
    }

    /// Sends a form of a page of its own.
    async fn act(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form = self.get("/jobs").await.form();
        self.send(path, &[fields, &[("form", form.as_str())]].concat()).await
    }

    async fn request(&mut self, method: &str, path: &str, body: String) -> Page {
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let mut request = client.request(method.parse().unwrap(), format!("{}{path}", self.stack.url()));
        request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        for (name, value) in &self.more {
            request = request.header(*name, value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if let Some(set) = headers.get("set-cookie").map(|value| value.to_str().unwrap()) {
            for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
                assert!(set.contains(part), "{set}");
            }
            let pair = set.split(';').next().unwrap().to_owned();
            self.cookie = (!pair.ends_with('=')).then_some(pair);
        }
        let page = Page { status, headers, text: answer.text().await.unwrap() };
        page.is_secured(path);
        page
    }
}

impl Page {
    /// Every answer has the headers that keep a page to itself, and nothing in it needs an exception from them.
    fn is_secured(&self, path: &str) {
        let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-security-policy", policy),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(self.header(name), value, "{path}: {name}");
        }
        for inline in ["style=\"", "<style", "<script>", " onclick", "javascript:"] {
            assert!(!self.text.contains(inline), "{path}: {inline} in {}", self.text);
        }
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// A new token.
async fn token(stack: &Stack, scope: &str) -> String {
    let name = format!("{scope}-{}", stack.count("select count(*) from admin_tokens").await);
    let body = json!({ "name": name, "scope": scope }).to_string();
    let url = format!("{}/v1/admin/tokens", stack.url());
    let made = reqwest::Client::new().post(url).bearer_auth("admin").body(body).send().await.unwrap();
    let made: serde_json::Value = serde_json::from_slice(&made.bytes().await.unwrap()).unwrap();
    made["text"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}
