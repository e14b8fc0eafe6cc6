//! The admin API in this process, over this machine's own database: no server has to run.

use super::{Answer, Asked, Begins};
use crate::Failure;
use crate::config::Config;
use crate::database::Database;
use axum::Router;
use axum::body::{Body, to_bytes};
use http::Request;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use twinwire_api::admin::auth::Inside;
use twinwire_api::{App, router};
use twinwire_engine::Engine;

/// The routes over an open database.
pub(super) struct Here {
    database: Database,
    engine: Engine,
    router: Router,
}

impl Here {
    pub(super) async fn open(config: &Config, begins: Begins) -> anyhow::Result<Self> {
        let database = match begins {
            Begins::Yes => Database::open_first(config).await?,
            Begins::No => Database::open(config).await?,
        };
        let engine = match database.public_url(config).await {
            Ok(public_url) => database.engine(config, &public_url),
            Err(error) => Err(error),
        };
        let engine = match engine {
            Ok(engine) => engine,
            Err(error) => {
                database.close().await?;
                return Err(error);
            }
        };
        let router = router(App {
            engine: engine.clone(),
            refusals: Arc::default(),
            admin_token: None,
            started: Instant::now(),
            status: Arc::default(),
            guesses: Arc::default(),
            live: Arc::default(),
            stop: CancellationToken::new(),
        });
        Ok(Self { database, engine, router })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whoever runs this holds the database and the key: they may do everything.
    pub(super) async fn ask(&self, asked: Asked) -> Result<Answer, Failure> {
        let Asked { method, path, body } = asked;
        let request = Request::builder().method(method).uri(path).extension(Inside);
        let request = request.body(body.map_or_else(Body::empty, Body::from))?;
        let response = self.router.clone().oneshot(request).await?;
        let status = response.status().as_u16();
        Ok(Answer { status, body: to_bytes(response.into_body(), usize::MAX).await?.into() })
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.engine.for_operators().pool().close().await;
        self.database.close().await
    }
}
