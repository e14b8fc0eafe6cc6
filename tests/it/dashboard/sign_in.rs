//! Who is let in, and for how long.

use super::*;
use twinwire_tests::eventually;

#[tokio::test]
async fn only_a_token_lets_in_and_what_was_asked_for_is_shown_then() {
    let stack = Stack::start().await;
    let mut visitor = Visitor::new(&stack);
    for path in ["/", "/messages?state=parked", "/jobs", "/opt-outs", "/webhooks", "/channels/x", "/live"] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 401, "{path}");
        page.has("type=\"password\"");
        page.has(&format!("name=\"next\" value=\"{path}\""));
    }
    for wrong in ["", "wrong", "twt_wrong", "admin "] {
        let page = visitor.send("/sign-in", &[("token", wrong), ("next", "/")]).await;
        if wrong.trim() == "admin" {
            assert_eq!(page.status, 303, "what is around a pasted token does not matter");
            visitor.cookie = None;
            continue;
        }
        assert_eq!((page.status, visitor.cookie.as_ref()), (401, None), "{wrong}");
        page.has("That is no token of this server.");
    }
    let page = visitor.send("/sign-in", &[("token", "admin"), ("next", "/messages?state=parked")]).await;
    assert_eq!((page.status, page.header("location")), (303, "/messages?state=parked"));
    let page = visitor.get("/messages?state=parked").await;
    assert_eq!(page.status, 200);
    page.has("scope <strong>admin</strong>");
    let page = Visitor::new(&stack).send("/sign-in", &[("token", "admin"), ("next", "//evil.example")]).await;
    assert_eq!(page.header("location"), "/");
    // Of what the browser shows only the hash is kept, and of the server's own token nothing that could be guessed at.
    let kept: Vec<String> =
        sqlx::query_scalar("select t::text from dashboard_sessions t").fetch_all(&stack.pool).await.unwrap();
    let shown = visitor.cookie.as_ref().unwrap().split_once('=').unwrap().1;
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    assert!(!kept.iter().any(|row| row.contains(shown) || row.contains(&hex(shown.as_bytes()))), "{kept:?}");
    // Changed by one sign it opens nothing.
    visitor.cookie.as_mut().unwrap().push('x');
    assert_eq!(visitor.get("/").await.status, 401);
}

