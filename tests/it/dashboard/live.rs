//! That open pages are told of what has changed.

use super::*;
use std::time::{Duration, Instant};
use twinwire_tests::{CUSTOMER, SUPPORT};

/// A stream of `/live`.
struct Stream {
    answer: reqwest::Response,
    heard: String,
}

impl Stream {
    async fn open(stack: &Stack, visitor: &Visitor<'_>) -> Self {
        let answer = reqwest::Client::new().get(format!("{}/live", stack.url()));
        let answer = answer.header("cookie", visitor.cookie.clone().unwrap()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        Self { answer, heard: String::new() }
    }

    /// Whether it says something before the time is over.
    async fn says(&mut self, words: &str, within: Duration) -> bool {
        let began = Instant::now();
        while !self.heard.contains(words) {
            let left = within.saturating_sub(began.elapsed());
            match tokio::time::timeout(left, self.answer.chunk()).await {
                Ok(Ok(Some(bytes))) => self.heard.push_str(&String::from_utf8_lossy(&bytes)),
                Ok(Ok(None) | Err(_)) | Err(_) => return false,
            }
        }
        self.heard.clear();
        true
    }

    /// Whether it ends before the time is over.
    async fn ends(&mut self, within: Duration) -> bool {
        let end = async { while let Ok(Some(_)) = self.answer.chunk().await {} };
        tokio::time::timeout(within, end).await.is_ok()
    }
}

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_open_page_is_told_of_a_message_of_a_webhook_and_of_a_channel_that_pauses() {
    let stack = Stack::start().await;
    let mut visitor = Visitor::with(&stack, "operate").await;
    let mut stream = Stream::open(&stack, &visitor).await;
    // What has changed before it looked for the first time nobody knows: it may be anything.
    assert!(stream.says("data: messages webhooks jobs channels", SOON).await, "{}", stream.heard);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello").await;
    assert!(stream.says("data: messages webhooks", SOON).await, "{}", stream.heard);
    stack.settle().await;
    visitor.act(&format!("/channels/{}/pause", stack.installed.channel.id), &[]).await;
    assert!(stream.says("channels", SOON).await, "{}", stream.heard);
    // Nothing of a message is told, but that there is something to look at.
    assert!(!stream.heard.contains(CUSTOMER) && !stream.heard.contains("Hello"));
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_with_its_token() {
    let stack = Stack::start().await;
    let mut leaves = Visitor::with(&stack, "read").await;
    let revoked = Visitor::with(&stack, "read").await;
    let stays = Visitor::with_token(&stack, "admin").await;
    let (mut one, mut other, mut third) = (
        Stream::open(&stack, &leaves).await,
        Stream::open(&stack, &revoked).await,
        Stream::open(&stack, &stays).await,
    );
    leaves.act("/sign-out", &[]).await;
    assert!(one.says("event: ended", SOON).await);
    assert!(one.ends(SOON).await);
    sqlx::query("update admin_tokens set revoked_at = now()").execute(&stack.pool).await.unwrap();
    assert!(other.says("event: ended", SOON).await);
    assert!(!third.ends(Duration::from_secs(3)).await, "the others go on");
    // Another token of the server's own: everybody is asked again.
    stack.server().admit(Some("another".into()));
    assert!(third.says("event: ended", SOON).await);
}

#[tokio::test]
async fn open_pages_do_not_hold_up_a_server_that_stops() {
    let mut stack = Stack::start().await;
    let cookie = Visitor::with(&stack, "read").await.cookie;
    let visitor = Visitor { cookie, ..Visitor::new(&stack) };
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(Stream::open(&stack, &visitor).await);
    }
    let began = Instant::now();
    stack.stop_server().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    for stream in &mut streams {
        assert!(stream.ends(SOON).await);
    }
}
