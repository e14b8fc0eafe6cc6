//! Waiting for what must come, and watching that something does not.

use std::time::{Duration, Instant};

/// How long a test waits for what must come. Generous: machines are shared.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `look` gives something.
///
/// # Panics
/// When it does not within a minute; `what` says what was waited for.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "this did not come: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Watches for a while that `look` stays false.
///
/// # Panics
/// When it does not; `what` says what must not happen.
pub async fn never_within<F: Future<Output = bool>>(time: Duration, what: &str, mut look: impl FnMut() -> F) {
    let start = Instant::now();
    while start.elapsed() < time {
        assert!(!look().await, "this must not happen: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
