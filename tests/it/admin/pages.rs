//! Lists come in pages.

use super::*;

#[tokio::test]
async fn every_list_has_pages_that_follow_each_other_without_a_gap() {
    let stack = Stack::start().await;
    // The run of this day: it would move while it is listed.
    eventually("retention is over", || async {
        let done = "select count(*) from jobs where kind = 'retain' and state = 'done'";
        (stack.count(done).await == 1).then_some(())
    })
    .await;
    for nth in 0..5 {
        stack.signalwire.customer_texts(CUSTOMER, SUPPORT, &format!("Text {nth}")).await;
    }
    stack.settle().await;
    // What the doubles still have to say would move the list.
    stack.front.quiet().await;
    stack.signalwire.quiet().await;
    sqlx::raw_sql(
        "insert into endpoints (public_id, url, sealed_secret) values ('ep_paged', 'https://example.com', '\\x00');
        insert into deliveries (endpoint_id, event_type, state, next_at, finished_at)
            select id, 'endpoint.test', 'cancelled', null, now() from endpoints, generate_series(1, 5);
        insert into jobs (kind, requested_by, state, finished_at, asked)
            select 'replay', 'test', case when n < 4 then 'done' else 'queued' end,
                case when n < 4 then now() end, '{}' from generate_series(1, 5) n",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    for (list, key) in [("webhooks", "webhook"), ("deliveries", "event"), ("jobs", "job")] {
        let page = async |query: &str| {
            let path = format!("/v1/admin/{list}{query}");
            let (status, page) = call(&stack, "get", &path, Some("admin"), "").await;
            assert_eq!(status, 200, "{page}");
            page
        };
        let keys = |page: &Value| -> Vec<Value> {
            page[list].as_array().unwrap().iter().map(|one| one[key].clone()).collect()
        };
        let all = page("").await;
        assert!(keys(&all).len() >= 5 && all["next"].is_null(), "{all}");
        let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
        loop {
            let part = page(&query).await;
            assert!((1..=2).contains(&keys(&part).len()), "{part}");
            seen.extend(keys(&part));
            let Some(next) = part["next"].as_str() else { break };
            query = format!("?limit=2&before={next}");
        }
        assert_eq!(seen, keys(&all), "{list}");
    }
}
