//! What operators and their monitors ask over HTTP.

mod forms;
mod pages;

use serde_json::{Value, json};
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::tx;
use twinwire_tests::{CUSTOMER, SUPPORT, Stack, eventually};

/// Asks for a backfill; gives status and answer.
async fn ask(stack: &Stack, channel: &str, body: &str, authorization: Option<&str>) -> (u16, Value) {
    let url = format!("{}/v1/admin/channels/{channel}/backfill", stack.url());
    let mut request = reqwest::Client::new().post(url).body(body.to_owned());
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn a_backfill_is_asked_for_with_the_admin_token_alone_and_brings_what_was_missed() {
    let stack = Stack::start().await;
    let id = stack.installed.channel.id.as_str();
    let key = format!("Bearer {}", stack.installed.api_key);
    for wrong in
        [None, Some("Bearer wrong"), Some("Bearer "), Some("admin"), Some("Basic admin"), Some(key.as_str())]
    {
        let (status, answer) = ask(&stack, id, "", wrong).await;
        assert_eq!(status, 401, "{wrong:?}");
        assert!(answer["error"].as_str().unwrap().contains("TWINWIRE_ADMIN_TOKEN"));
    }
    for unknown in ["chn_unknown", "%00"] {
        assert_eq!(ask(&stack, unknown, "", None).await.0, 401);
        assert_eq!(ask(&stack, unknown, "", Some("Bearer admin")).await.0, 404, "{unknown}");
    }
    assert_eq!(stack.count("select count(*) from backfills where requested_by = 'api'").await, 0);
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "The webhook was lost").await;
    for (body, kind) in [(r#"{"full":true}"#, "full"), ("", "incremental")] {
        let (status, answer) = ask(&stack, id, body, Some("Bearer admin")).await;
        assert_eq!((status, &answer["kind"]), (202, &json!(kind)), "{answer}");
        let done =
            format!("select count(*) from backfills where state = 'done' and id = {}", answer["backfill"]);
        eventually("the backfill ends", || async { (stack.count(&done).await == 1).then_some(()) }).await;
    }
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["The webhook was lost"]);
}

#[tokio::test]
async fn statusz_says_what_the_process_is_and_what_waits() {
    let stack = Stack::start().await;
    let (status, body) = stack.get("/statusz").await;
    assert_eq!(status, 200);
    assert_eq!(body["database"], "ok");
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert!(body["uptime_seconds"].is_u64());
    assert_eq!(body["channels"], json!({ "new": 0, "active": 1, "paused": 0, "deleted": 0 }));
    assert_eq!(body["messages"], json!({ "pending": 0, "parked": 0 }));
    assert_eq!(body["accounts_resting"], 0);
    stack.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::SendMessage).times(100));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Waits").await.unwrap();
    eventually("the waiting message shows", || async {
        let (_, body) = stack.get("/statusz").await;
        (body["messages"]["pending"] == 1 && body["accounts_resting"] == 1).then_some(())
    })
    .await;
    // Nothing about people is in it.
    let (_, body) = stack.get("/statusz").await;
    assert!(!body.to_string().contains(SUPPORT) && !body.to_string().contains(CUSTOMER));
}

/// The scopes, each with what it does not reach to.
const SCOPES: [(&str, Option<&str>); 4] =
    [("metrics", None), ("read", Some("metrics")), ("operate", Some("read")), ("admin", Some("operate"))];
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A token of each scope, made with the one of the settings.
async fn tokens(stack: &Stack) -> std::collections::BTreeMap<&'static str, String> {
    let mut tokens = std::collections::BTreeMap::new();
    for (scope, _) in SCOPES {
        let body = json!({ "name": format!("for-{scope}"), "scope": scope }).to_string();
        let (status, made) = call(stack, "post", "/v1/admin/tokens", Some("admin"), &body).await;
        assert_eq!(status, 201, "{made}");
        tokens.insert(scope, made["text"].as_str().unwrap().to_owned());
    }
    tokens
}

