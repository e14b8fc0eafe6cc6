//! The signed addresses at which providers fetch files, for those who were not given them.

use super::{agent_sends, cat};
use reqwest::{Client, Method, Response};
use twinwire_engine::media::url;
use twinwire_tests::{CUSTOMER, Stack, eventually};

/// A stack, and the address at which its provider fetched a picture.
async fn given() -> (Stack, String) {
    let stack = Stack::start().await;
    agent_sends(&stack, "Look", vec![cat()]).await;
    stack.settle().await;
    let url = eventually("the provider has fetched it", || async {
        let got = stack.signalwire.outbound_to(CUSTOMER);
        got.first().filter(|one| !one.media.is_empty()).map(|one| one.media_urls[0].clone())
    })
    .await;
    (stack, url)
}

async fn ask(method: Method, url: &str) -> Response {
    Client::new().request(method, url).send().await.unwrap()
}

/// The address with one thing in it changed.
fn but(url: &str, part: &str, with: &str) -> String {
    let changed = url.replacen(part, with, 1);
    assert_ne!(changed, url, "{part}");
    changed
}

fn parameter(address: &str, name: &str) -> String {
    let (_, query) = address.split_once('?').unwrap();
    let found = query.split('&').find(|one| one.starts_with(&format!("{name}=")));
    found.unwrap().to_owned()
}

#[tokio::test]
async fn a_file_is_shown_in_place_and_does_nothing_in_a_browser() {
    let (_stack, url) = given().await;
    for method in [Method::GET, Method::HEAD] {
        let answer = ask(method.clone(), &url).await;
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "image/png");
        assert_eq!(header("content-length"), cat().bytes.len().to_string());
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(header("content-disposition"), "inline");
        assert!(!answer.headers().contains_key("set-cookie"));
        let bytes = answer.bytes().await.unwrap();
        let expected = if method == Method::HEAD { &[][..] } else { &cat().bytes };
        assert_eq!(&*bytes, expected, "{method}");
    }
}

#[tokio::test]
async fn every_other_address_is_not_found_whatever_is_wrong_with_it() {
    let (stack, address) = given().await;
    let key = address.split("/v1/media/").nth(1).unwrap().rsplit_once('/').unwrap().0.to_owned();
    let signature = parameter(&address, "signature");
    let expires = parameter(&address, "expires");
    let last = if signature.ends_with('0') { "1" } else { "0" };
    let now = stack.engine().now();
    let old = url::of(
        &stack.url(),
        stack.engine().key(),
        &key,
        "image/png",
        "a.png",
        now - chrono::TimeDelta::hours(25),
    );
    let none = url::of(&stack.url(), stack.engine().key(), "chn_x/00/0", "image/png", "a.png", now);
    let up = url::of(&stack.url(), stack.engine().key(), &format!("{key}/../x"), "image/png", "a.png", now);
    let wrong = [
        but(&address, &signature, &format!("{}{last}", &signature[..signature.len() - 1])),
        but(&address, &signature, "signature="),
        but(&address, &signature, "signature=zz"),
        but(&address, &format!("&{signature}"), ""),
        but(&address, &expires, "expires=99999999999"),
        but(&address, &expires, "expires=tomorrow"),
        but(&address, "type=image%2Fpng", "type=text%2Fhtml"),
        but(&address, "type=image%2Fpng&", ""),
        but(&address, "/0/", "/1/"),
        but(&address, "/0/", "/%2e%2e%2f0/"),
        but(&address, "/0/", "/%ff/"),
        address.split('?').next().unwrap().to_owned(),
        old,
        none,
        up,
    ];
    for url in wrong {
        for method in [Method::GET, Method::HEAD] {
            let answer = ask(method.clone(), &url).await;
            assert_eq!(answer.status(), 404, "{method} {url}");
            assert!(answer.bytes().await.unwrap().is_empty(), "{url} says nothing");
        }
    }
    assert_eq!(ask(Method::POST, &address).await.status(), 405);
    assert_eq!(ask(Method::GET, &address).await.status(), 200);
    // The name is for people, and no part of what is signed.
    let name = address.split('?').next().unwrap().rsplit_once('/').unwrap().1.to_owned();
    assert_eq!(ask(Method::GET, &but(&address, &name, "x.png")).await.status(), 200);
}
