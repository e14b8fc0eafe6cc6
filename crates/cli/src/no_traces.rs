//! A build without the feature `otlp`: no traces.

use std::convert::Infallible;
use twinwire_engine::Engine;

/// There are none.
pub(crate) struct Traces(Infallible);

impl Traces {
    /// Nothing to end.
    #[expect(clippy::unused_async, reason = "in place of one that waits")]
    pub(crate) async fn stop(self) {
        match self.0 {}
    }
}

/// Nothing begins; who asks for it is told.
#[expect(clippy::unnecessary_wraps, reason = "in place of one that may fail")]
pub(crate) fn start(_engine: &Engine) -> anyhow::Result<Option<Traces>> {
    if std::env::vars_os()
        .any(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("OTEL_EXPORTER_")))
    {
        tracing::warn!("this build sends no traces: it was made without the feature `otlp`");
    }
    Ok(None)
}