async fn call(stack: &Stack, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let mut request = reqwest::Client::new().request(method, format!("{}{path}", stack.url()));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn the_document_tells_of_every_route_and_of_the_scope_that_it_asks_for() {
    let stack = Stack::start().await;
    let tokens = tokens(&stack).await;
    let (status, document) = stack.get("/v1/admin/openapi.json").await;
    assert_eq!(status, 200);
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/v1/admin/channels/{channel}/backfill"), "{paths:?}");
    for (path, operations) in paths {
        // Nobody's: what is reached is not there.
        let real = path.split('/').map(|part| if part.starts_with('{') { "nobody" } else { part });
        let real = real.collect::<Vec<_>>().join("/");
        for method in METHODS {
            let about = format!("{method} {path}");
            let operation = &operations[method];
            let (status, answer) = call(&stack, method, &real, None, "").await;
            assert!(answer["error"].is_string(), "{about}: {answer}");
            if operation.is_null() {
                assert_eq!(status, 405, "{about} is not in the document");
                continue;
            }
            assert_eq!(status, 401, "{about} is open");
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{about}");
            for refused in ["400", "401", "403", "503"] {
                let schema = &operation["responses"][refused]["content"]["application/json"]["schema"];
                assert_eq!(schema["$ref"], "#/components/schemas/ErrorBody", "{about}");
            }
            let security = operation["security"].as_array().unwrap();
            let scopes: Vec<_> = security.iter().flat_map(|one| one["token"].as_array().unwrap()).collect();
            let [scope] = scopes[..] else { panic!("{about} does not name one scope: {security:?}") };
            let (scope, below) = SCOPES
                .into_iter()
                .find(|(word, _)| scope == word)
                .unwrap_or_else(|| panic!("{about}: {scope}"));
            if let Some(below) = below {
                let (status, answer) = call(&stack, method, &real, Some(&tokens[below]), "").await;
                assert_eq!(status, 403, "{about} with {below}: {answer}");
                let said = answer["error"].as_str().unwrap();
                assert!(said.contains(&format!("scope {scope}")) && said.contains(below), "{about}: {said}");
            }
            let (status, answer) = call(&stack, method, &real, Some(&tokens[scope]), "").await;
            assert!(![401, 403, 405, 500, 503].contains(&status), "{about} with {scope}: {status} {answer}");
        }
    }
    for unknown in ["/v1/admin/nothing", "/v1/admin/channels/a/b/c"] {
        let (status, answer) = call(&stack, "get", unknown, Some("admin"), "").await;
        assert_eq!(status, 404);
        assert!(answer["hint"].as_str().unwrap().contains("/v1/admin/docs"), "{answer}");
    }
}

#[tokio::test]
async fn the_viewer_of_the_document_comes_from_here_and_from_nowhere_else() {
    let stack = Stack::start().await;
    let page = reqwest::get(format!("{}/v1/admin/docs", stack.url())).await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("swagger-ui") && !page.contains("//"), "{page}");
    for part in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        let part = reqwest::get(format!("{}/v1/admin/docs/{part}", stack.url())).await.unwrap();
        assert_eq!(part.status(), 200);
        assert!(!part.text().await.unwrap().is_empty());
    }
    let config = reqwest::get(format!("{}/v1/admin/docs/swagger-initializer.js", stack.url())).await.unwrap();
    let config = config.text().await.unwrap();
    assert!(
        config.contains(r#""validatorUrl": "none""#)
            && !config.contains(r#""queryConfigEnabled": true"#)
            && !config.contains("https://"),
        "{config}"
    );
}

#[tokio::test]
async fn a_token_opens_what_its_scope_allows_until_it_is_revoked_and_only_its_hash_is_kept() {
    let stack = Stack::start().await;
    let text = tokens(&stack).await.remove("operate").unwrap();
    assert!(text.starts_with("twt_") && text.len() > 40, "{text}");
    let list = async |token: &str| call(&stack, "get", "/v1/admin/channels", Some(token), "").await;
    let (status, listed) = list(&text).await;
    assert_eq!((status, &listed["channels"][0]["state"]), (200, &json!("active")));
    for wrong in
        [format!("{text}x"), text[..text.len() - 1].to_owned(), text.to_uppercase(), "twt_".to_owned()]
    {
        assert_eq!(list(&wrong).await.0, 401, "{wrong}");
    }
    // Nothing in the table is the token, or leads to it.
    let kept: String = sqlx::query_scalar("select string_agg(t::text, ' ') from admin_tokens t")
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert!(!kept.contains(&text["twt_".len()..]), "{kept}");
    let used = "select count(*) from admin_tokens where name = 'for-operate' and last_used_at > now() - interval '5 s'";
    assert_eq!(stack.count(used).await, 1);
    // The use is written down once a minute at most.
    sqlx::query("update admin_tokens set last_used_at = now() - interval '30 s'")
        .execute(&stack.pool)
        .await
        .unwrap();
    assert_eq!((list(&text).await.0, stack.count(used).await), (200, 0));
    sqlx::query("update admin_tokens set last_used_at = now() - interval '61 s'")
        .execute(&stack.pool)
        .await
        .unwrap();
    assert_eq!((list(&text).await.0, stack.count(used).await), (200, 1));

    let asked = json!({ "name": "for-operate", "scope": "read" }).to_string();
    let (status, answer) = call(&stack, "post", "/v1/admin/tokens", Some("admin"), &asked).await;
    assert_eq!(status, 409);
    assert!(answer["hint"].as_str().unwrap().contains("twinwire tokens revoke for-operate"), "{answer}");
    for wrong in
        [r#"{"name":"a b","scope":"read"}"#, r#"{"name":"a","scope":"all"}"#, r#"{"name":"a"}"#, "[", "null"]
    {
        assert_eq!(call(&stack, "post", "/v1/admin/tokens", Some("admin"), wrong).await.0, 400, "{wrong}");
    }
    let revoke = async || call(&stack, "delete", "/v1/admin/tokens/for-operate", Some("admin"), "").await;
    assert_eq!(revoke().await.0, 200);
    assert_eq!(list(&text).await.0, 401);
    assert_eq!(revoke().await.0, 404);
    // The name is free again, for another token.
    let (status, made) = call(&stack, "post", "/v1/admin/tokens", Some("admin"), &asked).await;
    assert_eq!(status, 201);
    assert_ne!(made["text"], json!(text));
    assert_eq!(list(&text).await.0, 401);
}

#[tokio::test]
async fn a_token_for_metrics_reads_them_and_nothing_else() {
    let stack = Stack::start().await;
    let token = tokens(&stack).await.remove("metrics").unwrap();
    let metrics = format!("{}/metrics", stack.url());
    let answer = reqwest::Client::new().get(&metrics).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("twinwire_process_info"));
    assert_eq!(reqwest::get(&metrics).await.unwrap().status(), 401);
    for path in ["channels", "messages", "webhooks"] {
        let (status, answer) = call(&stack, "get", &format!("/v1/admin/{path}"), Some(&token), "").await;
        assert_eq!(status, 403, "{answer}");
    }
}

#[tokio::test]
async fn what_people_wrote_is_told_to_those_who_may_operate() {
    let stack = Stack::start().await;
    let tokens = tokens(&stack).await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Between us").await;
    stack.settle().await;
    let number = stack.count("select max(seq) from messages").await;
    for (query, open_to_read) in [("", true), ("?most=5", true), ("?body=true", false), ("?raw=true", false)]
    {
        let path = format!("/v1/admin/messages/{number}/story{query}");
        let (status, read) = call(&stack, "get", &path, Some(&tokens["read"]), "").await;
        assert_eq!(status, if open_to_read { 200 } else { 403 }, "{path}");
        assert!(!read.to_string().contains("Between"), "{read}");
        let (status, told) = call(&stack, "get", &path, Some(&tokens["operate"]), "").await;
        assert_eq!((status, told.to_string().contains("Between")), (200, !open_to_read), "{path}: {told}");
    }
}

#[tokio::test]
async fn messages_come_and_go_while_what_operators_ask_for_is_slow() {
    let stack = Stack::start().await;
    // Whatever reads this table waits; no message needs it.
    let mut tx = tx::begin(&stack.pool).await.unwrap();
    sqlx::query("lock table admin_tokens in access exclusive mode").execute(&mut *tx).await.unwrap();
    sqlx::query("set local idle_in_transaction_session_timeout = 0").execute(&mut *tx).await.unwrap();
    let url = format!("{}/v1/admin/tokens", stack.url());
    let asked: Vec<_> =
        (0..30).map(|_| tokio::spawn(reqwest::Client::new().get(&url).bearer_auth("admin").send())).collect();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let began = std::time::Instant::now();
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Is anybody there?").await;
    eventually("the text is in the helpdesk", || async {
        (stack.thread_texts(CUSTOMER) == ["Is anybody there?"]).then_some(())
    })
    .await;
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
    let mut too_slow = 0;
    for asked in asked {
        let answer = asked.await.unwrap().unwrap();
        assert_eq!(answer.status(), 503);
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert!(answer["hint"].is_string(), "{answer}");
        too_slow += usize::from(answer["error"].as_str().unwrap().contains("longer than 10 seconds"));
    }
    assert!(too_slow >= 5, "{too_slow}");
    tx.rollback().await.unwrap();
    assert_eq!(call(&stack, "get", "/v1/admin/tokens", Some("admin"), "").await.0, 200);
}