#[tokio::test]
async fn a_session_ends_with_its_token_with_its_time_and_by_signing_out() {
    let stack = Stack::start().await;
    let read = token(&stack, "read").await;
    let mut first = Visitor::with_token(&stack, &read).await;
    let mut second = Visitor::with_token(&stack, &read).await;
    let mut own = Visitor::with_token(&stack, "admin").await;
    let left = first.cookie.clone();
    let page = first.act("/sign-out", &[]).await;
    assert_eq!((page.status, first.cookie.as_ref()), (303, None));
    // It is over at the server, not only in the browser.
    first.cookie = left;
    assert_eq!((first.get("/").await.status, second.get("/").await.status), (401, 200));
    let mut third = Visitor::with_token(&stack, &read).await;
    second.act("/sign-out", &[("everywhere", "yes")]).await;
    assert_eq!((third.get("/").await.status, own.get("/").await.status), (401, 200));
    let mut fourth = Visitor::with_token(&stack, &read).await;
    sqlx::query("update admin_tokens set revoked_at = now()").execute(&stack.pool).await.unwrap();
    assert_eq!((fourth.get("/").await.status, own.get("/").await.status), (401, 200));
    // Another process of the same installation knows it as well; one with another token of its own does not.
    let other = stack.second_server().await;
    let url = format!("http://{}/jobs", other.address);
    let ask = async || {
        let request = reqwest::Client::new().get(&url).header("cookie", own.cookie.clone().unwrap());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask().await, 200);
    other.admit(Some("another".into()));
    assert_eq!(ask().await, 401);
    other.stop().await;
    sqlx::query("update dashboard_sessions set expires_at = now()").execute(&stack.pool).await.unwrap();
    assert_eq!(own.get("/").await.status, 401);
    // What is over is let go once a day.
    let mut conn = stack.pool.acquire().await.unwrap();
    twinwire_engine::jobs::retain::request(&mut conn, stack.engine(), "test").await.unwrap();
    eventually("they are let go", || async {
        (stack.count("select count(*) from dashboard_sessions").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_form_of_another_site_or_of_nobody_s_page_does_nothing() {
    let stack = Stack::start().await;
    let channel = format!("/channels/{}/pause", stack.installed.channel.id);
    let mut visitor = Visitor::with(&stack, "operate").await;
    for form in ["", "guessed"] {
        assert_eq!(visitor.send(&channel, &[("form", form)]).await.status, 403);
    }
    // The right form of somebody else's session.
    let others = Visitor::with(&stack, "operate").await.get("/").await.form();
    assert_eq!(visitor.send(&channel, &[("form", &others)]).await.status, 403);
    for site in ["cross-site", "same-site"] {
        visitor.more = vec![("sec-fetch-site", site.to_owned())];
        let page = visitor.act(&channel, &[]).await;
        assert_eq!(page.status, 403, "{site}");
        page.has("another site");
        let mut stranger = Visitor { more: visitor.more.clone(), ..Visitor::new(&stack) };
        assert_eq!(stranger.send("/sign-in", &[("token", "admin")]).await.status, 403);
        assert_eq!(stranger.cookie, None);
    }
    assert_eq!(stack.count("select count(*) from channels where state = 'paused'").await, 0);
    visitor.more = vec![("sec-fetch-site", "same-origin".to_owned())];
    assert_eq!(visitor.act(&channel, &[]).await.status, 303);
    assert_eq!(stack.count("select count(*) from channels where state = 'paused'").await, 1);
}

#[tokio::test]
async fn who_guesses_tokens_is_not_listened_to_for_a_while_and_nobody_else_is_kept_out() {
    let stack = Stack::start().await;
    stack.server().trust(vec!["127.0.0.0/8".parse().unwrap()]);
    let from = |address: &str| Visitor {
        more: vec![("x-forwarded-for", address.to_owned())],
        ..Visitor::new(&stack)
    };
    let signed_in = from("192.0.2.7").send("/sign-in", &[("token", "admin"), ("next", "/")]).await;
    assert_eq!(signed_in.status, 303);
    let mut inside = from("192.0.2.7");
    inside.send("/sign-in", &[("token", "admin"), ("next", "/")]).await;
    let mut guesser = from("192.0.2.7");
    let mut tries = 0;
    let page = loop {
        let page = guesser.send("/sign-in", &[("token", &format!("guess {tries}"))]).await;
        tries += 1;
        assert!(tries < 40, "nobody stops it");
        if page.status != 401 {
            break page;
        }
    };
    assert!(page.status == 429 && tries > 10, "{} after {tries}", page.status);
    page.has("Too many wrong tokens came from your address");
    assert!(page.header("retry-after").parse::<u64>().unwrap() <= 60);
    // The right token is not looked at either, wherever it is shown.
    assert_eq!(guesser.send("/sign-in", &[("token", "admin")]).await.status, 429);
    let setup =
        guesser.send("/v1/install/front_signalwire/setup", &[("act", "sign_in"), ("value", "admin")]).await;
    assert_eq!(setup.status, 429);
    let api = async |address: &str| {
        let request = reqwest::Client::new().get(format!("{}/v1/admin/channels", stack.url()));
        let answer = request.bearer_auth("admin").header("x-forwarded-for", address).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
    };
    assert_eq!(api("192.0.2.7").await, (429, true));
    // Whoever is signed in goes on, and who comes from elsewhere is heard.
    assert_eq!(inside.get("/").await.status, 200);
    assert_eq!(api("192.0.2.8").await, (200, false));
    assert_eq!(from("192.0.2.8").send("/sign-in", &[("token", "admin")]).await.status, 303);
    // A proxy that is not ours says what it likes.
    stack.server().trust(Vec::new());
    assert_eq!(api("192.0.2.7").await, (200, false));
}

#[tokio::test]
async fn behind_https_the_cookie_belongs_to_this_host_alone() {
    let stack = Stack::start().await;
    let secure = stack.server_at("https://twinwire.example.com").await;
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let sign_in = client.post(format!("http://{}/sign-in", secure.address)).body("token=admin");
    let answer = sign_in.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-twinwire=") && cookie.ends_with("; Secure"), "{cookie}");
    let page =
        client.get(format!("http://{}/", secure.address)).header("cookie", cookie.split(';').next().unwrap());
    assert_eq!(page.send().await.unwrap().status(), 200);
    secure.stop().await;
}
