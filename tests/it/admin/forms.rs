//! What is taken has one form: what nobody knows is refused, and whatever is wrong is said in the same way.

use super::*;

/// A body or a query of an operation with all that it needs, by the document; and a field that nobody knows.
fn strange(document: &Value, schema: &Value) -> Value {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &document["components"]["schemas"][name.rsplit_once('/').unwrap().1],
        None => schema,
    };
    if let Some(either) = ["oneOf", "allOf"].iter().find_map(|word| schema[word].as_array()) {
        let known = either.iter().find(|one| one["type"] != "null").unwrap();
        return strange(document, known);
    }
    let mut body = json!({});
    for name in schema["required"].as_array().into_iter().flatten() {
        let field = &schema["properties"][name.as_str().unwrap()];
        let value = match (field["enum"].get(0), field["format"].as_str(), field["type"].as_str()) {
            (Some(one), ..) => one.clone(),
            (_, Some("date-time"), _) => json!("2026-11-22T00:00:00Z"),
            (_, _, Some("boolean")) => json!(false),
            (_, _, Some("integer")) => json!(1),
            _ => field.get("example").cloned().unwrap_or(json!("nobody")),
        };
        body[name.as_str().unwrap()] = value;
    }
    body["what_nobody_knows"] = json!(true);
    body
}

#[tokio::test]
async fn what_is_asked_for_and_not_known_is_refused_and_never_passed_over() {
    let stack = Stack::start().await;
    let (_, document) = stack.get("/v1/admin/openapi.json").await;
    let (mut bodies, mut queries) = (0, 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        let real: Vec<_> =
            path.split('/').map(|part| if part.starts_with('{') { "nobody" } else { part }).collect();
        let real = real.join("/");
        for (method, operation) in METHODS.map(|method| (method, &operations[method])) {
            let asks = |place: &str| {
                operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["in"] == place))
            };
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !schema.is_null() {
                bodies += 1;
                let body = strange(&document, schema).to_string();
                let (status, answer) = call(&stack, method, &real, Some("admin"), &body).await;
                let said = answer["error"].as_str().unwrap_or_default();
                assert!(status == 400 && said.contains("what_nobody_knows"), "{path}: {status} {answer}");
            }
            if asks("query") {
                queries += 1;
                let asked = format!("{real}?what_nobody_knows=true");
                let (status, answer) = call(&stack, method, &asked, Some("admin"), "").await;
                let said = answer["error"].as_str().unwrap_or_default();
                assert!(status == 400 && said.contains("what_nobody_knows"), "{path}: {status} {answer}");
            }
        }
    }
    assert!(bodies >= 8 && queries >= 6, "{bodies} {queries}");
    // What was a query once is not passed over as one.
    let backfill = format!("/v1/admin/channels/{}/backfill?full=true", stack.installed.channel.id);
    assert_eq!(call(&stack, "post", &backfill, Some("admin"), "").await.0, 400);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_said_in_the_one_form() {
    let stack = Stack::start().await;
    let id = stack.installed.channel.id.as_str();
    for (method, path, body, status) in [
        ("get", "/v1/admin/channels/%ff".to_owned(), "", 400),
        ("get", "/v1/admin/webhooks?event=%00".to_owned(), "", 400),
        ("get", "/v1/admin/webhooks?connector=a%00".to_owned(), "", 400),
        ("get", "/v1/admin/deliveries?endpoint=%00".to_owned(), "", 400),
        ("get", "/v1/admin/webhooks?limit=0".to_owned(), "", 400),
        ("get", "/v1/admin/deliveries?limit=1001".to_owned(), "", 400),
        ("get", "/v1/admin/jobs?limit=501".to_owned(), "", 400),
        ("get", "/v1/admin/jobs?before=4711".to_owned(), "", 400),
        ("post", "/v1/admin/endpoints/ep_a/retry".to_owned(), r#"{"event":"a\u0000"}"#, 400),
        ("post", format!("/v1/admin/channels/{id}/backfill"), "[", 400),
        ("post", format!("/v1/admin/channels/{id}/backfill"), &" ".repeat((2 << 20) + 1), 413),
    ] {
        let (answered, answer) = call(&stack, method, &path, Some("admin"), body).await;
        assert_eq!(answered, status, "{path}: {answer}");
        assert!(answer["error"].as_str().is_some_and(|words| words.ends_with('.')), "{path}: {answer}");
    }
    // A backslash and what looks like the character are no such character.
    let path = "/v1/admin/endpoints/ep_a/retry";
    assert_eq!(call(&stack, "post", path, Some("admin"), r#"{"event":"a\\u0000"}"#).await.0, 404);
}
